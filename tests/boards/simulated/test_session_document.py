"""`docs/on_a_board.md`, executed: every command, and what it says, times and ports apart.

The board is the one of the other tests, whose build it shares: it is less patient, which nothing here shows. Ctrl-C
ends it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firelane.boards.simulated.build import build_board
from firelane.compiler.support.files import build_root
from tests.boards.simulated.test_board_sim import DESIGN, PATIENCE_CYCLES

REPOSITORY = Path(__file__).resolve().parents[3]
DOCUMENT = REPOSITORY / "docs" / "on_a_board.md"
PORT = re.compile(r"/dev/pts/\d+")
VARYING = ((PORT, "PORT"), (re.compile(r"transfer \d+ ms"), "transfer T"), (re.compile(r"in [\d.]+ s"), "in T"))


@dataclass
class Step:
    """A command and the lines that it prints."""

    command: str
    output: list[str] = field(default_factory=list)


def steps() -> list[Step]:
    found, inside = [], False
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside and line.startswith("$ "):
            found.append(Step(line[2:]))
        elif inside:
            found[-1].output.append(line)
    return found


def settled(lines: list[str]) -> list[str]:
    """Lines without what differs from run to run."""
    for pattern, name in VARYING:
        lines = [pattern.sub(name, line) for line in lines]
    return lines


@pytest.fixture
def folder(tmp_path):
    """Where a reader would be, with the simulators that are built already."""
    build_board(DESIGN)
    (tmp_path / "build").mkdir()
    (tmp_path / "models").symlink_to(REPOSITORY / "models")
    for kept in ("board-sim", "verilog"):
        (tmp_path / "build" / kept).symlink_to(build_root() / kept)
    return tmp_path


def test_the_session(folder):
    environment = {**os.environ, "COLUMNS": "200", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment.pop("FIRELANE_BUILD", None)
    options = {"cwd": folder, "env": environment, "text": True, "stdout": subprocess.PIPE}
    board, port, done = None, "", 0
    try:
        for step in steps():
            command = PORT.sub(port, step.command).split()
            if command[1] == "board-sim":
                board = subprocess.Popen([*command, "--patience", str(PATIENCE_CYCLES)], **options)
                said = [board.stdout.readline().rstrip() for _ in step.output]
                port = said[-1].removeprefix("port: ")
            else:
                finished = subprocess.run(command, stderr=subprocess.PIPE, check=False, **options)
                failing = step.output[:1] and step.output[0].startswith("error: ")
                assert finished.returncode == (2 if failing else 0), finished.stderr
                said = (finished.stderr if failing else finished.stdout).splitlines()
            if step.output:
                assert settled(said) == settled(step.output)
                done += 1
    finally:
        if board is not None:
            board.send_signal(signal.SIGINT)
            said, _ = board.communicate()
            assert board.returncode == 0 and re.fullmatch(r"ended; [1-9][\d,]* cycles in [\d.]+ s\n", said)
    assert done >= 5
