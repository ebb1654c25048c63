"""`firelane boards`: all boards are there, as JSON and as tables, with the reasons why not."""

import io
import json

from rich.console import Console

from firelane.boards import all_boards
from firelane.boards.report.board_fit import Fit
from firelane.boards.report.board_list import to_json, to_tables
from firelane.cli.main import main


def some_fits() -> list[Fit]:
    return [Fit(board.name, "net", *(("too large",) if board.name == "ulx3s_12f" else ("", 1000, 75_000.0)))
            for board in all_boards()]


def test_json():
    records = {record["name"]: record for record in json.loads(to_json(all_boards(), some_fits()))}
    assert list(records) == [board.name for board in all_boards()]
    small, orange = records["ulx3s_12f"], records["orangecrab_85f"]
    assert small["short_of"].endswith(" LUT of 12000") and orange["short_of"] is None
    assert small["models"] == [{"model": "net", "fits": False, "reason": "too large", "frame_cycles": None,
                                "frames_per_second": None}]
    assert orange["models"][0]["frames_per_second"] == 75_000 and orange["multipliers"] == 112
    assert "M18" in orange["serial"] and orange["needs"]["ebr"] <= orange["device"]["ebr"]


def test_tables():
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(to_tables(all_boards(), some_fits()))
    text = console.export_text()
    assert all(text.count(board.name) == 3 for board in all_boards())
    assert "/12000" in text and "too large" in text and "DAT0 (C12)" in text


def test_the_command(capsys, monkeypatch):
    monkeypatch.setattr("firelane.boards.report.board_fit._cycles", lambda graph, cfg: 1000)
    assert main(["boards", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [model["model"] for model in records[-1]["models"]] == ["digits", "digits-bypass"]


def test_a_model_that_is_not_there(capsys):
    assert main(["boards", "--model", "none.onnx"]) == 2
    assert "none.onnx" in capsys.readouterr().err
