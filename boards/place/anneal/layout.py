"""The arrays that annealing works on: where everything is, what may stand together, and what a place costs.

NamedTuples, because Numba compiles functions of them. "By cell" is an entry for each cell of the netlist; "rows" are
lists of different lengths one after the other, row n from `start[n]` to `start[n + 1]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from firelane.boards.place.blocks.sites import Sites
from firelane.boards.place.timing.wire_estimate import WireEstimate

CLOSED = -2             #: in place of a cell: nobody may stand here
FIXED = 99              #: grain of cells that stay
MOST_STRIP = 6          #: tiles of a strip that is exchanged
LOG_STEPS = 4096        #: entries of the table of logarithms
LOG_BITS = 10           #: of their fractions


class Places(NamedTuple):
    """Who stands where; EMPTY is in place of a cell, a chain or a tile, where there is none.

    A tile has a power of two of places, each for a LUT and a flip-flop; its places 2n and 2n + 1 are a slice. The slot
    of a cell is its tile times the places of a tile, plus its place in it.
    """

    numbers: tuple[int, ...]    #: of the places of a tile, 0 and on; a tuple, so that Numba knows how many there are
    x: np.ndarray               #: column, by cell
    y: np.ndarray               #: row, by cell
    slot: np.ndarray            #: by cell; EMPTY if it stands in no slice
    luts: np.ndarray            #: by slot: a cell, EMPTY or CLOSED
    flip_flops: np.ndarray      #: likewise
    carries: np.ndarray         #: by slot: the bit of a carry chain there, for which `luts` has CLOSED
    tile_x: np.ndarray          #: column, by tile
    tile_y: np.ndarray          #: row, by tile
    tile_at: np.ndarray         #: by column and row: the tile, EMPTY where there is no logic


class Rules(NamedTuple):
    """Which cells may share a tile, a slice and a place, by cell."""

    is_flip_flop: np.ndarray
    grain: np.ndarray           #: places of the block of a tile that it moves with: a power of two, or FIXED
    alone: np.ndarray           #: whether it can also move without what else is in its place
    uses_m: np.ndarray          #: whether it needs the input that a LUT and a flip-flop in one place share
    tile: np.ndarray            #: of a flip-flop: number of what all in a tile must have in common
    slice: np.ndarray           #: likewise for all in a slice


class Nets(NamedTuple):
    """Cells of each net as rows, nets of each cell as rows, and what a net costs."""

    start: np.ndarray
    cells: np.ndarray
    of_start: np.ndarray        #: `start` of the rows `of`
    of: np.ndarray
    price: np.ndarray           #: of a tile more of half its perimeter, by net
    box: np.ndarray             #: lowest and highest column, lowest and highest row that it spans, by net


class Wires(NamedTuple):
    """Wires of each cell as rows, and the ends of each wire with the price of a unit of its delay."""

    start: np.ndarray
    of: np.ndarray
    driver: np.ndarray          #: cell, by wire
    reader: np.ndarray          #: cell, by wire
    price: np.ndarray           #: of a unit of `estimate`, by wire
    estimate: WireEstimate


class Blocks(NamedTuple):
    """Block RAMs and multipliers, and the sites for them."""

    cells: np.ndarray           #: by block
    site: np.ndarray            #: where it stands, by block
    first: np.ndarray           #: the first site of its kind, by block
    last: np.ndarray            #: behind the last site of its kind, by block
    holder: np.ndarray          #: block that stands there, by site; EMPTY if none does
    site_x: np.ndarray          #: column, by site
    site_y: np.ndarray          #: row, by site


class Chains(NamedTuple):
    """Cells of each carry chain as rows; a chain fills tiles from left to right."""

    start: np.ndarray
    cells: np.ndarray
    first: np.ndarray           #: its leftmost tile, by chain
    length: np.ndarray          #: tiles, by chain
    of_tile: np.ndarray         #: chain in it, by tile; EMPTY if there is none
    closed: np.ndarray          #: by tile: something in it may not be moved at all


class Crowds(NamedTuple):
    """Squares of tiles, and how many connected pins the cells in each have.

    More than `room` cost `price`, and every pin costs the square's `toll`, which is for the wires across it.
    """

    square: np.ndarray          #: by tile
    pins: np.ndarray            #: by cell
    load: np.ndarray            #: pins in it, by square
    room: np.ndarray            #: for pins, by square
    price: int
    toll: np.ndarray            #: by square


class Scratch(NamedTuple):
    """What the inner loops remember: from one exchange to the next, and during one."""

    random: np.ndarray          #: state of the generator
    logs: np.ndarray            #: -log of (0 to 1 in LOG_STEPS steps), with LOG_BITS of fraction
    stamp: np.ndarray           #: number of this exchange
    net_stamp: np.ndarray       #: the last exchange that changed it, by net
    wire_stamp: np.ndarray      #: likewise, by wire
    number: np.ndarray          #: of a net that changes: where it stands in `nets`
    nets: np.ndarray            #: that change
    scan: np.ndarray            #: whether its box must be found anew, by number in `nets`
    box: np.ndarray             #: its box after the exchange, by number in `nets`
    wires: np.ndarray           #: that change
    cells: np.ndarray           #: that move
    goals: np.ndarray           #: slot to go to, by number in `cells`
    new_x: np.ndarray           #: column to go to, by number in `cells`
    new_y: np.ndarray
    old_x: np.ndarray           #: column to come back to, by number in `cells`
    old_y: np.ndarray
    old_slot: np.ndarray


@dataclass(frozen=True, eq=False)
class DeviceTables:
    """All that annealing must be told of a device and of what stands in it; for the ECP5 see
    `boards.place.ecp5.annealing_tables`.

    Members
    -------
    sites : that blocks may take
    """

    places: Places
    rules: Rules
    chains: Chains
    sites: Sites


class Layout(NamedTuple):
    """All that an exchange of cells looks at and changes, whatever is exchanged."""

    places: Places
    rules: Rules
    nets: Nets
    wires: Wires
    crowds: Crowds
    scratch: Scratch
