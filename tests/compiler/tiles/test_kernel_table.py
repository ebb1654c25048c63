"""compiler.tiles.kernel_table: which row offsets a row class can express, and how."""

import pytest

from firelane.compiler.tiles.kernel_table import Place, Slot, kernel_table, row_access
from firelane.hw.contract.instruction import RowMove


@pytest.mark.parametrize("rows", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("dy", range(-9, 10))
def test_row_access_sees_the_right_row(dy, rows):
    access = row_access(dy, rows)
    if access is None:
        assert dy % rows not in (0, 1, rows - 1)
        return
    move, group, wrap = access
    step = {RowMove.NONE: 0, RowMove.UP: -1, RowMove.DOWN: 1}[move]
    for lane in range(rows):
        seen = lane + step
        row = group * rows + seen if 0 <= seen < rows else wrap * rows + seen % rows
        assert row == lane + dy


def test_three_rows_of_a_full_word_need_three_slots():
    table = kernel_table([Place(dy, 0) for dy in (-1, 0, 1)], rows=8)
    assert table.slots == (Slot(0, -1), Slot(0, 0), Slot(0, 1))
    assert [(e.row_move, e.slot, e.wrap_slot) for e in table.entries] == [
        (RowMove.UP, 1, 0), (RowMove.NONE, 1, 1), (RowMove.DOWN, 1, 2)]


def test_operands_have_slots_of_their_own():
    table = kernel_table([Place(0, 0, 0, 3), Place(0, 0, 1, -4)], rows=4)
    assert table.slots == (Slot(0, 0), Slot(1, 0))
    assert [entry.weight for entry in table.entries] == [3, -4]


@pytest.mark.parametrize("places, rows", [
    ([Place(2, 0)], 8),                             # neither a word's rows away nor one more or less
    ([Place(dy, 0) for dy in range(5)], 1),         # five row groups
])
def test_what_cannot_be_expressed(places, rows):
    assert kernel_table(places, rows) is None
