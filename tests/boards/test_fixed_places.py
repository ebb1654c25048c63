"""Places from a placed netlist to the synthesised one."""

import json

from boards.fixed_places import fix_places
from boards.movable_units import movable_units
from boards.placed_netlist import PlacedNetlist
from boards.slice_rules import LogicTiles
from tests.boards.placed import flip_flop, lut, write_placed

PLACED = {
    "lut": lut("X3/Y4/SLICEA.K1", 10, 11),
    "register": flip_flop("X3/Y4/SLICEA.FF1", 11, 10),
    "moved": lut("X3/Y4/SLICEB.K0", 13, 11),
    "made by nextpnr": lut("X3/Y4/SLICEB.K1", 14, 11),
    "adder$0": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K0", {"F": 20}),
    "adder$1": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K1", {"F": 21}),
    "sum": flip_flop("X5/Y4/SLICEA.FF0", 22, 20),
    "ram": lut("X6/Y4/SLICEA.K0", 30, MODE="DPRAM"),
}
SYNTHESISED = {"lut": "LUT4", "register": "TRELLIS_FF", "moved": "LUT4", "adder": "CCU2C", "sum": "TRELLIS_FF",
               "ram": "TRELLIS_DPR16X4", "other": "LUT4"}


def test_all_but_chains_and_memories(tmp_path):
    netlist = PlacedNetlist(write_placed(tmp_path, PLACED)[0])
    tiles = LogicTiles(netlist)
    units = movable_units(netlist, tiles)
    netlist.x[2], netlist.lut[2] = 9, 7
    before = {name: {"type": kind, "connections": {}} for name, kind in SYNTHESISED.items()}
    before["lut"]["attributes"] = {"src": "here"}
    source, target = tmp_path / "top.json", tmp_path / "fixed.json"
    source.write_text(json.dumps({"modules": {"top": {"ports": {}, "cells": before}}}))
    assert fix_places(source, netlist, tiles, units, target) == 2
    after = json.loads(target.read_text())["modules"]["top"]["cells"]
    assert after["lut"].pop("attributes") == {"src": "here", "BEL": "X3/Y4/SLICEA.K1"}
    assert after["register"].pop("attributes") == {"BEL": "X3/Y4/SLICEA.FF1"}
    assert after["moved"].pop("attributes") == {"BEL": "X9/Y4/SLICED.K1"}
    before["lut"].pop("attributes")
    assert after == before
