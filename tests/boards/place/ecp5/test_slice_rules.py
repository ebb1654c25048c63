"""What may stand together in a tile."""

import pytest

from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import flip_flop, lut, write_placed

TILE = (3, 4)


def place(number: int, kind: str = "FF") -> str:
    return f"X3/Y4/SLICE{'ABCD'[number // 2]}.{kind}{number % 2}"


def mux(number: int, *ports: str):
    """The root of a wide multiplexer."""
    return "TRELLIS_COMB", {}, place(number, "K"), {"OFX": 50 + number, **dict.fromkeys(ports, 60), "M": 61}


def allowed(tmp_path, *cells, more=None) -> bool:
    named = {f"cell_{number}": cell for number, cell in enumerate(cells)}
    return LogicTiles(PlacedNetlist(write_placed(tmp_path, named | (more or {}))[0])).is_allowed(TILE)


GOOD = {
    "one enable a slice": [flip_flop(place(0), 10, 1, CE=5), flip_flop(place(1), 11, 1, CE=5),
                           flip_flop(place(2), 12, 1, CE=6), flip_flop(place(4), 13, 1)],
    "a LUT and a flip-flop at one place": [lut(place(0, "K"), 10, 11), flip_flop(place(0), 11, 10)],
    "wide multiplexers at their places": [mux(0, "F1"), mux(1, "FXA", "FXB")],
    "a wide multiplexer beside a flip-flop that its LUT feeds": [mux(0, "F1"), flip_flop(place(0), 11, 50)],
    "RAM in slices A and B": [lut(place(n, "K"), 10 + n, 9, MODE="DPRAM") for n in range(4)],
    "RAM with a flip-flop of the same clock": [lut(place(0, "K"), 10, MODE="DPRAM"), flip_flop(place(7), 11, 1)],
    "both LUTs of a slice add": [lut(place(n, "K"), 10 + n, MODE="CCU2") for n in range(2)],
}
BAD = {
    "two enables in a slice": [flip_flop(place(0), 10, 1, CE=5), flip_flop(place(1), 11, 1, CE=6)],
    "an enable and none in a slice": [flip_flop(place(0), 10, 1, CE=5), flip_flop(place(1), 11, 1, CEMUX="1")],
    "two resets in a tile": [flip_flop(place(0), 10, 1, LSR=5), flip_flop(place(7), 11, 1, LSR=6)],
    "a reset and none in a tile": [flip_flop(place(0), 10, 1, LSR=5), flip_flop(place(7), 11, 1)],
    "two clocks in a tile": [flip_flop(place(0), 10, 1), flip_flop(place(7), 11, 1, clock=2)],
    "an inverted clock": [flip_flop(place(0), 10, 1), flip_flop(place(7), 11, 1, CLKMUX="INV")],
    "two users of M": [mux(0, "F1"), flip_flop(place(0), 11, 9, port="M")],
    "a first multiplexer at an odd place": [mux(1, "F1")],
    "a second multiplexer at an even place": [mux(0, "FXA", "FXB")],
    "RAM in slice C": [lut(place(4, "K"), 10, MODE="DPRAM")],
    "RAM with an inverted clock": [lut(place(0, "K"), 10, MODE="DPRAM"), flip_flop(place(7), 11, 1, CLKMUX="INV")],
    "an adder and a LUT in a slice": [lut(place(0, "K"), 10, MODE="CCU2"), lut(place(1, "K"), 11)],
}


@pytest.mark.parametrize("cells", GOOD.values(), ids=GOOD)
def test_allowed(tmp_path, cells):
    assert allowed(tmp_path, *cells)


@pytest.mark.parametrize("cells", BAD.values(), ids=BAD)
def test_not_allowed(tmp_path, cells):
    assert not allowed(tmp_path, *cells)


def test_the_slice_that_writes_ram_is_taken(tmp_path):
    writer = {"w": ("TRELLIS_RAMW", {}, "X3/Y4/SLICEC.RAMW", {"WDO0": 20})}
    assert not allowed(tmp_path, lut(place(4, "K"), 10, 11), more=writer)
    assert allowed(tmp_path, lut(place(4, "K"), 10, MODE="RAMW_BLOCK"), lut(place(6, "K"), 10, 11), more=writer)


def test_strangers_and_empty_tiles(tmp_path):
    cells = {"own": flip_flop(place(0), 10, 1, CE=5), "enable": flip_flop(place(1), 11, 1, CE=6),
             "reset": flip_flop(place(6), 12, 1, LSR=7), "friend": flip_flop(place(3), 13, 1),
             "far": flip_flop("X5/Y4/SLICEA.FF0", 14, 1, LSR=7)}
    tiles = LogicTiles(PlacedNetlist(write_placed(tmp_path, cells)[0]))
    assert tiles.strangers(0) == {1, 2}
    assert set(tiles.tiles) == {(3, 4), (4, 4), (5, 4)} and tiles.is_allowed((4, 4))
    tiles.take(1), tiles.take(2)
    assert tiles.strangers(0) == set() and tiles.is_allowed(TILE)
