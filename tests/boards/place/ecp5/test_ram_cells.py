"""Distributed RAM in Yosys' netlist as nextpnr's cells: every port has the net that it had at the RAM."""

from firelane.boards.place.ecp5.ram_cells import ram_luts, split_rams
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import distributed_ram, lut, write_placed

SYNTHESISED = {
    "words": {"type": "TRELLIS_DPR16X4", "parameters": {}, "connections": {
        "WAD": [11, 12, 13, 14], "DI": [21, 22, 23, "0"], "RAD": [31, 32, 33, 34], "DO": [41, 42, 43, 44],
        "WCK": [1], "WRE": [2]}},
    "lut": {"type": "LUT4", "parameters": {}, "connections": {"A": [41], "Z": [11]}},
}
PLACED = {"lut": lut("X9/Y9/SLICEA.K0", 111, 141), **distributed_ram("words", "X3/Y4", first=110)}


def test_every_port_has_its_net(tmp_path):
    cells = {name: dict(cell) for name, cell in SYNTHESISED.items()}
    netlist = PlacedNetlist(write_placed(tmp_path, PLACED)[0])
    made = split_rams(cells, netlist)
    assert set(cells) == set(PLACED) and cells["lut"] == SYNTHESISED["lut"]
    assert {netlist.cells[number].name for number in made} == set(PLACED) - {"lut"}
    nets = {name: {port: net for port, (net,) in cell["connections"].items()} for name, cell in cells.items()}
    writer = nets["words$RAMW_SLICE"]
    between = {port: net for port, net in writer.items() if port.startswith("W")}
    assert len(set(between.values())) == 8 and min(between.values()) > 44
    assert writer == between | {"D0": 11, "B0": 12, "C0": 13, "A0": 14, "C1": 21, "A1": 22, "D1": 23, "B1": "0"}
    for bit in range(4):
        assert nets[f"words$DPRAM_COMB{bit}"] == {
            "D": 31, "B": 32, "C": 33, "A": 34, "F": 41 + bit, "WCK": 1, "WRE": 2, "WD": between[f"WDO{bit}"],
            **{f"WAD{n}": between[f"WADO{n}"] for n in range(4)}}
        assert cells[f"words$DPRAM_COMB{bit}"]["parameters"]["MODE"] == "DPRAM"
    assert nets["words$RAMW_BLOCK0"] == nets["words$RAMW_BLOCK1"] == {}
    assert cells["words$RAMW_BLOCK0"]["parameters"] == {"MODE": "RAMW_BLOCK"}
    assert cells["words$RAMW_SLICE"]["port_directions"]["WADO3"] == "output"
    assert cells["words$RAMW_SLICE"]["port_directions"]["A0"] == "input"


def test_which_luts_they_are(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, PLACED)[0])
    assert [netlist.cells[cell].name for cell in ram_luts(netlist)] == [
        *(f"words$DPRAM_COMB{bit}" for bit in range(4)), "words$RAMW_BLOCK0", "words$RAMW_BLOCK1"]
