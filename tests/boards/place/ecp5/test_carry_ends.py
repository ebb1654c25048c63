"""boards.place.ecp5.carry_ends: what is disconnected, and what must stay."""

import json

import pytest

from firelane.boards.place.ecp5.carry_ends import open_carry_ends

START, ADD = "0000000011111111", "1001011010101010"


def cell(init, cin, cout, s0=9, c0="1"):
    return {"type": "CCU2C", "parameters": {"INIT0": init, "INIT1": ADD},
            "connections": {"C0": [c0], "D0": ["1"], "CIN": [cin], "COUT": [cout], "S0": [s0]}}


def opened(tmp_path, cells, ports=()):
    path = tmp_path / "top.json"
    module = {"ports": {f"p{bit}": {"bits": [bit]} for bit in ports}, "cells": cells}
    path.write_text(json.dumps({"modules": {"top": module}}))
    open_carry_ends(path)
    after = json.loads(path.read_text())["modules"]["top"]["cells"]
    return {name: (cell["connections"]["CIN"][0], cell["connections"]["COUT"][0])
            for name, cell in after.items() if cell["type"] == "CCU2C"}


def test_both_ends_of_a_chain(tmp_path):
    assert opened(tmp_path, {"a": cell(START, "0", 2), "b": cell(ADD, 2, 3, s0=8)}) == {"a": ("x", 2), "b": (2, "x")}


@pytest.mark.parametrize("first, ports", [
    (cell(ADD, "0", 2), ()),                # the carry in matters
    (cell(START, "0", 2, c0=5), ()),        # it may matter
    (cell(START, 6, 2), ()),                # it comes from somewhere
    (cell(START, "0", 2), (9,)),            # the first sum bit is read, which is the carry in
])
def test_carry_in_stays(tmp_path, first, ports):
    assert opened(tmp_path, {"a": first}, ports)["a"] == (first["connections"]["CIN"][0], "x")


def test_carry_out_that_is_read_stays(tmp_path):
    assert opened(tmp_path, {"a": cell(ADD, "0", 2)}, ports=[2])["a"] == ("0", 2)
    lut = {"type": "LUT4", "connections": {"A": [2]}}
    assert opened(tmp_path, {"a": cell(ADD, "0", 2), "b": lut})["a"] == ("0", 2)
