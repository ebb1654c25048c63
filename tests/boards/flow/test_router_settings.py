"""boards.flow.router_settings: what nextpnr's router reads from the netlist."""

from __future__ import annotations

import json

from firelane.boards.flow.router_settings import set_router


def test_settings_stand_beside_what_is_there(tmp_path):
    netlist = tmp_path / "top.json"
    top = {"cells": {"a": {}}, "settings": {"kept": "1", "changed": "2"}}
    netlist.write_text(json.dumps({"modules": {"top": top}}))
    set_router(netlist, {"changed": "3", "new": "4"})
    assert json.loads(netlist.read_text()) == {"modules": {"top": {
        "cells": {"a": {}}, "settings": {"kept": "1", "changed": "3", "new": "4"}}}}


def test_without_settings_the_file_is_not_touched(tmp_path):
    netlist = tmp_path / "top.json"
    netlist.write_text("not even JSON")
    set_router(netlist, {})
    assert netlist.read_text() == "not even JSON"
