"""sim.benchmark.provenance: where and when."""

from __future__ import annotations

import re
import subprocess

from firelane.sim.benchmark import provenance


def test_of_this_machine_and_tree():
    made = provenance.provenance()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made.day)
    assert re.match(r"\d+ cores of \S", made.machine)
    assert re.fullmatch(r"[0-9a-f]{12}\+?|unknown", made.commit)


def test_an_export_without_history(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "HERE", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.provenance().commit == provenance.UNKNOWN


def test_an_installed_package_in_a_foreign_repository(monkeypatch, tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "theirs"]):
        subprocess.run([*git, *command], check=True)
    (tmp_path / "provenance.py").touch()
    monkeypatch.setattr(provenance, "HERE", tmp_path)
    assert provenance.provenance().commit == provenance.UNKNOWN


def test_a_machine_that_does_not_name_its_processor(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "CPU_FILE", tmp_path / "none")
    assert re.match(r"\d+ cores of \S", provenance.machine())
