"""Units go to the middle of what they are connected to, and wires become as much shorter as is said."""

import random

import pytest

from boards.movable_units import movable_units
from boards.netlist_graph import WIDEST_NET
from boards.placed_netlist import PlacedNetlist
from boards.shorten_wires import WireShortener
from boards.slice_rules import LogicTiles
from boards.unit_mover import UnitMover
from tests.boards.placed import lut, scattered, write_placed


def half_perimeters(netlist) -> int:
    members = {}
    for number, cell in enumerate(netlist.cells):
        for net in cell.nets.values():
            members.setdefault(net, set()).add(number)
    return sum(int(axis[list(cells)].max() - axis[list(cells)].min())
               for cells in members.values() if len(cells) <= WIDEST_NET for axis in (netlist.x, netlist.y))


def shorten(tmp_path, cells):
    netlist = PlacedNetlist(write_placed(tmp_path, cells)[0])
    tiles = LogicTiles(netlist)
    units = movable_units(netlist, tiles)
    before = half_perimeters(netlist)
    saved = WireShortener(netlist, units, UnitMover(netlist, tiles, units, lambda unit: [])).run()
    assert all(map(tiles.is_allowed, tiles.tiles))
    return netlist, before, saved


def test_to_the_middle(tmp_path):
    anchors = {f"block {n}": ("DP16KD", {}, f"X{x}/Y{y}/EBR0", {"DOB0": 10 + n})
               for n, (x, y) in enumerate(((2, 5), (8, 5), (6, 9)))}
    corners = {"low": lut("X1/Y1/SLICEA.K0", 90, 91), "high": lut("X20/Y20/SLICEA.K0", 92, 93),
               **{f"row {y}": lut(f"X1/Y{y}/SLICED.K1", 200 + y, 300 + y) for y in range(2, 20)}}
    netlist, before, saved = shorten(tmp_path, anchors | corners | {"far": lut("X20/Y19/SLICEA.K0", 30, 10, 11, 12)})
    far = [cell.name for cell in netlist.cells].index("far")
    assert (netlist.x[far], netlist.y[far]) == (6, 5) and before - half_perimeters(netlist) == saved > 0


@pytest.mark.parametrize("seed", range(4))
def test_what_is_saved_is_what_is_said(tmp_path, seed):
    source = random.Random(seed)
    cells = {f"lut {number}": lut(f"{place}.K{n % 2}", 100 + number, *(source.randrange(100, 300) for _ in range(3)))
             for number, (_, _, n, place) in enumerate(scattered(source, range(1, 20), 200))}
    netlist, before, saved = shorten(tmp_path, cells)
    assert saved > before // 10 and before - half_perimeters(netlist) == saved
