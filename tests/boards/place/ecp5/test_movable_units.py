"""Which cells move together, and where within a tile they may go."""

from firelane.boards.place.ecp5.movable_units import movable_units
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import flip_flop, lut, write_placed


def comb(place: str, nets: dict[str, int], **parameters: str):
    return "TRELLIS_COMB", parameters, place, nets


def units(tmp_path, cells):
    netlist = PlacedNetlist(write_placed(tmp_path, cells)[0])
    return netlist, {frozenset(netlist.cells[cell].name for cell in unit.cells): unit
                     for unit in movable_units(netlist, LogicTiles(netlist))}


def test_singles_pairs_and_what_stays(tmp_path):
    netlist, found = units(tmp_path, {
        "lut": lut("X3/Y4/SLICEA.K1", 10, 11),
        "register": flip_flop("X3/Y4/SLICEA.FF1", 11, 10),
        "alone": flip_flop("X3/Y4/SLICEB.FF0", 12, 11, port="M"),
        "from afar": flip_flop("X3/Y4/SLICED.FF0", 13, 14),
        "block": ("DP16KD", {}, "X1/Y22/EBR0", {"DOB0": 14}),
        "ram": lut("X5/Y4/SLICEA.K0", 20, 21, MODE="DPRAM"),
    })
    assert set(found) == {frozenset({"lut", "register"}), frozenset({"alone"}), frozenset({"from afar"})}
    assert list(found[frozenset({"lut", "register"})].shifts(netlist)) == list(range(-1, 7))
    assert list(found[frozenset({"alone"})].shifts(netlist)) == list(range(-2, 6))


def test_wide_multiplexers_keep_their_slices(tmp_path):
    pair = {"odd": comb("X3/Y4/SLICEC.K1", {"F": 10, "A": 1}),
            "even": comb("X3/Y4/SLICEC.K0", {"OFX": 11, "F1": 10, "M": 2})}
    netlist, found = units(tmp_path, pair)
    assert list(found[frozenset(pair)].shifts(netlist)) == [-4, -2, 0, 2]

    four = {"root 0": comb("X3/Y4/SLICEA.K0", {"OFX": 11, "F1": 10}),
            "odd 0": comb("X3/Y4/SLICEA.K1", {"F": 10, "A": 1}),
            "root 1": comb("X3/Y4/SLICEB.K0", {"OFX": 13, "F1": 12}),
            "odd 1": comb("X3/Y4/SLICEB.K1", {"F": 12, "A": 1})}
    four["odd 0"][3].update(FXA=11, FXB=13)
    netlist, found = units(tmp_path, four)
    assert list(found[frozenset(four)].shifts(netlist)) == [0, 4]


def test_carry_chains_stay_in_line(tmp_path):
    chain = {f"bit {n}": comb(f"X{3 + n // 8}/Y4/SLICE{'ABCD'[n % 8 // 2]}.K{n % 2}",
                              {"F": 20 + n, "FCI": 100 + n, "FCO": 101 + n}, MODE="CCU2") for n in range(12)}
    netlist, found = units(tmp_path, chain | {"register": flip_flop("X4/Y4/SLICEA.FF0", 50, 28)})
    assert set(found) == {frozenset({*chain, "register"})}
    assert list(found[frozenset({*chain, "register"})].shifts(netlist)) == [0]


def test_both_halves_of_an_adder_slice_belong_together(tmp_path):
    halves = {f"bit {n}": comb(f"X3/Y4/SLICEB.K{n}", {"F": 20 + n}, MODE="CCU2") for n in range(2)}
    netlist, found = units(tmp_path, halves)
    assert list(found[frozenset(halves)].shifts(netlist)) == [-2, 0, 2, 4]


def test_distributed_ram_stays_with_all_its_cells(tmp_path):
    _, found = units(tmp_path, {
        "writer": ("TRELLIS_RAMW", {}, "X3/Y4/SLICEC.RAMW", {"WDO0": 20}),
        "ram": comb("X3/Y4/SLICEA.K0", {"F": 21, "WD": 20}, MODE="DPRAM"),
        "register": flip_flop("X3/Y4/SLICEA.FF0", 22, 21),
    })
    assert found == {}
