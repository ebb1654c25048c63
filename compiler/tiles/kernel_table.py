"""Slots and kernel table entries for the places of a kernel: which row offsets a row class can express."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from firelane.hw.contract.instruction import SLOTS, RowMove


@dataclass(frozen=True)
class Place:
    """One place of a kernel: where it reads, relative to the lane's own pixel, and for WINDOW layers its weight."""

    dy: int
    dx: int
    operand: int = 0            #: which of the layer's inputs
    weight: int = 0


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
    """What a descriptor says of a kernel: the row groups that it reads, and where in them each place looks."""

    slots: tuple[Slot, ...]         #: at most 4
    entries: tuple[Entry, ...]      #: one for each place, in order


def row_access(dy: int, rows: int) -> tuple[RowMove, int, int] | None:
    """The way in which lane rows see rows `dy` below: (move, row group, row group of the row that wraps), or None.

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
    """Slots and entries for words of `rows` rows, or None if no engine can express the rows of the places there."""
    return _kernel_table(tuple(places), rows)


@lru_cache(1 << 12)                     # a network has few kernels, and each is asked for in every width of rows
def _kernel_table(places: tuple[Place, ...], rows: int) -> KernelTable | None:
    seen = []
    for place in places:
        access = row_access(place.dy, rows)
        if access is None:
            return None
        seen.append((place, *access))
    slots = sorted({Slot(place.operand, group) for place, _, *groups in seen for group in groups})
    if len(slots) > SLOTS:
        return None
    number = {slot: index for index, slot in enumerate(slots)}
    entries = tuple(Entry(place.dx, move, number[Slot(place.operand, group)], number[Slot(place.operand, wrap)],
                          place.weight)
                    for place, move, group, wrap in seen)
    return KernelTable(tuple(slots), entries)
