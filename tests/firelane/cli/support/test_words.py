"""What a shell is offered to complete a word, by click's own machinery, and that it costs no heavy import."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from firelane.boards import all_boards
from firelane.cli.main import COMMANDS, firelane
from firelane.cli.support.words import BOARDS, MODELS
from firelane.models.catalogue import NAMES

HEAVY = {"numpy", "onnx", "amaranth", "firelane.boards", "firelane.models"}


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """What is offered behind some words, without files of the shell."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").touch()
    (tmp_path / "mine.toml").touch()
    (tmp_path / "notes.txt").touch()

    def complete(*words: str, begun: str = "", kind: str = "plain") -> list[str]:
        shell = ShellComplete(firelane, {}, "firelane", "_FIRELANE_COMPLETE")
        return [item.value for item in shell.get_completions(list(words), begun) if item.type == kind]
    return complete


def test_the_names_are_those_of_the_rooms():
    assert tuple(board.name for board in all_boards()) == BOARDS
    assert NAMES == MODELS


def test_commands(offered):
    assert offered() == list(COMMANDS)
    assert offered(begun="com") == ["compress", "compile"]


@pytest.mark.parametrize("words", [("compile",), ("estimate",), ("simulate",), ("quantize",), ("compress",),
                                   ("evaluate",), ("bitstream",), ("program",), ("vivado-project",), ("boards",),
                                   ("board-sim",), ("boards", "digits"), ("validate", "build/net"),
                                   ("compile", "--banks", "4")])
def test_models(offered, words):
    assert offered(*words) == [*MODELS, "net.onnx"]
    assert offered(*words, begun="squeezenet1.1") == ["squeezenet1.1"]
    assert offered(*words, begun="build/", kind="file") == ["build/"] and offered(*words, begun="build/") == []


@pytest.mark.parametrize("name", ["compile", "estimate", "simulate", "compress", "bitstream", "program",
                                  "vivado-project", "board-sim"])
def test_boards(offered, name):
    assert offered(name, "--board") == [*BOARDS, "mine.toml"]
    assert offered(name, "digits", "--board", begun="ulx3s_8") == ["ulx3s_85f"]


def test_a_board_to_begin_with(offered):
    assert offered("new-board", "mine", "--from") == list(BOARDS)


def test_ports_and_folders(offered):
    assert offered("run", "a.png", "--port", begun="a") == ["auto"] == offered("devices", "--port", begun="au")
    assert offered("evaluate", "digits", "--images", begun="p", kind="dir") == ["p"]


@pytest.mark.parametrize("shell, words, number, expected", [
    ("bash", "firelane compile squeezenet1.1", 2, "plain,squeezenet1.1"),
    ("fish", "firelane boar", "boar", "plain,boards\tList the boards, and which models fit."),
    ("zsh", "firelane compile digits --board ulx3s_8", 4, "plain\nulx3s_85f\n_")])
def test_as_shells_ask(tmp_path, shell, words, number, expected):
    """A process of its own, as the scripts of the shells start it: what it prints, and that it imported little."""
    code = ("import atexit, sys\nfrom firelane.__main__ import main\n"
            f"atexit.register(lambda: print(*(set(sys.modules) & {HEAVY}), file=sys.stderr))\nmain()")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                          check=False, env=os.environ | {"_FIRELANE_COMPLETE": f"{shell}_complete",
                                                         "COMP_WORDS": words, "COMP_CWORD": str(number)})
    assert expected in done.stdout, done.stderr
    assert done.stderr.strip() == ""
