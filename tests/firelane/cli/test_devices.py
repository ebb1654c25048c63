"""`firelane devices`, and `--port auto` in the commands that take a port."""

from __future__ import annotations

import json

import pytest

from firelane.boards.host import discovery
from firelane.boards.host.discovery import SIMULATED, SerialLine
from firelane.boards.top.identity import Identity
from firelane.cli.main import main
from firelane.compiler.artefact.reader import read_model
from tests.boards.host.digits import CFG, compiled_folder, image_file
from tests.boards.host.fake_board import IDENTITY, FakeBoard, on_terminal


@pytest.fixture
def ports(monkeypatch):
    """The ports of the machine, to be filled."""
    found: list[str] = []
    monkeypatch.setattr(discovery, "serial_lines", lambda: [SerialLine(port, SIMULATED) for port in found])
    return found


def test_boards_are_listed(ports, capsys):
    with on_terminal(FakeBoard(digest=7).answers) as path:
        ports += [path, "/no/such/port"]
        assert main(["devices"]) == 0
        text = capsys.readouterr().out
        assert f"{path} " in text and "not compiled here, 00000007" in text
        assert text.splitlines()[-1].startswith("/no/such/port: there is no /no/such/port (")
        assert main(["devices", "--json", "--port", path]) == 0
        record, = json.loads(capsys.readouterr().out)["ports"]
        assert (record["port"], record["board"], record["model_digest"]) == (path, IDENTITY.board, "00000007")


def test_no_board(ports, capsys):
    assert main(["devices"]) == 0
    assert capsys.readouterr().out.startswith("no board was found\n")
    assert main(["devices", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ports"] == []


def test_auto_in_commands(ports, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    folder = compiled_folder("digits", tmp_path / "build" / "digits")
    board = FakeBoard(identity=Identity(board="fake", clock_hz=1000, engine=CFG),
                      compute=lambda image: bytes(10), chunk=10)
    board.do_load_commit = lambda payload: setattr(board, "loading", False) or setattr(
        board, "digest", board.memories[0][3]) or b""
    image = str(image_file(0, tmp_path))
    with on_terminal(board.answers) as path:
        ports.append(path)
        assert main(["load", str(folder), "--port", "auto"]) == 0 and board.digest == read_model(folder).digest
        said = capsys.readouterr()
        assert f"board: fake at {path}" in said.err and "loaded: " in said.out
        assert main(["run", image, "--port", "auto", "--json"]) == 0
        said = capsys.readouterr()
        assert f"board: fake at {path}" in said.err and json.loads(said.out)["image"] == image
        ports.append(path + "0")
        ports.remove(path)
        assert main(["run", image, "--port", "auto"]) == 2
        assert f"error: --port: auto: no board ({path}0: there is no {path}0); " in capsys.readouterr().err
