"""Places from a placed netlist to the synthesised one."""

import json

from firelane.boards.place.ecp5.fixed_places import fix_places
from firelane.boards.place.ecp5.movable_units import movable_units
from firelane.boards.place.ecp5.slice_rules import LogicTiles
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from tests.boards.place.placed import flip_flop, lut, write_placed

PLACED = {
    "lut": lut("X3/Y4/SLICEA.K1", 10, 11),
    "register": flip_flop("X3/Y4/SLICEA.FF1", 11, 10),
    "moved": lut("X3/Y4/SLICEB.K0", 13, 11),
    "made by nextpnr": lut("X3/Y4/SLICEB.K1", 14, 11),
    "adder$CCU2_COMB0": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K0", {"F": 20, "FCO": 40}),
    "adder$CCU2_COMB1": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K1", {"F": 21, "FCI": 40}),
    "sum": flip_flop("X5/Y4/SLICEA.FF0", 22, 20),
    "constant": flip_flop("X7/Y4/SLICEA.FF0", 23, 24, port="M"),
    "ram": lut("X6/Y4/SLICEA.K0", 30, MODE="DPRAM"),
}


def cell(kind: str, **connections):
    return {"type": kind, "connections": {port: [net] for port, net in connections.items()}}


SYNTHESISED = {
    "lut": cell("LUT4", A=11, Z=10), "register": cell("TRELLIS_FF", DI=10, Q=11), "moved": cell("LUT4", A=11, Z=13),
    "adder": cell("CCU2C", S0=20, S1=21), "sum": cell("TRELLIS_FF", DI=20, Q=22),
    "constant": cell("TRELLIS_FF", DI="1", Q=23), "ram": cell("TRELLIS_DPR16X4"), "other": cell("LUT4"),
}


def test_all_but_memories_and_constants(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, PLACED)[0])
    tiles = LogicTiles(netlist)
    units = movable_units(netlist, tiles)
    netlist.x[2], netlist.lut[2] = 9, 7
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
    del before["lut"]["attributes"], before["adder"]
    assert after == before
