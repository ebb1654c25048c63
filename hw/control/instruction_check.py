"""Whether an instruction and its descriptor make sense, before anything acts on them."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import BANK_PIXELS, MAX_KERNEL_TAPS, EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR, Destination, Opcode, ParameterForm, Source, instruction_layout

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
        rules = {Opcode.END: [Const(0, 1)], Opcode.TILE: self._tile_rules(), Opcode.LOAD: self._load_rules(),
                 Opcode.AVERAGE: self._average_rules(), Opcode.OUTPUT: self._output_rules()}
        # The opcode may be none of the enumeration's: compare values. What is broken is registered rule by rule.
        opcode = Signal(len(self.tile.opcode.as_value()), reset_less=True)
        m.d.sync += opcode.eq(self.tile.opcode.as_value())
        m.d.comb += self.bad.eq(1)
        with m.Switch(opcode):
            for code, broken in rules.items():
                flags = Signal(len(broken), name=f"broken_{code.name.lower()}", reset_less=True)
                m.d.sync += flags.eq(Cat(broken))
                with m.Case(code.value):
                    m.d.comb += self.bad.eq(flags.any())
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
