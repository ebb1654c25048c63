"""Places from a placed netlist to the synthesised one."""

import json

from firelane.boards.place.ecp5.fixed_places import fix_places
from firelane.boards.place.ecp5.movable_units import movable_units
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import distributed_ram, flip_flop, lut, write_placed

PLACED = {
    "lut": lut("X3/Y4/SLICEA.K1", 10, 11),
    "register": flip_flop("X3/Y4/SLICEA.FF1", 11, 10),
    "moved": lut("X3/Y4/SLICEB.K0", 13, 11),
    "made by nextpnr": lut("X3/Y4/SLICEB.K1", 14, 11),
    "adder$CCU2_COMB0": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K0", {"F": 20, "FCO": 40}),
    "adder$CCU2_COMB1": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K1", {"F": 21, "FCI": 40}),
    "sum": flip_flop("X5/Y4/SLICEA.FF0", 22, 20),
    "constant": flip_flop("X7/Y4/SLICEA.FF0", 23, 24, port="M"),
    **distributed_ram("ram", "X6/Y4", first=30),
    "word": flip_flop("X6/Y4/SLICEA.FF0", 70, 61),
    "apart": flip_flop("X7/Y4/SLICEB.FF0", 71, 62, port="M"),
}


def cell(kind: str, **connections):
    return {"type": kind, "connections": {port: [net] for port, net in connections.items()}}


SYNTHESISED = {
    "lut": cell("LUT4", A=11, Z=10), "register": cell("TRELLIS_FF", DI=10, Q=11), "moved": cell("LUT4", A=11, Z=13),
    "adder": cell("CCU2C", S0=20, S1=21), "sum": cell("TRELLIS_FF", DI=20, Q=22),
    "constant": cell("TRELLIS_FF", DI="1", Q=23), "other": cell("LUT4"),
    "ram": {"type": "TRELLIS_DPR16X4", "connections": {
        "WAD": [31, 32, 33, 34], "DI": [41, 42, 43, 44], "RAD": [51, 52, 53, 54], "DO": [61, 62, 63, 64],
        "WCK": [1], "WRE": [2]}},
    "word": cell("TRELLIS_FF", DI=61, Q=70), "apart": cell("TRELLIS_FF", DI=62, Q=71),
}


def test_all_but_constants(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, PLACED)[0])
    tiles = LogicTiles(netlist)
    units = movable_units(netlist, tiles)
    netlist.x[2], netlist.lut[2] = 9, 7
    netlist.y[[cell for cell, one in enumerate(netlist.cells) if one.name.startswith("ram$") or one.name == "word"]] = 8
    before = json.loads(json.dumps(SYNTHESISED))
    before["lut"]["attributes"] = {"src": "here"}
    source, target = tmp_path / "top.json", tmp_path / "fixed.json"
    source.write_text(json.dumps({"modules": {"top": {"ports": {}, "cells": before}}}))
    fix_places(source, netlist, units, target)
    after = json.loads(target.read_text())["modules"]["top"]["cells"]
    assert after["lut"].pop("attributes") == {"src": "here", "BEL": "X3/Y4/SLICEA.K1"}
    assert after["register"].pop("attributes") == {"BEL": "X3/Y4/SLICEA.FF1"}
    assert after["moved"].pop("attributes") == {"BEL": "X9/Y4/SLICED.K1"}
    assert after["sum"].pop("attributes") == {"BEL": "X5/Y4/SLICEA.FF0"}
    bits = [after.pop(f"adder$CCU2_COMB{bit}") for bit in range(2)]
    assert [(bit["attributes"]["BEL"], bit["connections"]["F"]) for bit in bits] == [
        ("X5/Y4/SLICEA.K0", [20]), ("X5/Y4/SLICEA.K1", [21])]
    rams = {name: after.pop(name)["attributes"]["BEL"] for name in PLACED if name.startswith("ram$")}
    assert rams == {name: PLACED[name][2].replace("Y4", "Y8") for name in rams} and len(rams) == 7
    assert after["word"].pop("attributes") == {"BEL": "X6/Y8/SLICEA.FF0"}
    # nextpnr would put it behind the RAM, where there is none of it any more that says that it may not.
    assert after.pop("apart$behind")["connections"]["A"] == [62]
    before["apart"]["connections"]["DI"] = after["apart"]["connections"]["DI"]
    del before["lut"]["attributes"], before["adder"], before["ram"]
    assert after == before
