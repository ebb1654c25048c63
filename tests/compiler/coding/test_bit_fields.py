"""compiler.coding.bit_fields: the same bits as the layouts, and no value that does not fit."""

import re

import numpy as np
import pytest
from amaranth.lib import data

from firelane.compiler.coding.bit_fields import (
    descriptor_fields,
    field_table,
    instruction_fields,
    join_words,
    pack,
    split_words,
    unpack,
)
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR, KERNEL_ENTRY, instruction_layout

CFG = EngineConfig()


def bits(constant: data.Const) -> int:
    return constant.as_value().value


@pytest.mark.parametrize("layout", [DESCRIPTOR, KERNEL_ENTRY])
def test_packs_like_the_layout(layout):
    rng, fields = np.random.default_rng(0), field_table(layout)
    for _ in range(20):
        values = {name: int(rng.integers(-(1 << (width - 1)) if signed else 0, 1 << (width - signed)))
                  for name, (_, width, signed) in fields.items()}
        legal = {name: value & 1 if name in ("source", "operation", "destination") else value % 3
                 if name == "row_move" else value for name, value in values.items()}
        unsigned = {name: value & ((1 << fields[name][1]) - 1) for name, value in legal.items()}
        item = pack(fields, legal, "test")
        assert unpack(fields, item) == legal
        assert unsigned.keys() == {name for name, _ in layout}
        for name, field in layout:
            assert item >> field.offset & ((1 << field.width) - 1) == unsigned[name]


def test_instruction_slots():
    slots = [{"address": 10 * n + 5, "rows": n} for n in range(4)]
    constant = instruction_layout(CFG).const({"layer": 77, "rows": 3, "slots": slots})
    values = {"layer": 77, "rows": 3} | {f"slots[{n}].{name}": value for n, slot in enumerate(slots)
                                        for name, value in slot.items()}
    assert pack(instruction_fields(CFG), values, "test") == bits(constant)


@pytest.mark.parametrize("name, value, message", [
    ("columns", 256, "layer: columns is 256; the field holds 0 to 255"),
    ("columns", -1, "layer: columns is -1; the field holds 0 to 255"),
    ("bias", 1 << 31, "layer: bias is 2147483648; the field holds -2147483648 to 2147483647"),
])
def test_values_that_do_not_fit(name, value, message):
    with pytest.raises(CapacityError, match=f"^{re.escape(message)}$"):
        pack(descriptor_fields(), {name: value}, "layer")


def test_words_and_back():
    item = (1 << 100) - 12345
    assert join_words(split_words(item, 3)) == item and len(split_words(item, 3)) == 3
