"""`firelane boards`: all boards are there, as JSON and as tables, with the reasons why not."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from firelane.boards import all_boards
from firelane.boards.report import published_fits
from firelane.boards.report.board_fit import Fit, fit_of
from firelane.boards.report.board_list import to_json, to_tables
from firelane.boards.report.end_to_end import FrameWork
from firelane.cli.main import main
from firelane.models.catalogue import CatalogueEntry

WORK = FrameWork(image_bytes=3000, result_bytes=10, cycles=1000)


def some_fits() -> list[Fit]:
    return [Fit(board.name, "net", "too large") if board.name == "ulx3s_12f" else fit_of(board, "net", WORK)
            for board in all_boards()]


def test_json():
    records = {record["name"]: record for record in json.loads(to_json(all_boards(), some_fits()))["boards"]}
    assert list(records) == [board.name for board in all_boards()]
    small, orange = records["ulx3s_12f"], records["orangecrab_85f"]
    assert small["short_of"].endswith(" LUT of 12,000") and orange["short_of"] is None
    assert small["models"] == [{"model": "net", "fits": False, "reason": "too large", "frame_cycles": None,
                                "frames_per_second": None, "end_to_end": None}]
    assert orange["models"][0]["frames_per_second"] == 108_000 and orange["multipliers"] == 112
    whole = orange["models"][0]["end_to_end"]
    assert 0 < whole["frames_per_second"] < 1000 / whole["line_ms"] < 40 and whole["limited_by"] == "the line"
    assert "M18" in orange["serial"] and orange["needs"]["ebr"] <= orange["device"]["ebr"]


def printed(width: int, fits: list[Fit]) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(to_tables(all_boards(), fits))
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_tables(width):
    lines = printed(width, some_fits())
    text = "\n".join(lines)
    assert all(len(line) <= width for line in lines) and lines[0].startswith("Frames a second")
    assert all(len(re.findall(rf"^{board.name} ", text, re.MULTILINE)) == 3 for board in all_boards())
    assert "/12,000" in text and "  a: too large" in text and "no: a" in text
    assert "Limited by the line" in text and re.search(r"^orangecrab_85f +\d\d\.\d/108,000\.0", text, re.MULTILINE)
    assert "DAT0" in text


def test_models_of_the_user_stay():
    """Where there is no room for all models, those that come with the project go first."""
    names = ("digits", "digits-bypass", "squeezenet1.0", "squeezenet1.1", "a/folder/with/a_net_of_my_own.onnx")
    fits = [Fit(board.name, name, frame_cycles=1000, clock_hz=75e6)
            for board in all_boards() for name in names]
    narrow, wide = (next(line for line in printed(width, fits) if line.startswith("board")) for width in (60, 120))
    assert "squeezenet1.0" in wide and "digits-bypass" in wide
    assert "digits-bypass" not in narrow and "a_net_" in narrow and ".onnx" in narrow and "folder" not in narrow


def test_the_command(capsys, monkeypatch):
    monkeypatch.setattr("firelane.boards.report.board_fit._work", lambda graph, cfg: WORK)
    half = published_fits._Figures(replace(WORK, cycles=500), {})
    monkeypatch.setattr(published_fits, "_figures", lambda path, engine: half)
    monkeypatch.setattr(published_fits, "find", lambda name, progress: CatalogueEntry(path=Path(name)))
    assert main(["boards", "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["boards"][-1]["models"]
    assert [model["model"] for model in models] == ["digits", "digits-bypass", "squeezenet1.0", "squeezenet1.1"]
    assert [model["frame_cycles"] for model in models] == [1000, 1000, 500, 500]


def test_a_model_that_is_not_there(capsys):
    assert main(["boards", "none.onnx"]) == 2
    assert "none.onnx" in capsys.readouterr().err
