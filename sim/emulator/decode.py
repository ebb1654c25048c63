"""Decodes 36-bit words to instructions and descriptors, through the layouts of `hw.contract.instruction`.

Each layout is turned once into a table field -> (offset, width); decoding is then shifts and masks of Python integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from amaranth.lib import data

from firelane.hw.contract.config import MAX_CODE_BITS, MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORD,
    CODE_WORDS,
    DESCRIPTOR,
    DESCRIPTOR_WORDS,
    KERNEL_ENTRY,
    KERNEL_ENTRY_BITS,
    SECOND_STREAMS,
    SLOTS,
    Destination,
    Opcode,
    Operation,
    ParameterForm,
    RowMove,
    Source,
    instruction_layout,
    instruction_words,
    record_layout,
)

CODE_WINDOW = 1 << MAX_CODE_BITS        #: what the next 8 bits of a stream can be
INVALID = 0                             #: length of a code that does not exist

Fields = dict[str, tuple[int, int]]


def field_table(layout: data.StructLayout) -> Fields:
    """Field name -> (offset, width) in bits."""
    return {name: (field.offset, field.width) for name, field in layout}


def unpack(item: int, fields: Fields) -> dict[str, int]:
    """The fields of one item, unsigned."""
    return {name: (item >> offset) & ((1 << width) - 1) for name, (offset, width) in fields.items()}


def join_words(words: Sequence[int]) -> int:
    """Words as one little-endian integer: bit n is bit n % 36 of word n // 36."""
    item = 0
    for index, word in enumerate(words):
        item |= int(word) << (index * MEMORY_BITS)
    return item


def signed(value: int, width: int) -> int:
    """`value` of `width` bits as a two's complement number."""
    return value - (1 << width) if value >> (width - 1) else value


@dataclass(frozen=True)
class Slot:
    """A word that taps may read: address of its channel 0, and how many of its rows exist."""

    address: int
    rows: int


@dataclass(frozen=True)
class Instruction:
    """One instruction, as `hw.contract.instruction.instruction_layout` names its fields; `pc` is its word in the
    program."""

    pc: int
    opcode: Opcode
    wait_load: int
    first: int
    last: int
    beside: int
    layer: int
    address: int
    row: int
    rows: int
    slots: tuple[Slot, ...]


DESCRIPTOR_FIELDS = field_table(DESCRIPTOR)


@dataclass(frozen=True)
class DescriptorFields:
    """The fixed part of a descriptor: the fields of `hw.contract.instruction.DESCRIPTOR`, which says what they are."""

    source: Source
    operation: Operation
    destination: Destination
    dense: int
    raw_values: int
    parameters: ParameterForm
    space_to_depth: int
    subsample: int
    row_phase: int
    column_phase: int
    parts_log2: int
    out_parts_log2: int
    columns: int
    out_columns: int
    pad: int
    kernel_taps: int
    channels_in: int
    channels_out: int
    group_channels: int
    zero_point: int
    clamp_low: int
    clamp_high: int
    multiplier: int
    shift: int
    bias: int
    bias_shift: int
    value_address: int
    run_address: int
    parameter_address: int
    value_table: int
    run_table: int
    image_columns: int


@dataclass(frozen=True)
class KernelPlace:
    """One entry of a kernel table."""

    column_move: int
    row_move: RowMove
    slot: int
    wrap_slot: int
    weight: int


@dataclass(frozen=True)
class PrefixCode:
    """A canonical prefix code, by the next 8 bits of the stream (first bit most significant).

    `lengths` int64 (256,): bits of the code, `INVALID` if there is none; `symbols` int64 (256,): 0 .. 255.
    """

    lengths: np.ndarray
    symbols: np.ndarray


@cache
def instruction_fields(cfg: EngineConfig) -> tuple[Fields, tuple[Fields, ...]]:
    """Fields of an instruction, and of each of its slots (offsets from the instruction's bit 0)."""
    layout = instruction_layout(cfg)
    base, slots = layout["slots"].offset, layout["slots"].shape
    assert slots.length == SLOTS
    width = slots.elem_shape.size
    plain = {name: place for name, place in field_table(layout).items() if name != "slots"}
    table = field_table(slots.elem_shape)
    return plain, tuple({name: (base + index * width + offset, bits) for name, (offset, bits) in table.items()}
                        for index in range(SLOTS))


@cache
def record_fields(form: ParameterForm, cfg: EngineConfig) -> Fields:
    """Fields of a record of the parameter stream."""
    return field_table(record_layout(form, cfg))


@cache
def instruction_length(cfg: EngineConfig) -> int:
    """Words of an instruction."""
    return instruction_words(cfg)


def decode_instruction(words: Sequence[int], pc: int, cfg: EngineConfig) -> Instruction:
    """The instruction at word `pc`.

    Raises
    ------
    ValueError
        If its opcode does not exist.
    """
    item = join_words(words[pc:pc + instruction_length(cfg)])
    plain, slots = instruction_fields(cfg)
    values = unpack(item, plain)
    opcode = Opcode(values.pop("opcode"))
    return Instruction(pc=pc, opcode=opcode, slots=tuple(Slot(**unpack(item, slot)) for slot in slots), **values)


def decode_descriptor(words: Sequence[int], address: int) -> DescriptorFields:
    """The fixed part of the descriptor at word `address`."""
    values = unpack(join_words(words[address:address + DESCRIPTOR_WORDS]), DESCRIPTOR_FIELDS)
    values["bias"] = signed(values["bias"], DESCRIPTOR_FIELDS["bias"][1])
    return DescriptorFields(
        source=Source(values.pop("source")), operation=Operation(values.pop("operation")),
        destination=Destination(values.pop("destination")), parameters=ParameterForm(values.pop("parameters")),
        **values)


def decode_codes(words: Sequence[int]) -> tuple[PrefixCode, PrefixCode]:
    """The codes of values and of runs, from `CODE_WORDS` code words."""
    entries = [unpack(int(word), field_table(CODE_WORD)) for word in words[:CODE_WORDS]]
    return _prefix_code(entries, "value"), _prefix_code(entries, "run")


def decode_second_streams(words: Sequence[int]) -> tuple[int, int]:
    """Where the values and the runs of every second tap start, from what is behind the code words."""
    fields = unpack(int(words[CODE_WORDS]), field_table(SECOND_STREAMS))
    return fields["value_address"], fields["run_address"]


def _prefix_code(entries: Sequence[dict[str, int]], kind: str) -> PrefixCode:
    limits, offsets = ([entry[f"{kind}_{name}"] for entry in entries] for name in ("limit", "offset"))
    lengths, symbols = np.zeros(CODE_WINDOW, np.int64), np.zeros(CODE_WINDOW, np.int64)
    window = np.arange(CODE_WINDOW)
    for length in range(MAX_CODE_BITS, 0, -1):
        below = window < limits[length - 1]
        lengths[below] = length
        symbols[below] = ((window[below] >> (MAX_CODE_BITS - length)) + offsets[length - 1]) % CODE_WINDOW
    return PrefixCode(lengths, symbols)


def decode_kernel(words: Sequence[int], count: int) -> tuple[KernelPlace, ...]:
    """The first `count` entries of the kernel table in `words`, two a word."""
    fields, places = field_table(KERNEL_ENTRY), []
    for index in range(count):
        half = int(words[index // 2]) >> (index % 2 * KERNEL_ENTRY_BITS)
        entry = unpack(half, fields)
        for name in ("column_move", "weight"):
            entry[name] = signed(entry[name], fields[name][1])
        places.append(KernelPlace(row_move=RowMove(entry.pop("row_move")), **entry))
    return tuple(places)
