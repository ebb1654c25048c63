"""`firelane board-sim`: what it refuses, and how a build that fails is told."""

from __future__ import annotations

import pytest

from firelane.boards.host.port import SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.simulated import build, model_board
from firelane.boards.simulated.build import Design, build_board
from firelane.boards.simulated.running import RunningBoard
from firelane.cli.main import main
from firelane.compiler.artefact.reader import models_with
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.simulator.verilator import SimulatorError
from tests.boards.host.digits import compiled_folder
from tests.boards.simulated.test_board_sim import BAUD, DESIGN


@pytest.fixture
def empty_build(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    return tmp_path


def test_refusals(empty_build, capsys):
    folder = str(compiled_folder("digits", empty_build / "digits"))
    for arguments, text in (
            (["nothing"], "error: nothing: there is no such folder, file or network; give what `firelane co"),
            ([str(empty_build)], f"error: {empty_build}: is no compiled model (manifest.json: No such file"),
            ([folder, "--scale", "2"], f"error: --scale: {folder} is compiled already; give it to `firelane compile`"),
            ([folder, "--board", "ice40"], "error: --board: unknown board 'ice40'"),
            ([folder, "--board", "ulx3s_25f"], "was compiled for another engine (weight_words 6144, there 10240; ")):
        assert main(["board-sim", *arguments]) == 2
        assert text in capsys.readouterr().err


def test_what_is_compiled_for_it_takes_the_place_of_nothing(empty_build, monkeypatch):
    """`firelane compile digits` writes to build/digits_squeezenet, for a board that has another engine."""
    manifest = compiled_folder("digits", empty_build / "build" / "digits_squeezenet") / "manifest.json"
    before = manifest.read_bytes()
    monkeypatch.setattr(model_board, "build_board",
                        lambda design, **options: build.SimulatedBoard(design, empty_build, []))
    model = model_board.build_model_board("digits").model
    assert model.folder == empty_build / "build" / "simulated" / "digits_squeezenet" and manifest.read_bytes() == before
    assert model.folder in {found.folder for found in models_with(model.digest)}


def test_pictures_in_a_folder_do_not_hide_the_network_of_its_name(empty_build, monkeypatch):
    """`python -m firelane.models.digit_images digits` makes such a folder, and the next command may be this one."""
    monkeypatch.chdir(empty_build)
    (empty_build / "digits").mkdir()
    assert not model_board.is_compiled("digits") and model_board.is_compiled(str(empty_build / "digits"))
    compiled_folder("digits", empty_build / "digits")
    assert model_board.is_compiled("digits")


def test_a_build_that_fails_is_told_in_a_line(empty_build, monkeypatch):
    def broken(design: Design, scratch):
        return "module firelane_board(; endmodule", []

    monkeypatch.setattr(build, "_verilog_text", broken)
    with pytest.raises(SimulatorError, match=r"build\.log: Verilator or g\+\+ failed: %Error.*engine\.v:1") as failed:
        build_board(DESIGN)
    assert "\n" not in str(failed.value) and not list(empty_build.glob("build/board-sim/*/built.json"))


def test_a_board_that_ends_by_itself_is_told(tmp_path):
    program = tmp_path / "board"
    program.write_text("#!/bin/sh\necho no licence\n")
    program.chmod(0o755)
    with RunningBoard(build.SimulatedBoard(DESIGN, program, [])) as running:
        for wait in (running.wait, lambda: running.let_pass(1000)):
            with pytest.raises(SimulatorError, match="^the simulated board: ended: no licence$"):
                wait()
        with pytest.raises(FirelaneError, match="the port is gone|cannot be opened|there is no"):
            RemoteBoard(SerialPort(running.port, BAUD))
