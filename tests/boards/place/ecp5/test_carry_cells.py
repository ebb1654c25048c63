"""Carry chains in Yosys' netlist as nextpnr's cells: every port has the net that it had at the CCU2C."""

from firelane.boards.place.ecp5.carry_cells import carry_chains, split_carries
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import lut, write_placed


def carry(inputs: dict, **ends):
    """A CCU2C of Yosys' JSON."""
    connections = {port: [net] for port, net in (inputs | ends).items()}
    return {"type": "CCU2C", "parameters": {}, "connections": connections}


def bit(place: str, init: str, **nets):
    return "TRELLIS_COMB", {"MODE": "CCU2", "INITVAL": init, "CCU2_INJECT1": "NO", "WREMUX": "WRE"}, place, nets


# A chain of two CCU2C whose carry comes from the fabric and goes there, and, apart from it, a chain of one bit.
SYNTHESISED = {
    "low": carry({"A0": 11, "B0": 12, "C0": "0", "A1": 13, "S0": 21, "S1": 22}, CIN=10, COUT=30),
    "high": carry({"A0": 14, "A1": "1", "S0": 23, "S1": 24}, CIN=30, COUT=31),
    "alone": carry({"A0": 15, "S0": 25, "S1": "x"}, CIN="x", COUT="x"),
    "lut": {"type": "LUT4", "parameters": {}, "connections": {"A": [31], "Z": [10]}},
}
PLACED = {
    "lut": lut("X9/Y9/SLICEA.K0", 130, 180),
    "$nextpnr_CCU2C_0$CCU2_COMB0": bit("X3/Y4/SLICEA.K0", "0000000000001010", A=130, FCO=140),
    "$nextpnr_CCU2C_0$CCU2_COMB1": bit("X3/Y4/SLICEA.K1", "0000000000001010", FCI=140, FCO=141),
    "low$CCU2_COMB0": bit("X3/Y4/SLICEB.K0", "1100110000000000", A=111, B=112, F=121, FCI=141, FCO=142),
    "low$CCU2_COMB1": bit("X3/Y4/SLICEB.K1", "1100110000000001", A=113, F=122, FCI=142, FCO=143),
    "high$CCU2_COMB0": bit("X3/Y4/SLICEC.K0", "1100110000000010", A=114, F=123, FCI=143, FCO=144),
    "high$CCU2_COMB1": bit("X3/Y4/SLICEC.K1", "1100110000000011", F=124, FCI=144, FCO=145),
    "$nextpnr_CCU2C_1$CCU2_COMB0": bit("X3/Y4/SLICED.K0", "0000000000000000", F=180, FCI=145, FCO=146),
    "$nextpnr_CCU2C_1$CCU2_COMB1": bit("X3/Y4/SLICED.K1", "0000000000000000", FCI=146),
    "alone$CCU2_COMB0": bit("X5/Y4/SLICEA.K0", "1100110000000100", A=115, F=125, FCO=150),
    "alone$CCU2_COMB1": bit("X5/Y4/SLICEA.K1", "1100110000000101", FCI=150),
}


def split(tmp_path):
    cells = {name: dict(cell) for name, cell in SYNTHESISED.items()}
    netlist = PlacedNetlist(write_placed(tmp_path, PLACED)[0])
    return cells, netlist, split_carries(cells, netlist)


def test_every_port_has_its_net(tmp_path):
    cells, netlist, made = split(tmp_path)
    assert set(cells) == set(PLACED) and cells["lut"] == SYNTHESISED["lut"]
    assert {netlist.cells[number].name: cells[netlist.cells[number].name] is one
            for number, one in made.items()} == dict.fromkeys(set(PLACED) - {"lut"}, True)
    carries = ("FCI", "FCO")
    nets = {name: {port: net for port, (net,) in cells[name]["connections"].items() if port not in carries}
            for name in set(PLACED) - {"lut"}}
    assert nets == {
        "$nextpnr_CCU2C_0$CCU2_COMB0": {"A": 10}, "$nextpnr_CCU2C_0$CCU2_COMB1": {},
        "low$CCU2_COMB0": {"A": 11, "B": 12, "F": 21}, "low$CCU2_COMB1": {"A": 13, "F": 22},
        "high$CCU2_COMB0": {"A": 14, "F": 23}, "high$CCU2_COMB1": {"F": 24},
        "$nextpnr_CCU2C_1$CCU2_COMB0": {"F": 31}, "$nextpnr_CCU2C_1$CCU2_COMB1": {},
        "alone$CCU2_COMB0": {"A": 15, "F": 25}, "alone$CCU2_COMB1": {}}


def test_carries_have_nets_of_their_own(tmp_path):
    cells, netlist, _ = split(tmp_path)
    ends = [(name, port, cells[name]["connections"][port][0], netlist.cells[number].nets[port])
            for number, one in enumerate(netlist.cells) if (name := one.name) in PLACED
            for port in ("FCI", "FCO") if port in one.nets]
    new = {placed: net for _, _, net, placed in ends}
    assert all(new[placed] == net for _, _, net, placed in ends)
    assert len(set(new.values())) == len(new) == 8 and min(new.values()) > 31


def test_parameters_and_directions(tmp_path):
    cells, _, _ = split(tmp_path)
    one = cells["high$CCU2_COMB1"]
    assert one["type"] == "TRELLIS_COMB"
    assert one["parameters"] == {"MODE": "CCU2", "INITVAL": "1100110000000011", "CCU2_INJECT1": "NO",
                                 "WREMUX": "WRE"}
    assert one["port_directions"] == {"F": "output", "FCI": "input", "FCO": "output"}


def test_chains(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, PLACED)[0])
    names = [[netlist.cells[cell].name for cell in chain] for chain in carry_chains(netlist)]
    assert names == [list(PLACED)[1:9], list(PLACED)[9:]]
