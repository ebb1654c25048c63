"""Every table that a command prints: whole in a pipe, readable at 80 columns, usable at 60.

No line is wider than the terminal, the columns that matter are there, no figure is cut or wrapped, and what is a name
keeps both ends. In a pipe nothing is cut, left out or wrapped.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

import firelane
from firelane.boards import all_boards, get_board
from firelane.boards.doctor.item import Item, Purpose
from firelane.boards.doctor.report import items_to_table
from firelane.boards.flow.vivado_project import VivadoProject
from firelane.boards.flow.vivado_project import table as vivado_table
from firelane.boards.host.device_list import devices_to_table
from firelane.boards.host.discovery import Device, Status
from firelane.boards.report.board_fit import Fit
from firelane.boards.report.board_list import to_tables
from firelane.boards.report.build_report import BuildReport, Step
from firelane.boards.report.build_report import table as build_table
from firelane.boards.top.identity import Identity
from firelane.cli.support.terminal import LOG_COLUMNS
from firelane.compiler.fit.report import render
from firelane.sim.evaluate.report import print_evaluation
from firelane.sim.evaluate.result import Evaluation, LayerNoise, Score
from firelane.sim.judge.layer_cycles import LayerCycles
from firelane.sim.judge.report import SimulationReport, print_report

WIDTHS = (60, 80, 120)
LONG = "features.10.a_block/with/a_very_long_path/expand3x3/Conv"
FIGURE = re.compile(r"(?<!\S)[+-]?\d[\d,.]*%?(?!\S)")
CODE = "import sys; from firelane.__main__ import main; sys.exit(main())"


@dataclass(frozen=True)
class Case:
    """A table: how it is printed, and headings that are there at 60 and at 80 columns."""

    show: Callable[[Console], None]
    always: tuple[str, ...] = ()
    at_80: tuple[str, ...] = ()
    rows: int = 0           #: lines that begin with a long name


def printing(make: Callable[[], RenderableType]) -> Callable[[Console], None]:
    return lambda console: console.print(make())


@cache
def compiled() -> RenderableType:
    report = firelane.compile("digits", "ulx3s_25f", check=False).report
    return render(replace(report, layers=tuple(replace(line, name=f"{LONG}{number}")
                                               for number, line in enumerate(report.layers))))


@cache
def estimated() -> RenderableType:
    return firelane.estimate("digits", "ulx3s_12f", "ulx3s_25f", "ulx3s_85f")


def boards() -> RenderableType:
    names = ("digits", "digits-bypass", "squeezenet1.0", "squeezenet1.1", "a/folder/with/a_net_of_my_own.onnx")
    return to_tables(all_boards(), [
        Fit(board.name, name, frame_cycles=1000, clock_hz=75e6) if board.name != "ulx3s_12f" else
        Fit(board.name, name, reason="weights of 12,345,678 words; it holds 3,000") for board in all_boards()
        for name in names])


def devices() -> RenderableType:
    identity = Identity(board="ulx3s_85f", clock_hz=75_000_000, engine=get_board("ulx3s_85f").engine)
    return devices_to_table([
        Device("/dev/serial/by-id/usb-FTDI_ULX3S_FPGA_85K_v3.0.8_K00123-if00-port0", "ULX3S", Status.BOARD, 3_000_000,
               identity, 1, 2), Device("/dev/ttyS0", "", Status.CLOSED, problem="may not be opened by you")], {2: LONG})


def doctor() -> RenderableType:
    return items_to_table([
        Item("zlib, lz4 headers", Purpose.WAVES, False, "not there: waveforms become VCD, larger",
             "Debian: apt install zlib1g-dev liblz4-dev"),
        Item("libpython", Purpose.SIM, True, "/root/.pyenv/versions/3.11.7/lib/libpython3.11.so.1.0")])


def evaluated(console: Console) -> None:
    score = Score(run="reference", top1=0.6532, top5=0.8601, agreement=0.9123, divergence=0.01234, tied=1, lost=2_345,
                  gained=1_234)
    print_evaluation(console, Evaluation(
        network="net", images=50_000, float_graph="f.onnx", scores=(score, replace(score, run="onnxruntime")),
        layers=(LayerNoise(node=f"{LONG}0", tensor="t", original=f"{LONG}/output", snr_db=31.42),)))


def expected(console: Console) -> None:
    score = Score(run="reference", top1=None, top5=None, agreement=0.9123, divergence=0.01234, tied=1, lost=None,
                  gained=None, expected_loss=0.0125, loss_error=0.003)
    print_evaluation(console, Evaluation(network="net", images=50, float_graph="f.onnx", scores=(score,), layers=()))


def simulated(console: Console) -> None:
    layer = LayerCycles(name=f"{LONG}0", kind="TILE", instructions=1_234, tiles=1, convolution=True, taps=1_234_567,
                        ideal=12_345_678, predicted=12_345_999, measured=12_346_000, macs=123_456_789)
    print_report(console, SimulationReport(
        model="squeezenet1.0", engine="16 banks", lanes=864, layers=[layer], frame_cycles=12_346_000,
        predicted_frame_cycles=12_345_999, input_bytes=154_587, input_wait=1_234, output_bytes=1_000, output_cycles=999,
        frames=20, values=20_000, correct=19, guesses=(), simulated_cycles=246_920_000, seconds=123.4,
        build_seconds=56.7))


def built() -> RenderableType:
    return build_table(BuildReport({"LUT": (61_234, 83_640), "EBR": (200, 208)}, 81e6, 75e6,
                                   (Step("routing", 12.3, "a", "b"),)), title=f"{LONG} on Radiona ULX3S, LFE5U-85F")


def vivado() -> RenderableType:
    board = get_board("arty_a7_100")
    return vivado_table(VivadoProject(Path("x"), {"LUT": 63_500, "RAMB18": 254}), board, title=f"{LONG} on an Arty")


CASES = {
    "compile": Case(printing(compiled), ("layer", "cycles", "needed", "there are", "bytes"), ("share", "density"), 15),
    "estimate": Case(printing(estimated), ("board", "frames/s", "verdict", "layer", "cycles"), ("density",)),
    "boards": Case(printing(boards), ("board", "a_net_", "weights", "MHz", "reached by"), ("device", "LUT")),
    "devices": Case(printing(devices), ("port", "board", "model"), ("MHz",)),
    "doctor": Case(printing(doctor), ("optional", "zlib, lz4 headers", "libpython")),
    "evaluate": Case(evaluated, ("run", "top-1, %", "like float, %", "layer", "signal to noise, dB"), ("top-5, %",), 1),
    "evaluate without labels": Case(expected, ("run", "like float, %", "expected loss, points"), ("KL, nats",)),
    "simulate": Case(simulated, ("results", "layer", "measured", "error"), ("predicted", "share"), 1),
    "bitstream": Case(printing(built), ("used", "of", "share", "Fmax (MHz)")),
    "vivado-project": Case(printing(vivado), ("used", "of", "share")),
}


def printed(case: Case, width: int) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    case.show(console)
    return console.export_text().splitlines()


def figures(lines: list[str]) -> set[str]:
    return {found for line in lines for found in FIGURE.findall(line)}


each = pytest.mark.parametrize("name", CASES)


@each
@pytest.mark.parametrize("width", WIDTHS)
def test_a_terminal(name, width):
    case, lines = CASES[name], printed(CASES[name], width)
    text, whole = "\n".join(lines), printed(case, LOG_COLUMNS)
    assert max(map(len, lines)) <= width
    assert [word for word in (*case.always, *(case.at_80 if width >= 80 else ())) if word not in text] == []
    assert (figures(lines) <= figures(whole) and figures(lines))  or name == "doctor"
    assert sum(line.startswith(LONG[:4]) for line in lines) >= case.rows


@each
@pytest.mark.parametrize("width", [*WIDTHS, LOG_COLUMNS])
def test_no_line_ends_with_blanks(name, width):
    assert [line for line in printed(CASES[name], width) if line != line.rstrip()] == []


@each
def test_a_pipe(name):
    case, lines = CASES[name], printed(CASES[name], LOG_COLUMNS)
    text = "\n".join(lines)
    assert "…" not in text.replace("a_net_of_…own.onnx", "")
    assert [word for word in (*case.always, *case.at_80) if word not in text] == []
    if case.rows:
        assert sum(f"{LONG}0 " in line or f"{LONG}1 " in line for line in lines) >= min(case.rows, 2)


def test_the_answer_is_first():
    assert printed(CASES["compile"], 80)[0].startswith("fits: ") and "frames/s at" in printed(CASES["compile"], 80)[0]
    assert printed(CASES["estimate"], 80)[0].startswith("fits ulx3s_85f at ")
    assert printed(CASES["simulate"], 80)[0].startswith("results")
    assert printed(CASES["boards"], 80)[0] == "Frames a second end to end/of the engine alone, or why not"


def test_both_squeezenets_at_60_columns():
    """Whether they fit is what the table is for; their reasons stand below it in any case."""
    def show(console: Console) -> None:
        console.print(to_tables(all_boards(), [
            Fit(board.name, name, frame_cycles=10, clock_hz=100e6) if name.startswith("digits") else
            Fit(board.name, name, reason=f"weights of {name}") for board in all_boards()
            for name in ("digits", "digits-bypass", "squeezenet1.0", "squeezenet1.1")]))
    heading = printed(Case(show, ()), 60)[1]
    assert heading.split() == ["board", "digits", "squeezenet1.0", "squeezenet1.1"]


def in_terminal(columns: int, *words: str) -> list[str]:
    """What a command prints in a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = subprocess.Popen([sys.executable, "-c", CODE, *words], stdout=theirs, stderr=theirs, stdin=theirs,
                               env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    found = b""
    try:
        while piece := os.read(ours, 1 << 16):
            found += piece
    except OSError:                     # Linux says so when the other end is closed
        pass
    finally:
        os.close(ours)
        command.wait()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", found.decode()).replace("\r", "").splitlines()


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_command_in_a_terminal(columns):
    lines = in_terminal(columns, "doctor")
    assert any("libpython" in line for line in lines) and max(map(len, lines)) <= columns
    assert max(map(len, lines)) > columns - 20


def test_a_command_in_a_pipe():
    done = subprocess.run([sys.executable, "-c", CODE, "doctor"], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert all(line.split()[0] in ("ok", "missing", "optional") for line in lines)
