"""A tiny assembler for programs made by hand in tests: fields by name, checked for range, packed by the layouts.

    program = Assembler(cfg)
    layer = program.layer(kernel=[{"column_move": 1}], source=Source.WINDOW, channels_out=3, ...)
    program.tile(layer, address=16, rows=2, slots=[(0, 2)])
    emulator = Emulator(cfg, program.contents())

It packs bit by bit in the plainest way, and shares no code with the compiler.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from firelane.hw.contract.config import MAX_CODE_BITS, MEMORY_BITS, PARAMETER_CHUNK_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORD,
    DESCRIPTOR,
    FORMAT_VERSION,
    HEADER_WORDS,
    KERNEL_ENTRY,
    KERNEL_ENTRY_BITS,
    MAGIC,
    RUN_ENTRY,
    SLOTS,
    Header,
    Opcode,
    ParameterForm,
    RowMove,
    Source,
    instruction_layout,
    instruction_words,
    record_layout,
    words_for,
)
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator.contents_check import crc_of_words

SIGNED = {"column_move", "weight", "bias"}


def pack(layout, values: dict) -> int:
    """An item of `layout`; fields that are not given are 0.

    Raises
    ------
    ValueError
        If a field does not exist or its value does not fit.
    """
    item, known = 0, dict(layout)
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"no field {name}")
        width, number = known[name].width, int(getattr(value, "value", value))
        low, high = (-(1 << (width - 1)), 1 << (width - 1)) if name in SIGNED else (0, 1 << width)
        if not low <= number < high:
            raise ValueError(f"{name} = {number} does not fit {width} bits")
        item |= (number & ((1 << width) - 1)) << known[name].offset
    return item


def to_words(item: int, words: int) -> list[int]:
    """An item as 36-bit words."""
    return [(item >> (index * MEMORY_BITS)) & ((1 << MEMORY_BITS) - 1) for index in range(words)]


def bits_to_words(bits: Sequence[int]) -> list[int]:
    """A bit stream as words, first bit in bit 0."""
    return [sum(bit << index for index, bit in enumerate(bits[start:start + MEMORY_BITS]))
            for start in range(0, len(bits), MEMORY_BITS)]


@dataclass(frozen=True)
class Code:
    """A canonical prefix code: `lengths[s]` bits for symbol s, in rising order."""

    lengths: tuple[int, ...]

    def codes(self) -> list[int]:
        codes, code, before = [], 0, self.lengths[0]
        for length in self.lengths:
            code <<= length - before
            codes.append(code)
            code, before = code + 1, length
        return codes

    def fields(self, kind: str) -> list[dict[str, int]]:
        """Fields of the code words for lengths 1 .. 8."""
        codes, fields = self.codes(), []
        for length in range(1, MAX_CODE_BITS + 1):
            up_to = [(code + 1) << (MAX_CODE_BITS - n) for code, n in zip(codes, self.lengths) if n <= length]
            first = next((s for s, n in enumerate(self.lengths) if n == length), None)
            offset = 0 if first is None else (first - codes[first]) % 256
            fields.append({f"{kind}_limit": max(up_to, default=0), f"{kind}_offset": offset})
        return fields

    def bits(self, symbols: Iterable[int]) -> list[int]:
        """The stream of `symbols`, first bit of a code most significant."""
        codes = self.codes()
        return [(codes[s] >> (self.lengths[s] - 1 - bit)) & 1 for s in symbols for bit in range(self.lengths[s])]


FLAT = Code((8,) * 256)


@dataclass
class Assembler:
    """Instructions, layers and weight streams of one program."""

    cfg: EngineConfig
    instructions: list[dict] = field(default_factory=list)
    layers: list[list[int]] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)

    def layer(self, *, kernel: Sequence[dict] = (), codes: tuple[Code, Code] = (FLAT, FLAT), **fields) -> int:
        """A descriptor with what stands behind it; returns its number. Requantization is the identity if not given."""
        fields = {"multiplier": 1 << 15, "shift": 15, "clamp_high": 255, "kernel_taps":
                  len(kernel), **fields}
        words = to_words(pack(DESCRIPTOR, fields), words_for(DESCRIPTOR))
        if kernel and fields.get("source", Source.STREAM) is Source.STREAM:
            words += [pack(CODE_WORD, {**value, **run})
                      for value, run in zip(codes[0].fields("value"), codes[1].fields("run"))]
        entries = [pack(KERNEL_ENTRY, entry) for entry in kernel]
        words += [low | high << KERNEL_ENTRY_BITS for low, high in zip(entries[::2], [*entries[1::2], 0])]
        self.layers.append(words)
        return len(self.layers) - 1

    def stream(self, bits: Sequence[int]) -> int:
        """A bit stream in the weight memory; returns its address."""
        address = len(self.weights)
        self.weights += bits_to_words(bits) or [0]
        return address

    def parameters(self, records: Iterable[tuple[int, int, int]]) -> int:
        """A parameter stream of full (bias, multiplier, shift) records."""
        bits, width = [], PARAMETER_CHUNK_BITS * self.cfg.parameter_chunks
        for bias, multiplier, shift in records:
            item = pack(record_layout(ParameterForm.FULL, self.cfg),
                        {"bias": bias, "fraction": multiplier - (1 << 15), "shift": shift})
            bits += [(item >> bit) & 1 for bit in range(width)]
        return self.stream(bits)

    def sparse_weights(self, weight: np.ndarray, codes: tuple[Code, Code] = (FLAT, FLAT)) -> dict[str, int]:
        """Streams and tables of int8 (O, I, K) weights, each channel with a tap at least: descriptor fields.

        The tables' entries are in order of first use, so a short code's symbols are the first ones used.
        """
        places = weight.shape[1] * weight.shape[2]
        flat = weight.reshape(len(weight), places)
        taps = [(channel, int(place)) for channel in range(len(flat))
                for place in (np.flatnonzero(flat[channel]) if flat[channel].any() else [0])]
        values = [int(flat[tap]) & 0xFF for tap in taps] + [0]
        linear = [-1] + [channel * places + place for channel, place in taps] + [len(flat) * places]
        runs = [pack(RUN_ENTRY, dict(zip(("channel_step", "kernel_step"), divmod(step, weight.shape[2]))))
                for step in np.diff(linear).tolist()]
        fields = {"value_table": len(self.values), "run_table": len(self.runs)}
        streams = (("value", self.values, values, codes[0]), ("run", self.runs, runs, codes[1]))
        for kind, table, symbols, code in streams:
            entries = list(dict.fromkeys(symbols))
            table.extend(entries)
            fields[f"{kind}_address"] = self.stream(code.bits(map(entries.index, symbols)))
        return fields

    def emit(self, opcode: Opcode, layer: int = 0, slots: Sequence[tuple[int, int]] = (), **fields) -> None:
        """One instruction; `slots` are (address, rows) pairs."""
        self.instructions.append({"opcode": opcode, "layer": layer, "slots": slots, **fields})

    def tile(self, layer: int, **fields) -> None:
        self.emit(Opcode.TILE, layer, **fields)

    def contents(self, **header: int) -> MemoryContents:
        """The program with an END; `header` words of the `Header` enumeration replace the right ones."""
        self_end = [*self.instructions, {"opcode": Opcode.END, "slots": ()}]
        words = instruction_words(self.cfg)
        addresses, behind = [], []
        for layer in self.layers:
            addresses.append(HEADER_WORDS + len(self_end) * words + len(behind))
            behind += layer
        body = [word for instruction in self_end for word in self._instruction(instruction, addresses)] + behind
        return with_header(self.cfg, body, self.weights, self.values, self.runs, **header)

    def pc(self, index: int) -> int:
        """The program word of an instruction."""
        return HEADER_WORDS + index * instruction_words(self.cfg)

    def _instruction(self, fields: dict, addresses: list[int]) -> list[int]:
        layout = instruction_layout(self.cfg)
        fields = dict(fields)
        slots = fields.pop("slots")
        if fields["opcode"] is not Opcode.END:
            fields["layer"] = addresses[fields["layer"]]
        item = pack(layout, fields)
        array = layout["slots"].shape
        assert array.length == SLOTS >= len(slots)
        for index, (address, rows) in enumerate(slots):
            item |= (pack(array.elem_shape, {"address": address, "rows": rows})
                     << (layout["slots"].offset + index * array.elem_shape.size))
        return to_words(item, instruction_words(self.cfg))


def with_header(cfg: EngineConfig, body, weights, values, runs, **header: int) -> MemoryContents:
    """Contents with a header in front of the program words `body`."""
    contents = MemoryContents([0] * HEADER_WORDS + list(body), weights, values, runs)
    words = {Header.IDENTITY: MAGIC << 8 | FORMAT_VERSION, Header.CONFIG_DIGEST: cfg.digest,
             Header.PROGRAM_LENGTH: len(contents.program), Header.WEIGHT_LENGTH: len(weights),
             Header.WEIGHT_CRC: crc_of_words(contents.weights), Header.TABLE_LENGTHS: len(values) | len(runs) << 18,
             Header.TABLE_CRC: crc_of_words(contents.values, contents.runs)}
    words |= {Header[name]: value for name, value in header.items()}
    program = list(contents.program)
    for name, value in words.items():
        program[name] = value
    program[Header.PROGRAM_CRC] = header.get("PROGRAM_CRC", crc_of_words(program[Header.PROGRAM_CRC + 1:]))
    return replace(contents, program=program)


def kernel_3x3() -> list[dict]:
    """Places of a 3x3 kernel around the pixel: slot 0 the row group above, 1 the lane's own, 2 the one below."""
    moves = {-1: {"row_move": RowMove.UP, "slot": 1, "wrap_slot": 0}, 0: {"slot": 1},
             1: {"row_move": RowMove.DOWN, "slot": 1, "wrap_slot": 2}}
    return [{"column_move": dx, **moves[dy]} for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
