"""Names and paths of the user's are printed as they are: [brackets] and :names: in them are no markup."""

from __future__ import annotations

import io

import numpy as np
import onnx
import pytest
from rich.console import Console

from firelane.cli.main import main
from firelane.models.made_images import made_images
from firelane.sim.judge.layer_cycles import LayerCycles
from firelane.sim.judge.report import SimulationReport, print_report
from tests.compiler.small_networks import SIDE
from tests.float_models import small_squeezenet

NAMES = {"conv1": "[/a]", "fire2/expand3x3": "[red]x", "conv10": ":joy: [b]c[/b]"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images, and a float network of such names in a file of such a name."""
    folder = tmp_path_factory.mktemp("plain")
    model = small_squeezenet(SIDE, fires=1)
    for node in model.graph.node:
        node.name = NAMES.get(node.name, node.name)
    onnx.save(model, folder / "[red]f.onnx")
    np.save(folder / "images.npy", made_images(4, (3, SIDE, SIDE), seed=0))
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs a command beside the files; gives what it printed."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str) -> str:
        assert main(arguments) == 0, capsys.readouterr().err
        return capsys.readouterr().out
    return command


def test_through_the_commands(run):
    record = ("--channels", "RGB", "--mean", "0", "--scale", "1")
    quantized = run("quantize", "[red]f.onnx", "--calib", "images.npy", "-o", "[bold]q.onnx", *record)
    assert quantized.endswith("written: [bold]q.onnx\n")
    compiled = run("compile", "[bold]q.onnx", "-o", "[/b]")
    assert compiled.endswith("written: [/b]\n")
    estimated = run("estimate", "[bold]q.onnx", "--board", "ulx3s_85f")
    assert "[bold]q.onnx: 3 x 33 x 33 pixels" in estimated
    for said in (compiled, estimated):
        assert all(name in said for name in NAMES.values())


def test_tables_of_simulate():
    layers = [LayerCycles(name=name, kind="conv", instructions=1, tiles=1, convolution=True, taps=1, ideal=1,
                          predicted=1, measured=1, macs=1) for name in NAMES.values()]
    console = Console(width=160, record=True, file=io.StringIO())
    print_report(console, SimulationReport(
        model="[/m]", engine="[bold]e", lanes=1, layers=layers, frame_cycles=3, predicted_frame_cycles=3, input_bytes=1,
        input_wait=0, output_bytes=1, output_cycles=1, frames=1, values=1, correct=None, guesses=(),
        simulated_cycles=3, seconds=1.0, build_seconds=1.0))
    said = console.export_text()
    assert "[/m] on [bold]e: cycles of one frame" in said and all(name in said for name in NAMES.values())
