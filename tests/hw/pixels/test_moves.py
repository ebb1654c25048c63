"""Edge mask, row move and column move against NumPy, a new word and a new move in each cycle."""

import re
from dataclasses import replace

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.geometry import part_neighbour, row_source, row_sources
from firelane.hw.contract.instruction import RowMove
from firelane.hw.contract.timing import COLUMN_MOVE_LATENCY, COLUMN_MOVE_LEAD, ROW_MOVE_LEAD
from firelane.hw.pixels.column_move import ColumnMove
from firelane.hw.pixels.edge_mask import EdgeMask
from firelane.hw.pixels.row_move import RowMover
from tests.hw import maps
from tests.hw.support import lint, simulate

CLASSES = [(banks, k) for banks in (1, 2, 4, 8) for k in range(banks.bit_length())]
COUNT = 30


def config(banks):
    return EngineConfig(banks=banks, activation_words=16)


def random_words(rng, banks, count=COUNT):
    return rng.integers(0, 256, (count, banks, 14))


def run_pipeline(dut, inputs, output, lag: int, setup: dict):
    """Drive `inputs`, lists of (port, lead, values); return `output` as it comes, `lag` cycles after lead 0."""
    count = len(inputs[0][2])
    most = max(lead for _, lead, _ in inputs)
    seen = []

    async def bench(ctx):
        for port, value in setup.items():
            ctx.set(getattr(dut, port), value)
        await ctx.tick().repeat(2)
        for cycle in range(count + most + lag):
            for port, lead, values in inputs:
                index = cycle - (most - lead)
                if 0 <= index < count:
                    ctx.set(port, values[index])
            if cycle >= most + lag:
                seen.append(ctx.get(output.as_value()))
            await ctx.tick()

    simulate(dut, bench)
    return seen


@pytest.mark.parametrize("banks, k", CLASSES)
def test_row_move(banks, k):
    rng = np.random.default_rng(banks + k)
    words = random_words(rng, banks)
    moves = [RowMove(int(n)) for n in rng.integers(0, 3, COUNT)]
    dut = RowMover(config(banks))
    seen = run_pipeline(dut, [(dut.pixels.as_value(), 0, [maps.pack(w) for w in words]),
                              (dut.move, ROW_MOVE_LEAD, moves)],
                        dut.moved, 1, {"parts_log2": k})
    assert seen == [maps.pack(maps.move_rows(w, k, move.value)) for w, move in zip(words, moves)]


@pytest.mark.parametrize("left, right", [(3, 3), (1, 2), (2, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("banks, k", CLASSES)
def test_column_move(banks, k, left, right):
    rng = np.random.default_rng(banks + k)
    words = random_words(rng, banks)
    moves = rng.integers(-left, right + 1, COUNT).tolist()
    dut = ColumnMove(replace(config(banks), columns_left=left, columns_right=right))
    seen = run_pipeline(dut, [(dut.pixels.as_value(), 0, [maps.pack(w) for w in words]),
                              (dut.move, COLUMN_MOVE_LEAD, [move & 7 for move in moves])],
                        dut.moved, COLUMN_MOVE_LATENCY, {"parts_log2": k, "pad": 77})
    assert seen == [maps.pack(maps.move_columns(w, k, move, 77)) for w, move in zip(words, moves)]


@pytest.mark.parametrize("banks, k", CLASSES)
def test_edge_mask(banks, k):
    rng = np.random.default_rng(banks + k)
    words = random_words(rng, banks)
    valid = rng.integers(0, 2, (COUNT, banks))
    raw = rng.integers(0, 4, COUNT) == 0
    columns = int(rng.integers(0, (14 << k) + 1))
    dut = EdgeMask(config(banks))
    rows = [sum(int(bit) << n for n, bit in enumerate(bits)) for bits in valid]
    seen = run_pipeline(dut, [(dut.words.as_value(), 0, [maps.pack(w) for w in words]), (dut.row_valid, 1, rows),
                              (dut.raw, 2, [int(bit) for bit in raw])],
                        dut.pixels, 1, {"parts_log2": k, "pad": 99, "columns": columns})
    for word, bits, all_visible, value in zip(words, valid, raw, seen):
        want = word if all_visible else maps.mask_edges(word, k, columns, bits, 99)
        assert value == maps.pack(want)


def test_next_row_is_the_next_bank():
    """What makes a row move cheap: a bank has few sources, at most one a class."""
    for banks in (1, 2, 4, 8, 16):
        assert all(len(row_sources(banks, bank)) <= banks.bit_length() for bank in range(banks))
        assert row_source(banks, 0, RowMove.UP, 0) == banks - 1
    assert row_source(8, 1, RowMove.DOWN, 3) == 0       # two parts: banks 0 .. 3 are one part's rows
    assert row_source(8, 3, RowMove.DOWN, 3) == 3       # one row a word


def test_parts_end():
    assert part_neighbour(8, 1, 2, 1) == 6
    assert part_neighbour(8, 1, 6, 1) is None
    assert part_neighbour(8, 1, 2, -1) is None


@pytest.mark.parametrize("name, bank_of", [
    *((move.name, lambda k, bank, move=move: row_source(4, k, move, bank)) for move in RowMove),
    ("left", lambda k, bank: part_neighbour(4, k, bank, -1)), ("right", lambda k, bank: part_neighbour(4, k, bank, 1))])
def test_tables_in_the_docstrings(name, bank_of):
    text = RowMover.__doc__ + ColumnMove.__doc__
    shown, = re.findall(rf"^ +{name} +([-0-9 ]+)$", text, re.M)
    expected = [bank_of(k, bank) for k in range(3) for bank in range(4)]
    assert shown.split() == ["-" if bank is None else str(bank) for bank in expected]


@pytest.mark.parametrize("banks", [1, 2, 4, 8])
def test_lint(banks):
    for block in (RowMover, ColumnMove, EdgeMask):
        lint(block(config(banks)))
