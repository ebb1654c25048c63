"""Spellings of former versions are answered with the line as it is written today, and that line is understood."""

from __future__ import annotations

import shlex

import click
import pytest

from firelane.cli.main import firelane, main
from firelane.cli.support.former import FORMER

LINES = [
    ("bitstream --board ulx3s_85f --model net.onnx", "--model: it is now the argument MODEL",
     "bitstream net.onnx --board ulx3s_85f"),
    ("boards --model a.onnx", "--model: it is now the argument MODEL", "boards a.onnx"),
    ("program --model=a.onnx --board x", "--model: it is now the argument MODEL", "program a.onnx --board x"),
    ("simulate --model 'my net.onnx' --limit 3", "--model: it is now the argument MODEL",
     "simulate 'my net.onnx' --limit 3"),
    *((f"{command} --model a.onnx", "--model: it is now the argument MODEL", f"{command} a.onnx")
      for command in ("board-sim", "build", "compile", "compress", "demo", "estimate", "evaluate", "quantize",
                      "vivado-project")),
    ("simulate --model", "--model: it is now the argument MODEL", "simulate VALUE"),
    ("compress f.onnx --calib c --images 8 --budget 9 -o q", "--images: it is now --limit",
     "compress f.onnx --calib c --limit 8 --budget 9 -o q"),
    ("compress f.onnx --calib c --sweep out", "--sweep: its folder is now named with -o",
     "compress f.onnx --calib c --sweep -o out"),
    ("quantize f.onnx --calib c --images=8 -o q", "--images: it is now --limit",
     "quantize f.onnx --calib c --limit 8 -o q"),
    ("evaluate q.onnx --images d --json r.json", "--json: its file is now named with -o",
     "evaluate q.onnx --images d -o r.json"),
    ("evaluate q.onnx --images d --json=r.json", "--json: its file is now named with -o",
     "evaluate q.onnx --images d -o r.json"),
    ("run a.png --port p --model build/net", "--model: it is now --compiled",
     "run a.png --port p --compiled build/net"),
    ("validate build/net --model digits --port p", "--model: it is now the argument MODEL, behind DIR",
     "validate build/net --port p digits"),
]


@pytest.mark.parametrize("typed, found, written", LINES)
def test_the_line_of_today(typed, found, written, capsys):
    assert main(shlex.split(typed)) == 2
    assert capsys.readouterr().err == f"error: {found}; firelane {written}\n"
    name, *words = shlex.split(written)
    firelane.get_command(click.Context(firelane), name).make_context(name, words, resilient_parsing=True)


def test_every_former_spelling_is_tried():
    tried = {(words[0], option) for words in (shlex.split(typed) for typed, *_ in LINES)
             for option in FORMER[words[0]] if any(word.startswith(option) for word in words)}
    assert tried == {(command, option) for command, options in FORMER.items() for option in options}


def test_a_count_is_no_folder(capsys):
    assert main(["simulate", "--images", "20"]) == 2
    assert capsys.readouterr().err == ("error: --images: 20 is a count, and a folder of pictures is wanted; --limit "
                                       "20\n")


def test_what_is_still_there_is_not_complained_of(capsys):
    assert main(["evaluate", "q.onnx", "--json"]) == 2
    assert capsys.readouterr().err == "error: --images: it is missing; see `firelane evaluate --help`\n"
