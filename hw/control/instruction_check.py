"""Whether an instruction and its descriptor make sense, before anything acts on them."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import TABLE_WRITES
from firelane.hw.contract.config import BANK_PIXELS, MAX_KERNEL_TAPS, MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    DESCRIPTOR,
    KERNEL_ENTRY,
    KERNEL_ENTRY_BITS,
    Destination,
    Opcode,
    Operation,
    ParameterForm,
    Source,
    instruction_layout,
    makes_blocks,
)

SHIFT_MIN, SHIFT_MAX = 1, 40


class InstructionCheck(wiring.Component):
    """Flags fields that are out of range for their opcode.

    Latency     2 cycles from `tile`, `layer` and `kernel_write` to `bad`.
    Throughput  an instruction per cycle.
    Limits      addresses are checked where they are used, codes by the tap path. A kernel table with a column move that
                the engine has not makes every TILE bad from then on, until reset.

    Members
    -------
    tile, layer : In
    kernel_write : In(TABLE_WRITES)
        The kernel table, on its way from the program; an entry of zeros beside the last one is sound.
    bad : Out(1)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({"tile": In(instruction_layout(cfg)), "layer": In(DESCRIPTOR),
                          "kernel_write": In(TABLE_WRITES), "bad": Out(1)})

    def elaborate(self, platform):
        m = Module()
        moves_wrongly = self._table_moves_wrongly(m)
        rules = {Opcode.END: [Const(0, 1)], Opcode.TILE: self._tile_rules(), Opcode.LOAD: self._load_rules(),
                 Opcode.AVERAGE: self._average_rules(), Opcode.OUTPUT: self._output_rules()}
        # The opcode may be none of the enumeration's: compare values. What is broken is registered rule by rule, and
        # all of it once more: fields of a descriptor come from afar, and so does what waits for the verdict.
        opcode = Signal(len(self.tile.opcode.as_value()), reset_less=True)
        bad = Signal(init=1, reset_less=True)
        m.d.comb += self.bad.eq(bad)
        m.d.sync += [opcode.eq(self.tile.opcode.as_value()), bad.eq(1)]
        with m.Switch(opcode):
            for code, broken in rules.items():
                flags = Signal(len(broken), name=f"broken_{code.name.lower()}", reset_less=True)
                m.d.sync += flags.eq(Cat(broken))
                with m.Case(code.value):
                    m.d.sync += bad.eq(flags.any() | (moves_wrongly if code is Opcode.TILE else 0))
        return m

    def _table_moves_wrongly(self, m):
        """Whether a kernel table had a column move that the engine has not."""
        entries = data.View(data.ArrayLayout(KERNEL_ENTRY_BITS, MEMORY_BITS // KERNEL_ENTRY_BITS),
                            self.kernel_write.payload.data)
        moves = [data.View(KERNEL_ENTRY, entry[:KERNEL_ENTRY.size]).column_move.as_signed() for entry in entries]
        wrong = Signal()
        with m.If(self.kernel_write.valid & ~Cat(Cat(move == step for step in self._cfg.column_moves).any()
                                                 for move in moves).all()):
            m.d.sync += wrong.eq(1)
        return wrong

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
            *self._block_rules(),
        ]

    def _block_rules(self):
        """What lanes that are merged by blocks ask of a TILE; with two taps a cycle."""
        layer, cfg = self.layer, self._cfg
        if cfg.taps_per_cycle == 1:
            return []
        blocks = makes_blocks(layer)
        if not cfg.merges_blocks:
            return [blocks]
        return [blocks & ((layer.operation != Operation.MAXIMUM) | ~layer.subsample),
                blocks & (layer.row_phase | layer.column_phase),
                blocks & ((layer.destination != Destination.MEMORY) | (layer.parameters != ParameterForm.CONSTANT))]

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
