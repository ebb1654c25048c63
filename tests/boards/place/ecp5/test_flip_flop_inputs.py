"""Only one flip-flop reads a LUT; others have LUTs of their own, and the logic is the same."""

import json

from firelane.boards.place.ecp5.flip_flop_inputs import free_flip_flops, separate_flip_flops
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import flip_flop, lut, write_placed


def register(data, output):
    return {"type": "TRELLIS_FF", "parameters": {}, "connections": {"DI": [data], "Q": [output], "CLK": [1]}}


CELLS = {
    "lut": {"type": "LUT4", "connections": {"A": [5], "Z": [10]}},
    "sum": {"type": "CCU2C", "connections": {"A0": [5], "S0": [11], "S1": [12]}},
    "ram": {"type": "TRELLIS_DPR16X4", "connections": {"DO": [13, 14]}},
    "wide": {"type": "PFUMX", "connections": {"Z": [15]}},
    "first": register(10, 20), "second": register(10, 21), "third": register(10, 22),
    "low": register(11, 23), "high": register(12, 24), "high again": register(12, 25),
    "word": register(14, 26), "word again": register(14, 27), "behind wide": register(15, 28),
    "behind wide again": register(15, 29), "follows": register(20, 30), "follows again": register(20, 31),
    "constant": register("1", 32), "constant again": register("1", 33),
}


def test_all_but_the_first_get_luts(tmp_path):
    path = tmp_path / "top.json"
    path.write_text(json.dumps({"modules": {"top": {"cells": CELLS}}}))
    separate_flip_flops(path)
    cells = json.loads(path.read_text())["modules"]["top"]["cells"]
    inserted = {}
    for name in ("second", "third", "high again", "word again"):
        one, data = cells.pop(f"{name}$behind"), cells[name]["connections"]["DI"]
        assert one["type"] == "LUT4" and one["parameters"] == {"INIT": "1010101010101010"}
        assert one["connections"]["Z"] == data and one["connections"]["A"] == CELLS[name]["connections"]["DI"]
        inserted[name] = data[0]
        cells[name]["connections"]["DI"] = one["connections"]["A"]
    assert cells == CELLS and sorted(inserted.values()) == [34, 35, 36, 37]


def test_what_nextpnr_must_place(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, {
        "sum$CCU2_COMB0": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X3/Y4/SLICEA.K0", {"F": 111}),
        "apart": flip_flop("X9/Y4/SLICEA.FF0", 120, 111, port="M"),
        "lut": lut("X5/Y4/SLICEA.K0", 110, 99),
        "own": flip_flop("X5/Y4/SLICEA.FF0", 121, 110),
        "$PACKER_VCC": lut("X1/Y4/SLICEA.K0", 112),
        "constant": flip_flop("X7/Y4/SLICEA.FF0", 122, 112, port="M"),
        "follows": flip_flop("X8/Y4/SLICEA.FF0", 123, 121, port="M")})[0])
    cells = {"apart": register(11, 20), "own": register(10, 21), "constant": register("1", 22),
             "follows": register(21, 23)}
    free = free_flip_flops(cells, netlist)
    assert {netlist.cells[cell].name for cell in free} == {"apart", "constant"}
    assert cells["apart$behind"]["connections"] == {"A": [11], "B": ["0"], "C": ["0"], "D": ["0"],
                                                    "Z": cells["apart"]["connections"]["DI"]}
    assert len(cells) == 5
