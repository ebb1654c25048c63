"""`firelane bitstream`: what it asks of the build, and what it says afterwards."""

import json
import re

import pytest

from firelane.boards.camera.record import CAMERA_FILE
from firelane.boards.contents.memory_key import key_contents
from firelane.boards.flow.bitstream import Build
from firelane.boards.report.build_record import Digests
from firelane.boards.report.build_report import BuildReport, Step
from firelane.cli.main import main
from firelane.compiler.compile import compile_model
from firelane.models.catalogue import EMBEDDED
from tests.json_schemas import check


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The arguments of the last call of `build_bitstream`, which builds nothing."""
    calls = {}

    def build(board, top, contents, model, folder, *, seeds, say, progress):
        assert top == "the design"
        calls.update(board=board, contents=contents, model=model, folder=folder, seeds=list(seeds))
        report = BuildReport({"LUT": (20_000, 24_288)}, 81e6, 75e6, (Step("routing", 12.3, "a", "b"),))
        return Build(folder, folder / "top.bit", Digests("d" * 64, "b" * 64), 5, report, {"yosys": "pyosys 0"})

    def design(board, contents, plan=None):
        assert contents == key_contents(board.engine), "place and route must not see the model"
        return "the design"

    monkeypatch.setattr("firelane.boards.flow.model_build.build_bitstream", build)
    monkeypatch.setattr("firelane.boards.flow.model_build.board_design", design)
    monkeypatch.setattr("firelane.boards.flow.model_build.camera_design", design)
    return calls


def test_everything_is_said(asked, tmp_path, capsys):
    assert main(["bitstream", "--board", "ulx3s_25f", "--seed", "5", "--seeds", "3", "-o", str(tmp_path / "b")]) == 0
    said = capsys.readouterr().out
    cycles, digest = asked["model"].frame_cycles, asked["model"].program_digest
    assert asked["seeds"] == [5, 6, 7] and asked["folder"] == tmp_path / "b"
    assert f"{75e6 / cycles:.1f} frames/s of the engine: 75 MHz, {cycles:,} cycles a frame" in said
    assert re.search(r"\d+\.\d frames/s end to end: 3,000,000 baud, limited by the line", said)
    assert "limited by 12.3 ns, 12.3 ns of it on wires, from a to b" in said
    assert re.search(rf"engine {asked['board'].engine.digest:08x}, program {digest:08x}, seed 5, \d+ s", said)
    assert "pyosys 0" in said and f"sha256: {'b' * 64}" in said and "82%" in said


def test_the_model_is_the_compilers(asked, tmp_path):
    assert main(["bitstream", "--board", "ulx3s_85f", "--banks", "2", "--clock", "60", "-o", str(tmp_path / "b")]) == 0
    board = asked["board"]
    compiled = compile_model(EMBEDDED["digits"], board.engine)
    assert board.engine.banks == 2 and board.clock_hz == 60e6 and asked["seeds"] == [board.seed]
    assert asked["contents"] == compiled.program.contents
    assert asked["model"].program_digest == compiled.program.contents.program_digest


def test_a_camera_takes_the_place_of_the_line(asked, tmp_path, capsys):
    """Its rate is in the result and in build.json's fields; of the host link, which is not there, nothing is said."""
    call = ["bitstream", "--board", "ulx3s_25f", "--camera", "ov7670", "-o"]
    assert main([*call, str(tmp_path / "b")]) == 0
    said = capsys.readouterr().out
    assert "23.4 pictures/s, each of them answered; limited by the camera" in said and "end to end" not in said
    made = json.loads((tmp_path / "b" / CAMERA_FILE).read_text())
    assert made["camera"] == "ov7670" and made["classes"] == 10
    assert main([*call, str(tmp_path / "c"), "--json"]) == 0
    document = check("bitstream", json.loads(capsys.readouterr().out))
    assert document["end_to_end"] is None
    assert document["camera"] == {"name": "ov7670", "frames_per_second": 23.45, "limited_by": "the camera",
                                  "camera_mhz": 18.75, "divider": 1, "dummy_lines": 0}
