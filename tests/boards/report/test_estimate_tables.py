"""What `firelane estimate` prints, in terminals of 60, 80 and 120 columns: the answer first, nothing too wide."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from firelane.boards import all_boards, get_board
from firelane.boards.camera.planning import CameraRate
from firelane.boards.report.board_estimate import NO_BOARD, Shortage, estimate_boards
from firelane.boards.report.estimate_tables import answer, cameras_in_words, nearest, render
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import ModelError
from firelane.models.catalogue import EMBEDDED

PROBLEMS = (ModelError("norm (LayerNormalization)", "the engine has no such operator", hint="there are Add, Clip"),
            ModelError("pool1 (MaxPool)", "stride [2, 3]", hint="strides are 1, 2, 4, 8, ..."))


@pytest.fixture(scope="module")
def boards():
    """The digits on all boards, and on one that has too little of everything."""
    small = replace(get_board("ulx3s_85f"), name="small",
                    engine=replace(get_board("ulx3s_85f").engine, weight_words=3000, activation_words=64))
    graph = load_graph(EMBEDDED["digits"])
    return estimate_boards([*all_boards(), small], graph, "a/path/net.onnx", lambda _: (40, 40))


def printed(width: int, *arguments) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(render(*arguments))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_is_readable(boards, width):
    lines = printed(width, boards, (), "net.onnx: 12 weights")
    assert all(len(line) <= width for line in lines)
    said = " ".join(" ".join(lines[:3]).split())
    assert said.startswith("fits ecpix5_85f at 51.3 frames/s end to end (limited by the line; the engine alone: "
                           "3,623.7), and ")
    text = "\n".join(lines)
    for board in boards:
        [row] = [line for line in lines if line.startswith(f"{board.board} ") and "fits " not in line[:5]][:1]
        assert f"{board.frames_per_second:,.1f}" in row
    assert lines.index("What would help") < next(n for n, line in enumerate(lines) if line.startswith("Layers on"))
    assert "fire6/expand3x3" in text and "--budget 13500" in " ".join(text.split())


def test_columns_are_dropped_from_the_right(boards):
    heads = {width: next(line for line in printed(width, boards, (), "net") if line.startswith("board")).split()
             for width in (60, 80, 120)}
    assert heads[60] == ["board", "frames/s", "verdict"]
    assert heads[80][:4] == ["board", "frames/s", "verdict", "cycles"] and heads[120][-1] == "program"


def test_brackets_are_explained_by_what_would_help(boards):
    """Weights can be compressed, LUTs cannot, and nothing helps where no board computes it."""
    small, twelve = [next(one for one in boards if one.board == name) for name in ("small", "ulx3s_12f")]
    largest = replace(small, shortages=(Shortage(NO_BOARD, "no board has it"),))
    for board, note in ((small, "if there were room. What compress makes smaller is faster, too."),
                        (twelve, "if there were room."), (largest, "if there were such a board.")):
        assert f"(In brackets: {note})" in printed(120, [board], (), "net")


def test_answers(boards):
    held, small, twelve = [next(one for one in boards if one.board == name)
                           for name in ("ulx3s_25f", "small", "ulx3s_12f")]
    assert answer([held], ()) == ("fits ulx3s_25f at 48.4 frames/s end"
                                  " to end (limited by the line; the engine alone: 698.9)")
    assert answer([small], ()).startswith("does not fit small: weights ")
    assert answer([small, twelve], ()).startswith("no board holds it; nearest is small: weights ")
    assert answer([twelve], ()).startswith("does not fit ulx3s_12f: needs ")
    assert answer((), PROBLEMS) == "not as it is: 2 things to change in the network"
    assert answer((), PROBLEMS[:1]) == "not as it is: 1 thing to change in the network"
    assert nearest(()) is None and nearest(boards).board == "ecpix5_85f"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_problems(width):
    lines = printed(width, (), PROBLEMS, "net.onnx")
    text = " ".join(" ".join(lines).split())
    assert all(len(line) <= width for line in lines) and lines[0] == "not as it is: 2 things to change in the network"
    assert "in PyTorch: nn.BatchNorm2d" in text and "there are Add" not in text
    assert "pool1 (MaxPool): stride [2, 3] strides are 1, 2, 4, 8" in text


def test_a_camera_is_told_of(boards):
    """What all share is said once."""
    rate = CameraRate(clock_divider=4, divider=1, dummy_lines=0, frame_cycles=3_000_000, engine_cycles=9,
                      queue_bytes=56, clock_hz=75e6, limit="the camera")
    cameras = [replace(board, camera=rate if board.board.startswith("ulx3s") else None,
                       camera_problem="" if board.board.startswith("ulx3s") else "no pins") for board in boards]
    cameras[3] = replace(cameras[3], camera=replace(rate, limit="the engine"))
    assert list(cameras_in_words(cameras)) == [
        "Pictures/s of the camera, each answered: ulx3s_12f (25.0), ulx3s_25f 25.0, ulx3s_45f 25.0, ulx3s_85f 25.0. "
        "Limited by the camera; by the engine: ulx3s_85f.",
        "No camera at ecpix5_85f, orangecrab_85f, butterstick_85f, icepi_zero, arty_a7_100, small: no pins."]
    assert list(cameras_in_words(boards)) == []
    lines = printed(120, cameras, (), "net")
    assert any(line.startswith("Pictures/s of the camera") for line in lines)
