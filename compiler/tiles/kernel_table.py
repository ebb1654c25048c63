"""From the places of a kernel to slots and kernel table entries: which row offsets a row class can express."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from firelane.compiler.tiles.layers import Place
from firelane.hw.contract.instruction import COLUMN_MOVE_MAX, COLUMN_MOVE_MIN, SLOTS, RowMove


@dataclass(frozen=True, order=True)
class Slot:
    """A row group that a tile reads, relative to the tile's own row group."""

    operand: int
    group: int


@dataclass(frozen=True)
class Entry:
    """One kernel table entry, in the terms of `hw.contract.instruction.KERNEL_ENTRY`."""

    column_move: int
    row_move: RowMove
    slot: int
    wrap_slot: int
    weight: int


@dataclass(frozen=True)
class KernelTable:
    slots: tuple[Slot, ...]         #: at most 4
    entries: tuple[Entry, ...]      #: one for each place, in order


def row_access(dy: int, rows: int) -> tuple[RowMove, int, int] | None:
    """How lane rows see rows `dy` below them: (move, row group, row group of the row that wraps), or None.

    `rows` is the number of rows in a word. The groups are relative to the lane's own.
    """
    group, row = divmod(dy, rows)
    if row == 0:
        return RowMove.NONE, group, group
    if row == 1:
        return RowMove.DOWN, group, group + 1
    if row == rows - 1:
        return RowMove.UP, group + 1, group
    return None


def kernel_table(places: Iterable[Place], rows: int) -> KernelTable | None:
    """Slots and entries for words of `rows` rows, or None if the engine cannot express the places there."""
    places = tuple(places)
    accesses = [row_access(place.dy, rows) for place in places]
    if None in accesses or not all(COLUMN_MOVE_MIN <= place.dx <= COLUMN_MOVE_MAX for place in places):
        return None
    used = {Slot(place.operand, group) for place, access in zip(places, accesses) for group in access[1:]}
    slots = sorted(used)
    if len(slots) > SLOTS:
        return None
    number = {slot: index for index, slot in enumerate(slots)}
    entries = (Entry(place.dx, move, number[Slot(place.operand, group)], number[Slot(place.operand, wrap)],
                     place.weight)
               for place, (move, group, wrap) in zip(places, accesses))
    return KernelTable(tuple(slots), tuple(entries))
