"""From program memory to an instruction, its layer descriptor, and the tables behind that."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import TABLE_WRITES, program_read_port
from firelane.hw.contract.config import MAX_KERNEL_TAPS, MEMORY_BITS, EngineConfig, bits_for
from firelane.hw.contract.instruction import (
    DESCRIPTOR,
    DESCRIPTOR_WORDS,
    KERNEL_BITS,
    Opcode,
    Source,
    instruction_layout,
    instruction_words,
    stream_words,
)
from firelane.hw.contract.timing import PROGRAM_LATENCY

KERNEL_WORDS = MAX_KERNEL_TAPS // 2     #: most words of a kernel table


class Part(enum.Enum, shape=2):
    """What a program word is for."""

    INSTRUCTION = 0
    DESCRIPTOR = 1
    CODE = 2
    KERNEL = 3


_TAG = data.StructLayout({"valid": 1, "part": Part, "index": bits_for(KERNEL_WORDS)})


class Fetch(wiring.Component):
    """Reads the instruction at `pc`, and its layer descriptor unless that is the one already here.

    A TILE needs the tables behind the descriptor, too: they pass through to `code_write` and `kernel_write`. A
    descriptor fetched for another opcode (without tables) is fetched again when a TILE names it. Kernel tables go to
    one of two memories and to the other in turn, so that the one before can still be read.

    Latency     `hw.contract.timing.fetch_cycles` from `start` to `done`.
    Throughput  a program word per cycle.
    Limits      addresses at or behind `program_length` raise `range_error`; a kernel table is cut at 64 places.

    Members
    -------
    start : In(1)
        Pulse; `pc` is taken with it.
    forget : In(1)
        The descriptor here is no longer valid (a frame begins).
    program : Out(program_read_port(cfg))
    tile, layer : Out
        The instruction and its descriptor; stable from `done` to the next `start`.
    code_write, kernel_write : Out(TABLE_WRITES)
    table : Out(1)
        The memory of `kernel_write`, and of the kernel table that is here; stable with `layer`.
    done : Out(1)
        Pulse.
    range_error : Out(1)
        Pulse.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        address_bits = bits_for(cfg.program_words)
        super().__init__({
            "start": In(1), "pc": In(address_bits), "forget": In(1),
            "program_length": In(bits_for(cfg.program_words + 1)),
            "program": Out(program_read_port(cfg)),
            "tile": Out(instruction_layout(cfg)), "layer": Out(DESCRIPTOR),
            "code_write": Out(TABLE_WRITES), "kernel_write": Out(TABLE_WRITES), "table": Out(1),
            "done": Out(1), "range_error": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        issued = Signal(_TAG)
        tags = self._delayed(m, issued)
        self._receive(m, tags[-1])
        self._sequence(m, issued, in_flight=Cat(tag.valid for tag in tags).any())
        return m

    @staticmethod
    def _delayed(m, tag):
        """The tags of the words on their way; the last is that of the word on `program.data`."""
        tags = []
        for cycle in range(PROGRAM_LATENCY):
            tags.append(Signal(_TAG, name=f"tag_d{cycle + 1}"))
            m.d.sync += tags[-1].eq(tag)
            tag = tags[-1]
        return tags

    def _receive(self, m, tag):
        tile = Signal(instruction_layout(self._cfg), reset_less=True)
        layer = Signal(DESCRIPTOR, reset_less=True)
        m.d.comb += [self.tile.eq(tile), self.layer.eq(layer)]
        for part, register, words in ((Part.INSTRUCTION, tile.as_value(), instruction_words(self._cfg)),
                                      (Part.DESCRIPTOR, layer.as_value(), DESCRIPTOR_WORDS)):
            for index in range(words):
                with m.If(tag.valid & (tag.part == part) & (tag.index == index)):
                    low = index * MEMORY_BITS
                    m.d.sync += register[low:low + MEMORY_BITS].eq(self.program.data)
        for part, write in ((Part.CODE, self.code_write), (Part.KERNEL, self.kernel_write)):
            m.d.comb += [
                write.valid.eq(tag.valid & (tag.part == part)),
                write.payload.index.eq(tag.index),
                write.payload.data.eq(self.program.data),
            ]

    def _sequence(self, m, issued, in_flight):
        cfg = self._cfg
        assert DESCRIPTOR_WORDS > PROGRAM_LATENCY + 3   # source and kernel_taps arrive before they are asked about
        address = Signal(bits_for(cfg.program_words + 1), reset_less=True)
        index = Signal(bits_for(KERNEL_WORDS), reset_less=True)
        part = Signal(Part)
        last_index = Signal(KERNEL_BITS + 1)
        last = Signal()
        is_tile, present, found = self._descriptor_state(m)
        m.d.comb += [
            self.program.address.eq(address),
            issued.part.eq(part),
            issued.index.eq(index),
            last.eq((index == last_index) | (index == KERNEL_WORDS - 1)),
            self.range_error.eq(issued.valid & (address >= self.program_length)),
        ]
        with m.Switch(part):
            for each, number in self._last_words(m).items():
                with m.Case(each):
                    m.d.comb += last_index.eq(number)

        with m.FSM(name="fetch"):
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [address.eq(self.pc), index.eq(0), part.eq(Part.INSTRUCTION)]
                    m.next = "READ"
            with m.State("READ"):
                m.d.comb += issued.valid.eq(1)
                m.d.sync += [address.eq(address + 1), index.eq(index + 1)]
                with m.If(last):
                    m.d.sync += index.eq(0)
                    self._next_part(m, part, is_tile)
            with m.State("ARRIVE"):
                with m.If(~in_flight):
                    m.d.comb += self.done.eq(present)
                    m.next = "IDLE"
                    with m.If(~present):
                        m.d.sync += [address.eq(self.tile.layer), part.eq(Part.DESCRIPTOR),
                                     self.table.eq(self.table ^ is_tile)]
                        m.next = "READ"
            with m.State("DRAIN"):
                with m.If(~in_flight):
                    m.d.comb += [self.done.eq(1), found.eq(1)]
                    m.next = "IDLE"

    def _last_words(self, m) -> dict:
        """The number of the last word of each part."""
        kernel_last = Signal(KERNEL_BITS, reset_less=True)
        places = self.layer.kernel_taps
        m.d.sync += kernel_last.eq(Mux(places == 0, 0, (places - 1)[1:]))
        return {Part.INSTRUCTION: instruction_words(self._cfg) - 1, Part.DESCRIPTOR: DESCRIPTOR_WORDS - 1,
                Part.CODE: stream_words(self._cfg) - 1, Part.KERNEL: kernel_last}

    def _next_part(self, m, part, is_tile):
        """What follows the last word of `part`."""
        with m.Switch(part):
            with m.Case(Part.INSTRUCTION):
                m.next = "ARRIVE"
            with m.Case(Part.DESCRIPTOR):
                with m.If(is_tile):
                    m.d.sync += part.eq(Mux(self.layer.source == Source.STREAM, Part.CODE, Part.KERNEL))
                with m.Else():
                    m.next = "DRAIN"
            with m.Case(Part.CODE):
                m.d.sync += part.eq(Part.KERNEL)
            with m.Case(Part.KERNEL):
                m.next = "DRAIN"

    def _descriptor_state(self, m):
        """(the instruction is a TILE, no descriptor need be fetched for it, to be set when one has been)."""
        opcode = self.tile.opcode.as_value()
        is_tile, present, found = Signal(), Signal(), Signal()
        valid, tables = Signal(), Signal()
        address = Signal(bits_for(self._cfg.program_words), reset_less=True)
        named = Cat(opcode == code.value for code in (Opcode.TILE, Opcode.LOAD, Opcode.AVERAGE, Opcode.OUTPUT)).any()
        m.d.comb += [
            is_tile.eq(opcode == Opcode.TILE.value),
            present.eq(~named | (valid & (address == self.tile.layer) & (tables | ~is_tile))),
        ]
        with m.If(found):
            m.d.sync += [valid.eq(1), tables.eq(is_tile), address.eq(self.tile.layer)]
        with m.If(self.forget):
            m.d.sync += valid.eq(0)
        return is_tile, present, found
