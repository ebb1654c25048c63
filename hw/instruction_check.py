"""Whether an instruction and its descriptor make sense, before anything acts on them."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import BANK_PIXELS, MAX_KERNEL_TAPS, EngineConfig
from hw.instruction import DESCRIPTOR, Destination, Opcode, ParameterForm, Source, instruction_layout

SHIFT_MIN, SHIFT_MAX = 1, 40


class InstructionCheck(wiring.Component):
    """Flags fields that are out of range for their opcode.

    Latency     1 cycle from `tile` and `layer` to `bad`.
    Throughput  an instruction per cycle.
    Limits      addresses are checked where they are used, contents of tables by the tap path.

    Members
    -------
    tile, layer : In
    bad : Out(1)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({"tile": In(instruction_layout(cfg)), "layer": In(DESCRIPTOR), "bad": Out(1)})

    def elaborate(self, platform):
        m = Module()
        bad, tile_bad = Signal(), Signal()
        # The opcode may be none of the enumeration's: compare values.
        with m.Switch(self.tile.opcode.as_value()):
            with m.Case(Opcode.END.value):
                m.d.comb += bad.eq(0)
            with m.Case(Opcode.TILE.value):
                m.d.comb += bad.eq(tile_bad)
            with m.Case(Opcode.LOAD.value):
                m.d.comb += bad.eq(Cat(self._load_rules()).any())
            with m.Case(Opcode.AVERAGE.value):
                m.d.comb += bad.eq(Cat(self._average_rules()).any())
            with m.Case(Opcode.OUTPUT.value):
                m.d.comb += bad.eq(Cat(self._output_rules()).any())
            with m.Default():
                m.d.comb += bad.eq(1)
        m.d.comb += tile_bad.eq(Cat(self._tile_rules()).any())
        m.d.sync += self.bad.eq(bad)
        return m

    def _rows(self, parts_log2):
        """Rows of a word whose rows take 2**parts_log2 banks; 0 if there is no such class."""
        return Const(self._cfg.banks) >> parts_log2

    @staticmethod
    def _pixels(parts_log2):
        """Columns that such a row has room for."""
        return (Const(BANK_PIXELS) << parts_log2)

    def _class_rules(self, parts_log2, columns):
        return [self._rows(parts_log2) == 0, columns == 0, columns > self._pixels(parts_log2)]

    def _shift_is_bad(self):
        return (self.layer.shift < SHIFT_MIN) | (self.layer.shift > SHIFT_MAX)

    def _tile_rules(self):
        tile, layer = self.tile, self.layer
        stream, memory = layer.source == Source.STREAM, layer.destination == Destination.MEMORY
        return [
            layer.channels_out == 0,
            (layer.parameters != ParameterForm.FULL) & self._shift_is_bad(),
            *self._class_rules(layer.parts_log2, layer.columns),
            layer.kernel_taps == 0,
            layer.kernel_taps > MAX_KERNEL_TAPS,
            layer.out_columns == 0,
            stream & ((layer.channels_in == 0) | (layer.group_channels == 0)),
            memory & (layer.out_columns > self._pixels(layer.out_parts_log2)),
            memory & (self._rows(layer.out_parts_log2) == 0),
            memory & (tile.row + tile.rows > self._rows(layer.out_parts_log2)),
        ]

    def _load_rules(self):
        tile, layer = self.tile, self.layer
        map_rows = tile.slots[0].rows
        split = layer.space_to_depth
        return [
            self._rows(layer.parts_log2) == 0,
            layer.channels_in == 0,
            layer.image_columns == 0,
            layer.image_columns > (self._pixels(layer.parts_log2) << split),
            map_rows == 0,
            tile.row + map_rows > self._rows(layer.parts_log2),
            tile.rows > (map_rows << split),
            tile.last & (tile.rows == 0),
        ]

    def _average_rules(self):
        layer = self.layer
        return [layer.channels_out == 0, layer.parameters != ParameterForm.CONSTANT, self._shift_is_bad()]

    def _output_rules(self):
        tile, layer = self.tile, self.layer
        map_rows = tile.slots[0].rows
        return [
            *self._class_rules(layer.parts_log2, layer.columns),
            layer.channels_out == 0,
            map_rows == 0,
            tile.row + map_rows > self._rows(layer.parts_log2),
        ]
