"""What `boards.place.anneal.kernel` works on: arrays, made by `boards.place.anneal.tables`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from firelane.boards.place.ecp5.slice_rules import PLACES

CLOSED = -2             #: where nobody may stand
FIXED = 99              #: grain of cells that stay
MOST_STRIP = 6          #: tiles of a strip that is exchanged
MOST_MOVED = 2 * MOST_STRIP * 2 * PLACES            #: cells that one exchange moves: all that two strips can have
LOG_STEPS = 4096        #: entries of the table of logarithms
LOG_BITS = 10           #: of their fractions


class Places(NamedTuple):
    """Who stands where. `slot` of a cell is 8 * tile + number in it; `tile_at` is -1 where there is no logic.

    Bits of carry chains are in `carries`, where `luts` is CLOSED.
    """

    x: np.ndarray
    y: np.ndarray
    slot: np.ndarray
    luts: np.ndarray
    flip_flops: np.ndarray
    carries: np.ndarray
    tile_x: np.ndarray
    tile_y: np.ndarray
    tile_at: np.ndarray


class Rules(NamedTuple):
    """Of each cell: what `boards.place.ecp5.slice_rules` knows of it, and how large a block of a tile it moves with."""

    is_flip_flop: np.ndarray
    grain: np.ndarray
    alone: np.ndarray
    uses_m: np.ndarray
    tile: np.ndarray
    slice: np.ndarray


class Nets(NamedTuple):
    """Cells of each net and nets of each cell, as rows one after the other; `box`: columns and rows that it spans."""

    start: np.ndarray
    cells: np.ndarray
    of_start: np.ndarray
    of: np.ndarray
    price: np.ndarray
    box: np.ndarray


class Wires(NamedTuple):
    """From `driver` to `reader`, and the wires of each cell; `price` of a unit of `timing_graph.wire_units`."""

    start: np.ndarray
    of: np.ndarray
    driver: np.ndarray
    reader: np.ndarray
    price: np.ndarray


class Blocks(NamedTuple):
    """Block RAMs and multipliers: `site` of each of `cells`, who stands at a site, and the sites of its kind."""

    cells: np.ndarray
    site: np.ndarray
    holder: np.ndarray
    site_x: np.ndarray
    site_y: np.ndarray
    first: np.ndarray
    last: np.ndarray


class Chains(NamedTuple):
    """Carry chains, each in `length` tiles from `tile_x[first]` on to the right, and the cells of each, as rows.

    `of_tile` is -1 in a tile without one; what stands in a tile that is `closed` may not be moved at all.
    """

    start: np.ndarray
    cells: np.ndarray
    first: np.ndarray
    length: np.ndarray
    of_tile: np.ndarray
    closed: np.ndarray


class Crowds(NamedTuple):
    """Squares of tiles, and how many connected pins the cells in each have.

    More than `room` cost `price`, and every pin costs the square's `toll`, which is for the wires across it.
    """

    square: np.ndarray      #: of each tile
    pins: np.ndarray        #: of each cell
    load: np.ndarray
    room: np.ndarray
    price: int
    toll: np.ndarray


class Scratch(NamedTuple):
    """Memory between two exchanges, and during one."""

    random: np.ndarray
    logs: np.ndarray
    stamp: np.ndarray
    net_stamp: np.ndarray
    wire_stamp: np.ndarray
    index: np.ndarray
    nets: np.ndarray
    scan: np.ndarray
    box: np.ndarray
    wires: np.ndarray
    cells: np.ndarray
    goals: np.ndarray
    new_x: np.ndarray
    new_y: np.ndarray
    old_x: np.ndarray
    old_y: np.ndarray
    old_slot: np.ndarray


class Board(NamedTuple):
    """All of it but the blocks."""

    places: Places
    rules: Rules
    nets: Nets
    wires: Wires
    crowds: Crowds
    scratch: Scratch
