"""`firelane devices` as a person and as a program sees it."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from firelane.boards.host import device_list
from firelane.boards.host.device_list import NOTHING, devices_to_json, devices_to_table, model_names
from firelane.boards.host.discovery import Device, Status
from firelane.compiler.artefact.reader import read_model
from tests.boards.host.digits import compiled_folder
from tests.boards.host.fake_board import ENGINE, IDENTITY

BOARD = Device("/dev/ttyUSB0", "FT231X", Status.BOARD, 3_000_000, IDENTITY, ENGINE.digest, 0xBAC535BC)
EMPTY = Device("/dev/ttyUSB1", "", Status.BOARD, 1_000_000, IDENTITY, ENGINE.digest, 0)
CLOSED = Device("/dev/ttyS0", "a [port]", Status.CLOSED, problem="may not be opened by you")


def printed(*devices: Device, names: dict[int, str] | None = None, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as said:
        console.print(devices_to_table(devices, names or {}))
    return said.get()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table(width):
    text = printed(BOARD, CLOSED, EMPTY, names={0xBAC535BC: "digits"}, width=width)
    assert all(len(line) <= width for line in text.splitlines())
    assert [line.split() for line in text.splitlines() if line.startswith("/dev/ttyUSB")] == [
        ["/dev/ttyUSB0", "fake", "1", "1", "digits,", "bac535bc"], ["/dev/ttyUSB1", "fake", "1", "1", "none"]]
    assert text.splitlines()[-1] == "/dev/ttyS0: may not be opened by you (a [port])"


def test_a_model_from_elsewhere_and_machines_without_boards():
    assert "not compiled here, bac535bc" in printed(BOARD)
    assert printed(CLOSED).splitlines()[0] == "no board was found"
    assert " ".join(printed().split()) == f"no board was found {NOTHING}"


def test_json():
    board, empty, closed = json.loads(devices_to_json([BOARD, EMPTY, CLOSED], {0xBAC535BC: "digits"}))["ports"]
    assert board["status"] == "board" and board["engine"]["banks"] == 1 and board["clock_hz"] == 1_000_000
    assert (board["board"], board["baud"], board["model"], board["model_digest"]) == ("fake", 3_000_000, "digits",
                                                                                      "bac535bc")
    assert board["engine_digest"] == f"{ENGINE.digest:08x}" and board["problem"] is None
    assert empty["model"] is None and empty["model_digest"] is None and empty["about"] is None
    assert closed == {"port": "/dev/ttyS0", "about": "a [port]", "status": "closed",
                      "problem": "may not be opened by you"}


def test_models_are_named_if_they_were_compiled_here(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    model = read_model(compiled_folder("digits", tmp_path / "mine"))
    boards = [Device("a", "", Status.BOARD, model_digest=digest) for digest in (model.digest, 0, 0x99)]
    assert model_names([*boards, boards[0]]) == {model.digest: model.graph.name}
    looked = []
    monkeypatch.setattr(device_list, "models_with", lambda digest: looked.append(digest) or [])
    assert model_names(boards[1:2]) == {} and looked == []
