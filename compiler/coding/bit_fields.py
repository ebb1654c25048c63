"""Bit fields: the layouts of `hw.contract.instruction` as tables of offsets, with a range check for every field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache

from amaranth.hdl import Shape
from amaranth.lib import data

from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR, SLOTS, instruction_layout, slot_layout

Fields = Mapping[str, tuple[int, int, bool]]

SIGNED_FIELDS = {"bias", "column_move", "weight"}       #: two's complement in fields that are declared by width alone


def field_table(layout: data.StructLayout) -> Fields:
    """Field name -> (offset, width, signed)."""
    return {name: (field.offset, field.width, name in SIGNED_FIELDS or Shape.cast(field.shape).signed)
            for name, field in layout}


@cache
def instruction_fields(cfg: EngineConfig) -> Fields:
    """The fields of an instruction; slot n's are `slots[n].address` and `slots[n].rows`."""
    layout = instruction_layout(cfg)
    fields = dict(field_table(layout))
    base = fields.pop("slots")[0]
    slot = slot_layout(cfg)
    for number in range(SLOTS):
        for name, (offset, width, _) in field_table(slot).items():
            fields[f"slots[{number}].{name}"] = (base + number * slot.size + offset, width, False)
    return fields


@cache
def descriptor_fields() -> Fields:
    """The fields of a layer descriptor's fixed part."""
    return field_table(DESCRIPTOR)


def pack(fields: Fields, values: Mapping[str, int | Enum], where: str) -> int:
    """One item with `values` in its fields; fields that are not named are 0.

    Raises
    ------
    CapacityError
        If a value does not fit its field, naming `where` and the field.
    """
    item = 0
    for name, value in values.items():
        offset, width, signed = fields[name]
        number = int(value.value if isinstance(value, Enum) else value)
        low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
        if not low <= number <= high:
            raise CapacityError(where, f"{name} is {number}", hint=f"the field holds {low} to {high}")
        item |= (number & ((1 << width) - 1)) << offset
    return item


def split_words(item: int, count: int) -> list[int]:
    """`item` as `count` little-endian memory words."""
    mask = (1 << MEMORY_BITS) - 1
    return [(item >> (MEMORY_BITS * number)) & mask for number in range(count)]


def join_words(words: Sequence[int]) -> int:
    """The item that `split_words` split."""
    return sum(word << (MEMORY_BITS * number) for number, word in enumerate(words))


def unpack(fields: Fields, item: int) -> dict[str, int]:
    """Every field of `item`."""
    values = {}
    for name, (offset, width, signed) in fields.items():
        value = (item >> offset) & ((1 << width) - 1)
        values[name] = value - (1 << width) if signed and value >> (width - 1) else value
    return values
