"""boards.place.ecp5.output_registers: which flip-flops become part of a block RAM, and which must not."""

from __future__ import annotations

import copy
import json

import pytest

from firelane.boards.flow import tools
from firelane.boards.place.ecp5.output_registers import use_output_registers

CLOCK = 2
BLOCK = {"type": "DP16KD", "attributes": {},
         "parameters": {"REGMODE_A": "NOREG", "REGMODE_B": "NOREG", "CLKAMUX": "CLKA", "CLKBMUX": "CLKB"},
         "port_directions": {
             **{f"{name}{port}": "input" for name in ("CE", "OCE", "RST", "CLK", "DI") for port in "AB"},
             "DOA0": "output", "DOA1": "output", "DOB0": "output"},
         "connections": {**{f"{name}{port}": [value] for port in "AB" for name, value in (
             ("CE", "1"), ("OCE", "1"), ("RST", "0"), ("CLK", CLOCK), ("DI", 90))},
             "DOA0": [10], "DOA1": [11], "DOB0": [12]}}


def register(data, output, **changes):
    cell = {"type": "TRELLIS_FF", "attributes": {}, "parameters": {"CEMUX": "1 ", "CLKMUX": "CLK", "REGSET": "RESET"},
            "port_directions": {"CLK": "input", "DI": "input", "LSR": "input", "Q": "output"},
            "connections": {"CLK": [CLOCK], "DI": [data], "LSR": ["0"], "Q": [output]}}
    for name, value in changes.items():
        where = next(where for where in ("connections", "parameters", "attributes")
                     if name in cell[where] or where == "attributes")
        cell[where][name] = value
    return cell


CELLS = {"block": BLOCK, "low": register(10, 20), "high": register(11, 21),
         "logic": {"type": "LUT4", "attributes": {}, "parameters": {}, "port_directions": {"A": "input", "Z": "output"},
                   "connections": {"A": [12], "Z": [30]}}}


def changed(tmp_path, cells, ports=None):
    path = tmp_path / "top.json"
    path.write_text(json.dumps({"modules": {"top": {"ports": ports or {}, "cells": cells}}}))
    count = use_output_registers(path)
    return count, json.loads(path.read_text())["modules"]["top"]["cells"]


def test_flip_flops_that_alone_read_a_port(tmp_path):
    count, cells = changed(tmp_path, CELLS)
    block = cells["block"]
    assert count == 1 and set(cells) == {"block", "logic"}
    assert (block["parameters"]["REGMODE_A"], block["parameters"]["REGMODE_B"]) == ("OUTREG", "NOREG")
    assert [block["connections"][name] for name in ("DOA0", "DOA1", "DOB0")] == [[20], [21], [12]]
    assert changed(tmp_path, cells) == (0, cells)


@pytest.mark.parametrize("cells, ports", [
    ({"high": register(11, 21, CEMUX="CE")}, {}),
    ({"high": register(11, 21, LSR=[40])}, {}),
    ({"high": register(11, 21, CLK=[3])}, {}),
    ({"high": register(11, 21, CLKMUX="INV")}, {}),
    ({"high": register(11, 21, REGSET="SET")}, {}),
    ({"high": register(11, 21, keep="00000000000000000000000000000001")}, {}),
    ({"again": register(11, 22)}, {}),
    ({"logic": {**CELLS["logic"], "connections": {"A": [11], "Z": [30]}}}, {}),
    ({}, {"pin": {"direction": "output", "bits": [11]}}),
], ids=["enable", "reset", "other clock", "other edge", "set", "keep", "two readers", "logic", "pin"])
def test_what_stays(tmp_path, cells, ports):
    cells = CELLS | cells
    assert changed(tmp_path, cells, ports) == (0, cells)


@pytest.mark.parametrize("pin, value", [("CEA", [50]), ("OCEA", [50]), ("RSTA", [50])])
def test_ports_that_do_not_always_run_stay(tmp_path, pin, value):
    cells = copy.deepcopy(CELLS)
    cells["block"]["connections"][pin] = value
    assert changed(tmp_path, cells) == (0, cells)


def test_what_yosys_makes_of_two_registers(tmp_path):
    """A memory as the engine's: 36 flip-flops behind two block RAMs become theirs; one that is enabled stays."""
    (tmp_path / "top.v").write_text("""
        module top(input clk, input we, input ce, input [9:0] ra, wa, input [17:0] d, output reg [17:0] q, r);
            (* ram_style = "block", no_rw_check *) reg [17:0] first [0:1023];
            (* ram_style = "block", no_rw_check *) reg [17:0] second [0:1023];
            reg [17:0] a, b;
            always @(posedge clk) begin
                a <= first[ra]; q <= a;
                b <= second[ra]; if (ce) r <= b;
                if (we) begin first[wa] <= d; second[wa] <= d; end
            end
        endmodule
    """)
    (tmp_path / "top.ys").write_text("read_verilog top.v\nsynth_ecp5 -top top\nwrite_json top.json\n")
    tools.yosys_script().run("top.ys", cwd=tmp_path, log=tmp_path / "yosys.log")
    before = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"]
    assert use_output_registers(tmp_path / "top.json") == 1
    after = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"]
    kinds = [[cell["type"] for cell in cells.values()] for cells in (before, after)]
    assert [kind.count("TRELLIS_FF") for kind in kinds] == [36, 18]
    modes = [cell["parameters"][f"REGMODE_{port}"] for cell in after.values() if cell["type"] == "DP16KD"
             for port in "AB"]
    assert sorted(modes) == ["NOREG", "NOREG", "NOREG", "OUTREG"]
