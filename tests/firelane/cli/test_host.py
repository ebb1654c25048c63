"""`firelane run` and `firelane load` over a pseudo-terminal, with a board in Python whose engine is the reference."""

from __future__ import annotations

import json

import numpy as np
import pytest

from firelane.boards.top.identity import Identity
from firelane.cli.main import main
from firelane.compiler.artefact.reader import read_model
from tests.boards.host.digits import CFG, compiled_folder, expected, image_file, pixels
from tests.boards.host.fake_board import FakeBoard, on_terminal

SIDE = pixels(0).shape[-1]
CLOCK_HZ = 50_000
CYCLES = 1000           # that the fake says


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    return compiled_folder("digits", tmp_path / "build" / "digits")


@pytest.fixture
def board(folder):
    def compute(image: bytes) -> bytes:
        return expected("digits", np.frombuffer(image, np.uint8).reshape(1, SIDE, SIDE))

    return FakeBoard(compute=compute, digest=read_model(folder).digest,
                     identity=Identity(board="fake", clock_hz=CLOCK_HZ, engine=CFG))


def run(board: FakeBoard, *arguments) -> int:
    with on_terminal(board.answers) as path:
        return main([str(argument) for argument in (*arguments, "--port", path)])


def best(number: int) -> int:
    return int(np.argmax(np.frombuffer(expected("digits", pixels(number)), np.uint8)))


def test_an_image(board, tmp_path, capsys):
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"n{n}\tdigit {n}" for n in range(10)))
    assert run(board, "run", image_file(3, tmp_path), "--labels", labels) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(tmp_path / "digit3.png") and len(lines) == 7
    assert lines[1].endswith(f" {best(3)} digit {best(3)}")
    assert lines[6].startswith(f"  board: {CYCLES:,} cycles, {1000 * CYCLES / CLOCK_HZ:.2f} ms; transfer ")


@pytest.mark.parametrize("words, said", [
    (("run", "no.png"), "no.png: there is no such file; "),
    (("run", "there.png", "--compiled", "no"), "no: is no compiled model "),
    (("load", "no"), "no: is no compiled model "), (("validate", "no"), "no: is no compiled model ")])
def test_what_is_given_is_looked_at_before_a_board_is_looked_for(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    image_file(3, tmp_path).rename("there.png")
    assert main([*words, "--port", "auto"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")


def test_a_folder_streams(board, tmp_path, capsys):
    for number in (5, 6, 7):
        image_file(number, tmp_path / "images")
    (tmp_path / "images" / "digit9.png").write_text("not an image")
    (tmp_path / "images" / "notes.txt").touch()
    assert run(board, "run", tmp_path / "images") == 2
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.split(": ")[1].split()[0] for line in lines[:3]] == [str(best(number)) for number in (5, 6, 7)]
    assert lines[3].startswith("3 images in ") and f"{CYCLES:,} cycles" in lines[3] and len(lines) == 4
    assert said.err.splitlines()[-1].startswith(f"error: {tmp_path / 'images' / 'digit9.png'}: not an image")


def test_json(board, folder, tmp_path, capsys):
    files = [image_file(number, tmp_path) for number in (1, 2)]
    assert run(board, "run", *files, "--json", "--compiled", folder) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for record, file, number in zip(records, files, (1, 2), strict=True):
        assert (record["image"], record["cycles"], record["device_ms"]) == (str(file), CYCLES, 1000 * CYCLES / CLOCK_HZ)
        assert record["classes"][0]["index"] == best(number) and len(record["classes"]) == 5
        assert record["classes"][0].keys() == {"index", "name", "share"} and record["transfer_ms"] >= 0


def refusal(capsys) -> str:
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("error: ") == 1
    return said.err


def test_refusals(board, folder, tmp_path, capsys):
    image, other = image_file(0, tmp_path), compiled_folder("digits-bypass", tmp_path / "other")
    assert run(board, "run", image, "--compiled", other) == 2
    assert f"error: {other}: is not the model in the board (digest " in refusal(capsys)
    board.digest ^= 1
    assert run(board, "run", image) == 2
    assert "that was not compiled here; give the folder" in refusal(capsys)
    board.digest = 0
    assert run(board, "run", image) == 2
    assert ": the board has no model; firelane load DIR" in refusal(capsys)
    board.loading = True
    assert run(board, "run", image) == 2
    assert ": the board has no model: a load was begun and not finished" in refusal(capsys)
    assert run(board, "run", tmp_path / "missing.png") == 2
    assert "missing.png: there is no such file" in refusal(capsys)
    (tmp_path / "empty").mkdir()
    assert run(board, "run", tmp_path / "empty") == 2
    assert "empty: there is no image in this folder" in refusal(capsys)
    assert main(["run", str(image), "--port", str(tmp_path / "tty")]) == 2
    assert f"error: --port: there is no {tmp_path / 'tty'}; " in refusal(capsys)


def test_an_image_of_another_size_is_refused(board, tmp_path, capsys):
    from PIL import Image
    Image.new("L", (9, 9)).save(tmp_path / "small.png")
    assert run(board, "run", tmp_path / "small.png") == 2
    assert "small.png: 9 x 9 pixels; the network wants 56 x 56" in refusal(capsys)


def test_load_and_its_refusals(board, folder, tmp_path, capsys):
    other = compiled_folder("digits-bypass", tmp_path / "other")
    board.do_load_commit = lambda payload: setattr(board, "loading", False) or setattr(
        board, "digest", board.memories[0][3]) or b""
    assert run(board, "load", other) == 0
    assert board.digest == read_model(other).digest
    assert f"digest {board.digest:08x}, checked by the board, in " in capsys.readouterr().out
    assert tuple(board.memories[1][n] for n in sorted(board.memories[1])) == read_model(other).contents.weights
    board.identity = FakeBoard().identity
    assert run(board, "load", folder) == 2
    assert "was compiled for another engine (banks 2, there 1; " in refusal(capsys)
    assert run(board, "load", tmp_path) == 2
    assert "is no compiled model" in refusal(capsys)


def test_a_port_that_is_no_board(tmp_path, folder, capsys):
    with on_terminal(lambda octets: b"") as path:
        assert main(["run", str(image_file(0, tmp_path)), "--port", path]) == 2
    assert f"error: {path}: no Firelane board there (no answer to IDENTIFY); check the port" in refusal(capsys)
