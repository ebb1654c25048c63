"""compiler.weight_memory: streams and tables in words."""

import numpy as np
import pytest

from compiler.errors import CapacityError
from compiler.ir import Requantize
from compiler.packing import field_table, unpack
from compiler.weight_memory import SymbolTable, WeightMemory, is_constant, parameter_bits
from hw.config import EngineConfig
from hw.instruction import parameter_layout

CFG = EngineConfig(accumulator_bits=20)


def test_streams_start_at_words_and_equal_ones_are_shared():
    memory = WeightMemory()
    bits = np.zeros(40, np.uint8)
    bits[[0, 35, 37]] = 1
    assert memory.add(bits) == 0 and memory.add(bits[:5]) == 2 and memory.add(bits.copy()) == 0
    assert memory.add(bits[:6]) == 3                   # the same words, another length
    assert memory.words == [1 | 1 << 35, 2, 1, 1]


def test_tables_are_found_inside_others():
    table = SymbolTable()
    assert table.add([5, 6, 7]) == 0 and table.add([6, 7]) == 1 and table.add([7, 8]) == 3 and table.add([]) == 0
    assert table.entries == [5, 6, 7, 7, 8]


def test_parameters():
    requantize = Requantize([-5, (1 << 19) - 1], [1 << 15, 65535], [1, 40])
    bits = parameter_bits(requantize, 2, CFG, "layer")
    width = 4 * 12                  # 20 + 16 + 6 bits in chunks of 12
    assert len(bits) == 2 * width
    fields = field_table(parameter_layout(CFG))
    for channel, (bias, multiplier, shift) in enumerate([(-5, 1 << 15, 1), ((1 << 19) - 1, 65535, 40)]):
        record = int(bits[channel * width:(channel + 1) * width].astype(object) @ (1 << np.arange(width, dtype=object)))
        assert unpack(fields, record & ((1 << 42) - 1)) == {"bias": bias, "multiplier": multiplier, "shift": shift}


def test_a_bias_that_does_not_fit():
    with pytest.raises(CapacityError, match="^layer: bias is 524288; the field holds -524288 to 524287$"):
        parameter_bits(Requantize([1 << 19], [1 << 15], [1]), 1, CFG, "layer")


def test_constant_parameters():
    assert is_constant(Requantize([3, 3], [1 << 15], [4])) and not is_constant(Requantize([3, 4], [1 << 15], [4]))
