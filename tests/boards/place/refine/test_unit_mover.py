"""Moves, evictions, and taking them back."""

import random

import pytest

from firelane.boards.place.ecp5.movable_units import movable_units
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.boards.place.refine.unit_mover import UnitMover
from tests.boards.place.placed import flip_flop, lut, scattered, write_placed

CORNERS = {"first": lut("X2/Y2/SLICEA.K0", 90, 1), "last": lut("X9/Y9/SLICED.K1", 91, 1)}


class Moving:
    """A mover of the cells, and what is where."""

    def __init__(self, tmp_path, cells):
        self.netlist = PlacedNetlist(write_placed(tmp_path, cells | CORNERS)[0])
        self.tiles = LogicTiles(self.netlist)
        self.units = movable_units(self.netlist, self.tiles)
        near = [(dx, dy) for dx in range(-3, 4) for dy in range(-3, 4) if (dx, dy) != (0, 0)]
        self.mover = UnitMover(self.netlist, self.tiles, self.units, lambda unit: near)

    def unit(self, name: str):
        return next(unit for unit in self.units if any(self.netlist.cells[cell].name == name for cell in unit.cells))

    def move(self, name: str, dx: int, dy: int, *, evict: bool = False):
        return self.mover.move(self.unit(name), dx, dy, evict=evict)

    def where(self) -> dict[str, tuple[int, int, int]]:
        axes = zip(self.netlist.x.tolist(), self.netlist.y.tolist(), self.netlist.lut.tolist())
        return {cell.name: place for cell, place in zip(self.netlist.cells, axes)}

    def is_sound(self) -> bool:
        """Tiles and netlist agree, nobody is lost, every tile is allowed."""
        listed = [cell for places in self.tiles.tiles.values() for kind in places for cell in kind if cell >= 0]
        return (sorted(listed) == list(range(len(self.netlist.cells)))
                and all(map(self.tiles.is_allowed, self.tiles.tiles))
                and all(self.tiles.tiles[int(self.netlist.x[cell]), int(self.netlist.y[cell])]
                        [self.netlist.kind[cell]][self.netlist.lut[cell]] == cell for cell in listed))


def full_tile(x: int, y: int):
    return {f"full {n}": lut(f"X{x}/Y{y}/SLICE{'ABCD'[n // 2]}.K{n % 2}", 10 + n, 1) for n in range(8)}


def test_to_a_free_lut_of_the_tile(tmp_path):
    moving = Moving(tmp_path, full_tile(4, 4) | {"own": lut("X3/Y4/SLICEA.K0", 30, 1)})
    assert not moving.move("own", 1, 0) and moving.where()["own"] == (3, 4, 0)
    assert moving.move("own", 2, -2) and moving.where()["own"] == (5, 2, 0)
    assert moving.move("full 3", 1, -2) and moving.where()["full 3"][:2] == (5, 2)
    assert moving.is_sound()


def test_not_out_of_the_device(tmp_path):
    moving = Moving(tmp_path, {"own": lut("X3/Y4/SLICEA.K0", 30, 1)})
    assert not moving.move("own", -2, 0) and not moving.move("own", 7, 0) and not moving.move("own", 0, 20)


def test_small_units_give_way(tmp_path):
    moving = Moving(tmp_path, full_tile(4, 4) | {"own": lut("X3/Y4/SLICEA.K0", 30, 1)})
    before = moving.where()
    undo = moving.move("own", 1, 0, evict=True)
    assert len(undo) == 2 and moving.where()["own"][:2] == (4, 4) and moving.is_sound()
    moving.mover.restore(undo)
    assert moving.where() == before and moving.is_sound()


def test_a_flip_flop_drives_out_those_with_another_reset(tmp_path):
    moving = Moving(tmp_path, {
        "own": flip_flop("X3/Y4/SLICEA.FF0", 30, 1, port="M", LSR=5),
        "other": flip_flop("X4/Y4/SLICED.FF1", 31, 1, port="M", LSR=6),
        "wide": ("TRELLIS_COMB", {}, "X4/Y4/SLICEA.K0", {"OFX": 33, "F1": 34}),
        "wide odd": lut("X4/Y4/SLICEA.K1", 34, 1)})
    assert not moving.move("own", 1, 0)
    assert moving.move("own", 1, 0, evict=True)
    assert moving.where()["own"][:2] == (4, 4) and moving.where()["other"][:2] != (4, 4) and moving.is_sound()


def test_what_is_large_or_fixed_stays(tmp_path):
    wide = {f"chain {n}": ("TRELLIS_COMB", {"MODE": "CCU2"}, f"X4/Y4/SLICE{'ABCD'[n // 2]}.K{n % 2}",
                           {"F": 40 + n, "FCI": 60 + n, "FCO": 61 + n}) for n in range(8)}
    ram = {f"ram {n}": lut(f"X4/Y5/SLICE{'AB'[n // 2]}.K{n % 2}", 80 + n, MODE="DPRAM") for n in range(4)}
    moving = Moving(tmp_path, wide | ram | {"own": lut("X3/Y4/SLICEA.K0", 30, 1)})
    assert not moving.move("own", 1, 0, evict=True) and moving.is_sound()
    assert moving.move("own", 1, 1, evict=True) and moving.where()["own"] == (4, 5, 4) and moving.is_sound()


@pytest.mark.parametrize("seed", range(6))
def test_random_moves_and_undoings_leave_everything_sound(tmp_path, seed):
    source = random.Random(seed)
    cells = {}
    for number, (x, y, n, place) in enumerate(scattered(source, range(3, 9), 150)):
        more = {"LSR": 5 + (x + y) % 2, "CE": 7 + n // 2}
        cells[f"lut {number}"] = lut(f"{place}.K{n % 2}", 200 + number, 1)
        if source.random() < 0.5:
            cells[f"register {number}"] = flip_flop(f"{place}.FF{n % 2}", 400 + number, 200 + number, **more)
    moving = Moving(tmp_path, cells)
    assert moving.is_sound()
    for _ in range(120):
        unit, before = source.choice(moving.units), moving.where()
        undo = moving.mover.move(unit, source.randint(-3, 3), source.randint(-3, 3), evict=source.random() < 0.7)
        assert bool(undo) or moving.where() == before
        if undo and source.random() < 0.3:
            moving.mover.restore(undo)
            assert moving.where() == before
        assert moving.is_sound()
