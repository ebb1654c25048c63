"""`firelane doctor` as lines and as JSON."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from firelane.boards.doctor.item import Item, Purpose
from firelane.boards.doctor.report import items_to_json, items_to_table, require
from firelane.compiler.support.errors import ConfigError

ITEMS = [Item("g++", Purpose.SIM, True, "/usr/bin/g++", "Debian: apt install g++"),
         Item("perl", Purpose.SIM, False, "not on [PATH]", "Debian: apt install perl"),
         Item("nextpnr", Purpose.BITSTREAM, False, "absent", "install it")]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines(width):
    console = Console(width=width)
    with console.capture() as said:
        console.print(items_to_table(ITEMS))
    lines = said.get().splitlines()
    assert all(len(line) <= width for line in lines)
    assert " ".join(said.get().split()) == (
        "ok g++ /usr/bin/g++ missing perl not on [PATH] (for make sim); Debian: apt install perl "
        "optional nextpnr absent (for make bitstream); install it")


def test_json():
    good, missing, optional = json.loads(items_to_json(ITEMS))["things"]
    assert good == {"name": "g++", "status": "ok", "needed_for": "make sim", "found": "/usr/bin/g++", "fix": None}
    assert (missing["status"], missing["fix"]) == ("missing", "Debian: apt install perl")
    assert (optional["status"], optional["needed_for"]) == ("optional", "make bitstream")


def test_what_is_required():
    require([ITEMS[0], ITEMS[2]])
    with pytest.raises(ConfigError, match=r"^this machine: `make sim` needs perl; what to do is said above$"):
        require(ITEMS)
