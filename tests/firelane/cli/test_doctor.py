"""`firelane doctor`: its exit code, on this machine and on one without perl."""

from __future__ import annotations

import json

from firelane.boards.doctor.machine import Machine
from firelane.cli.main import main


def test_exit_codes(monkeypatch, capsys):
    monkeypatch.setattr(Machine, "import_problem", lambda machine, package: "")
    monkeypatch.setattr(Machine, "libpython", lambda machine: "libpython.so")
    monkeypatch.setattr(Machine, "program", lambda machine, name: f"/usr/bin/{name}")
    monkeypatch.setattr(Machine, "writes_fst", lambda machine: False)
    monkeypatch.setattr(Machine, "free_bytes", lambda machine: 1 << 40)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "ok        g++ " in text and "optional  zlib, lz4 headers" in text and "missing" not in text
    monkeypatch.setattr(Machine, "program", lambda machine, name: None if name == "perl" else f"/usr/bin/{name}")
    assert main(["doctor", "--json"]) == 2
    said = capsys.readouterr()
    assert [item["name"] for item in json.loads(said.out)["things"] if item["status"] == "missing"] == ["perl"]
    assert said.err == "error: this machine: `make sim` needs perl; what to do is said above\n"
