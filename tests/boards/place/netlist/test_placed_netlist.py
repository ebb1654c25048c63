"""Reading and writing placed netlists, and their delays."""

from firelane.boards.place.netlist.placed_netlist import COMB, FF, PlacedNetlist
from firelane.boards.place.timing.sdf import read_delays
from tests.boards.place.placed import flip_flop, lut, write_placed

CELLS = {
    "l": lut("X3/Y4/SLICEC.K1", 10, 11, MODE="LOGIC"),
    "f[0]": flip_flop("X3/Y4/SLICEC.FF1", 11, 10, CE=5),
    "w": ("TRELLIS_RAMW", {}, "X7/Y8/SLICEC.RAMW", {"WDO0": 20}),
    "b": ("DP16KD", {}, "X1/Y22/EBR0", {"DOB0": 30}),
    "nowhere": ("TRELLIS_COMB", {}, "", {"F": 40}),
}


def test_places_and_nets(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, CELLS)[0])
    assert [cell.name for cell in netlist.cells] == list(CELLS)
    assert netlist.x.tolist() == [3, 3, 7, 1, -1] and netlist.y.tolist() == [4, 4, 8, 22, -1]
    assert netlist.kind.tolist() == [COMB, FF, -1, -1, -1] and netlist.lut.tolist() == [5, 5, -1, -1, -1]
    assert netlist.ram_writers == {(7, 8)} and netlist.writers == [2]
    first = netlist.cells[0]
    assert first.nets == {"F": 10, "A": 11} and first.outputs == {"F"} and first.parameter("MODE", "") == "LOGIC"
    assert netlist.cells[1].parameter("CEMUX", "CE") == "CE"


def test_names_of_places(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, CELLS)[0])
    assert netlist.bel(0) == "X3/Y4/SLICEC.K1"
    netlist.x[1], netlist.y[1], netlist.lut[1] = 9, 2, 0
    assert netlist.bel(1) == "X9/Y2/SLICEA.FF0"
    netlist.x[2] = 5
    assert netlist.bel(2) == "X5/Y8/SLICEC.RAMW" and netlist.ram_writers == {(5, 8)}


def test_delays_are_the_longest(tmp_path):
    delays = read_delays(write_placed(tmp_path, CELLS)[1])
    assert delays.cells["l"].arcs == [("A", "F", 236)] and delays.cells["l"].setups == {}
    assert delays.cells["f[0]"].arcs == [("CLK", "Q", 525)] and delays.cells["f[0]"].setups == {"DI": 0, "CE": 0}
    assert delays.shortest_wire == 480
