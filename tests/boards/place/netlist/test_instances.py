"""Which instance a cell belongs to: by its name, and by its neighbours where it has lost that."""

from firelane.boards.place.netlist.instances import WIDEST_NET, cell_instances
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import flip_flop, lut, write_placed


def instances(tmp_path, cells) -> dict[str, str]:
    netlist = PlacedNetlist(write_placed(tmp_path, cells)[0])
    return dict(zip((cell.name for cell in netlist.cells), cell_instances(netlist), strict=True))


def test_names(tmp_path):
    found = instances(tmp_path, {"linked.engine.csr.run_TRELLIS_FF_Q": flip_flop("X1/Y1/SLICEA.FF0", 4, 2),
                                 "a.b.c.d.e.f": lut("X1/Y1/SLICEA.K0", 3), "led_LUT4_Z": lut("X1/Y1/SLICEA.K1", 4)})
    assert list(found.values()) == ["linked.engine.csr", "a.b.c.d", ""]


def test_neighbours_of_neighbours_decide_and_the_most_of_them(tmp_path):
    cells = {"a.x": flip_flop("X1/Y1/SLICEA.FF0", 4, 20), "b.x": flip_flop("X1/Y1/SLICEA.FF1", 2, 21),
             "b.y": flip_flop("X1/Y1/SLICEB.FF0", 3, 22),
             "wire_1_LUT4_A": lut("X2/Y1/SLICEA.K0", 5, 4, 2, 3), "wire_2_LUT4_A": lut("X2/Y1/SLICEA.K1", 6, 5),
             "$nextpnr_CCU2C_1$CCU2_COMB0": lut("X2/Y1/SLICEB.K0", 7, 4), "wire_3": lut("X9/Y9/SLICEA.K0", 8)}
    found = instances(tmp_path, cells)
    assert (found["wire_1_LUT4_A"], found["wire_2_LUT4_A"]) == ("b", "b")
    assert (found["$nextpnr_CCU2C_1$CCU2_COMB0"], found["wire_3"]) == ("a", "")


def test_a_wide_net_says_nothing(tmp_path):
    many = {f"a.{n}": lut(f"X{n + 1}/Y1/SLICEA.K0", 10 + n, 1) for n in range(WIDEST_NET)}
    assert instances(tmp_path, {**many, "wire_1": lut("X1/Y2/SLICEA.K0", 99, 1)})["wire_1"] == ""
