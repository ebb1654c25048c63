"""compiler.coding.weight_memory: streams and tables in words."""

import numpy as np

from firelane.compiler.coding.weight_memory import StreamKind, SymbolTable, WeightMemory, WeightStream

VALUES, RUNS = StreamKind.VALUES, StreamKind.RUNS


def test_streams_start_at_words_and_equal_ones_are_shared():
    memory = WeightMemory()
    bits = np.zeros(40, np.uint8)
    bits[[0, 35, 37]] = 1
    assert memory.add(RUNS, bits) == 0 and memory.add(VALUES, bits[:5]) == 2 and memory.add(VALUES, bits.copy()) == 0
    assert memory.add(RUNS, bits[:6]) == 3             # the same words, another length
    assert memory.words == [1 | 1 << 35, 2, 1, 1]
    assert memory.streams == [WeightStream(RUNS, 0, 40), WeightStream(VALUES, 2, 5), WeightStream(RUNS, 3, 6)]


def test_tables_are_found_inside_others():
    table = SymbolTable()
    assert table.add([5, 6, 7]) == 0 and table.add([6, 7]) == 1 and table.add([7, 8]) == 3 and table.add([]) == 0
    assert table.entries == [5, 6, 7, 7, 8]
