"""What is seen of the machine that the tests run on."""

from __future__ import annotations

import sys

from firelane.boards.doctor.machine import Machine


def test_packages():
    machine = Machine()
    assert machine.import_problem("json") == ""
    assert machine.import_problem("no_such_package") == "ModuleNotFoundError: No module named 'no_such_package'"
    assert machine.import_problem("os; os._exit(3)") == "exit code 3"


def test_memory(tmp_path):
    assert Machine(root=tmp_path).memory_bytes() is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:       24000000 kB\nMemAvailable:   12000000 kB\n")
    assert Machine(root=tmp_path).memory_bytes() == 12_000_000 * 1024


def test_disk_groups_and_programs(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "not" / "yet"))
    machine = Machine()
    assert machine.free_bytes() > 0 and not (tmp_path / "not").exists()
    assert machine.groups() <= machine.known_groups() and machine.groups_at_login() <= machine.known_groups()
    assert machine.program(sys.executable) == sys.executable and machine.program("no-such-program") is None
