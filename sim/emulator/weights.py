"""The compressed weights of a layer, read bit by bit as the decoder of the engine reads them.

This is written from `docs/architecture.md` and `hw.contract.instruction` alone and shares no code with
`compiler.coding.weight_code`, so that an error of one shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice

import numpy as np

from firelane.hw.contract.config import (
    MAX_CODE_BITS,
    MEMORY_BITS,
    MULTIPLIER_BITS,
    PARAMETER_CHUNK_BITS,
    WEIGHT_BITS,
    EngineConfig,
)
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FRACTION_BITS, KERNEL_BITS, ParameterForm, record_chunks
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.emulator.decode import INVALID, DescriptorFields, PrefixCode, record_fields, signed, unpack
from firelane.sim.emulator.faults import EngineError, InvariantError

PIECE_WORDS = 256               # words of a stream that are looked up at once


@dataclass(frozen=True, eq=False)
class StreamTaps:
    """The taps of a layer in the order of the stream.

    `channel`, `place`, `weight` int64 (taps,): output channel, place in the filter (input channel of the group *
    kernel_taps + kernel place), weight. `value_bits`, `run_bits`: bits of each stream, terminator included.
    """

    channel: np.ndarray
    place: np.ndarray
    weight: np.ndarray
    value_bits: int
    run_bits: int


@dataclass(frozen=True, eq=False)
class ChannelParameters:
    """Requantization per output channel: int64 (channels,) each."""

    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray


class BitStream:
    """The bits of the weight memory from word `address` on, lowest bit of a word first."""

    def __init__(self, weights: Sequence[int], address: int, pc: int):
        self.pc = pc
        self.address = address
        self.weights = weights
        self.length = max(len(weights) - address, 0) * MEMORY_BITS

    def bits(self, first_word: int, words: int) -> np.ndarray:
        """uint8 (words * 36,) of 0 and 1; fewer at the end of the memory."""
        start = self.address + first_word
        octets = np.array(self.weights[start:start + words], "<u8").view(np.uint8).reshape(-1, 8)
        return np.unpackbits(octets, axis=1, bitorder="little")[:, :MEMORY_BITS].reshape(-1)

    def windows(self, first_word: int) -> np.ndarray:
        """int64: the 8 bits from each of the next positions on, the first most significant; 0 after the end."""
        bits = self.bits(first_word, PIECE_WORDS + 1).astype(np.int64)
        count = min(PIECE_WORDS * MEMORY_BITS, self.length - first_word * MEMORY_BITS)
        bits = np.concatenate([bits, np.zeros(MAX_CODE_BITS, np.int64)])
        shifted = (bits[bit:bit + count] << (MAX_CODE_BITS - 1 - bit) for bit in range(MAX_CODE_BITS))
        return reduce(np.bitwise_or, shifted)

    def fields(self, width: int, count: int) -> np.ndarray:
        """`count` plain fields of `width` bits, least significant first: int64 (count,)."""
        self.check_end(width * count)
        bits = self.bits(0, -(-width * count // MEMORY_BITS))[:width * count].reshape(count, width).astype(np.int64)
        return bits @ (np.int64(1) << np.arange(width, dtype=np.int64))

    def check_end(self, bits: int) -> None:
        if bits > self.length:
            raise EngineError(ErrorCode.WEIGHT_RANGE, self.pc, f"the stream at weight word {self.address} runs on past "
                                                               f"the end of the memory")

    def symbols(self, code: PrefixCode) -> Iterator[tuple[int, int]]:
        """(symbol, bits read so far), for ever."""
        piece_bits, first_word, position = PIECE_WORDS * MEMORY_BITS, 0, 0
        while True:
            self.check_end(first_word * MEMORY_BITS + position + 1)
            windows = self.windows(first_word)
            lengths, symbols = code.lengths[windows].tolist(), code.symbols[windows].tolist()
            while position < len(lengths):
                length, symbol = lengths[position], symbols[position]
                bits = first_word * MEMORY_BITS + position
                if length == INVALID:
                    raise EngineError(ErrorCode.BAD_CODE, self.pc, f"no code at bit {bits} of the stream at weight "
                                                                   f"word {self.address}")
                self.check_end(bits + length)
                position += length
                yield symbol, bits + length
            first_word, position = first_word + PIECE_WORDS, position - piece_bits


class SymbolStream:
    """The symbols of one stream, or of two in turn."""

    def __init__(self, contents: MemoryContents, addresses: Sequence[int], code: PrefixCode, pc: int):
        self._streams = [BitStream(contents.weights, address, pc) for address in addresses]
        self._symbols = [stream.symbols(code) for stream in self._streams]
        self._bits = [0] * len(addresses)
        self._count = 0

    def __iter__(self) -> Iterator[int]:
        """All symbols, for ever."""
        while True:
            turn = self._count % len(self._streams)
            symbol, self._bits[turn] = next(self._symbols[turn])
            self._count += 1
            yield symbol

    def end(self) -> int:
        """All bits that were read. Of two streams the second has one more symbol, if their number was odd."""
        if self._count % len(self._streams):
            self._streams[-1].check_end(self._bits[-1] + 1)
        return sum(self._bits)


def read_taps(layer: DescriptorFields, codes: tuple[PrefixCode, PrefixCode], contents: MemoryContents,
              pc: int, second: tuple[int, int] | None = None) -> StreamTaps:
    """All taps of a Source.STREAM layer, without the terminator.

    `second`: the addresses of values and runs of every second tap, if they are apart.
    """
    value_code, run_code = codes
    if layer.dense:
        place = np.tile(np.arange(layer.channels_in * layer.kernel_taps), layer.channels_out)
        channel = np.repeat(np.arange(layer.channels_out), layer.channels_in * layer.kernel_taps)
        run_bits = 0
    else:
        addresses = (layer.run_address,) if second is None else (layer.run_address, second[1])
        channel, place, run_bits = _read_runs(layer, SymbolStream(contents, addresses, run_code, pc), contents, pc)
    addresses = (layer.value_address,) if second is None else (layer.value_address, second[0])
    weight, value_bits = _read_values(layer, value_code, len(channel) + 1, contents, addresses, pc)
    return StreamTaps(channel, place, weight[:-1], value_bits, run_bits)


def _read_runs(layer: DescriptorFields, stream: SymbolStream, contents: MemoryContents, pc: int):
    """Channel and place of each tap, and the bits of all runs: steps of the run table from tap to tap."""
    entries = np.array(contents.runs[layer.run_table:layer.run_table + 256], np.int64)
    kernel_steps, channel_steps = (entries & ((1 << KERNEL_BITS) - 1)).tolist(), (entries >> KERNEL_BITS).tolist()
    channel, c, k = 0, -1, layer.kernel_taps - 1             # the place before the first
    channels: list[int] = []
    places: list[int] = []
    for symbol in stream:
        if symbol >= len(kernel_steps):
            raise EngineError(ErrorCode.BAD_CODE, pc, f"run symbol {symbol} is not in the table")
        k += kernel_steps[symbol]
        carry = k >= layer.kernel_taps
        k -= layer.kernel_taps if carry else 0
        c += channel_steps[symbol] + carry
        if c >= layer.channels_in:
            c -= layer.channels_in
            channel += 1
        if c >= layer.channels_in or k >= layer.kernel_taps:
            raise EngineError(ErrorCode.BAD_CODE, pc, f"a step of output channel {channel} is too long")
        if channel == layer.channels_out:
            return np.array(channels, np.int64), np.array(places, np.int64), stream.end()
        channels.append(channel)
        places.append(c * layer.kernel_taps + k)


def _read_values(layer: DescriptorFields, code: PrefixCode, count: int, contents: MemoryContents,
                 addresses: Sequence[int], pc: int):
    """int64 (count,) weights, the last one the terminator's, and the bits of all values."""
    if layer.raw_values:
        each = -(-count // len(addresses))
        raw = np.stack([BitStream(contents.weights, address, pc).fields(WEIGHT_BITS, each) for address in addresses], 1)
        weights = raw.reshape(-1)[:count].astype(np.uint8).view(np.int8).astype(np.int64)
        return weights, WEIGHT_BITS * each * len(addresses)
    stream = SymbolStream(contents, addresses, code, pc)
    symbols = np.fromiter(islice(stream, count), np.int64, count)
    table = np.array(contents.values[layer.value_table:layer.value_table + 256], np.uint8).view(np.int8)
    if symbols[:-1].max(initial=0) >= len(table):
        raise EngineError(ErrorCode.BAD_CODE, pc, f"value symbol {int(symbols.max())} is not in the table")
    return np.append(table, 0)[np.minimum(symbols, len(table))].astype(np.int64), stream.end()


def read_parameters(layer: DescriptorFields, contents: MemoryContents, cfg: EngineConfig, pc: int) -> ChannelParameters:
    """Bias, multiplier and shift of each output channel."""
    if layer.parameters is ParameterForm.CONSTANT:
        found = ChannelParameters(*(np.full(layer.channels_out, value, np.int64)
                                    for value in (layer.bias, layer.multiplier, layer.shift)))
    else:
        found = _expand(layer, _read_records(layer, contents, cfg, pc))
    bias = found.bias >> (cfg.accumulator_bits - 1)
    if not np.isin(bias, (0, -1)).all():
        raise InvariantError(pc, f"a bias of up to {np.abs(found.bias).max()} does not fit {cfg.accumulator_bits} bits")
    return found


def _read_records(layer: DescriptorFields, contents: MemoryContents, cfg: EngineConfig,
                  pc: int) -> dict[str, np.ndarray]:
    """The fields of the records: int64 (channels,) each."""
    chunks_each, fields = record_chunks(layer.parameters, cfg), record_fields(layer.parameters, cfg)
    stream = BitStream(contents.weights, layer.parameter_address, pc)
    chunks = stream.fields(PARAMETER_CHUNK_BITS, layer.channels_out * chunks_each)
    records: dict[str, list[int]] = {name: [] for name in fields}
    for record in chunks.reshape(-1, chunks_each).tolist():
        item = sum(chunk << (index * PARAMETER_CHUNK_BITS) for index, chunk in enumerate(record))
        for name, value in unpack(item, fields).items():
            records[name].append(signed(value, fields[name][1]) if name == "bias" else value)
    return {name: np.array(values, np.int64) for name, values in records.items()}


def _expand(layer: DescriptorFields, records: dict[str, np.ndarray]) -> ChannelParameters:
    """What the records mean; `hw.contract.instruction.ParameterForm` says it."""
    top = 1 << (MULTIPLIER_BITS - 1)
    match layer.parameters:
        case ParameterForm.FULL:
            return ChannelParameters(records["bias"], top + records["fraction"], records["shift"])
        case ParameterForm.BIAS_1 | ParameterForm.BIAS_2 | ParameterForm.BIAS_3:
            same = np.ones(layer.channels_out, np.int64)
            return ChannelParameters(records["bias"] << layer.bias_shift, layer.multiplier * same, layer.shift * same)
        case _:
            step = 1 << (MULTIPLIER_BITS - 1 - FRACTION_BITS)
            return ChannelParameters(records["bias"] << (layer.bias_shift + records["offset"]),
                                     top + records["fraction"] * step, layer.shift + records["offset"])
