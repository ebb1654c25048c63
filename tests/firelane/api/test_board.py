"""firelane.Board, at a pseudo-terminal with a board in Python whose engine is the reference; and a simulated one."""

from __future__ import annotations

import numpy as np
import pytest

import firelane
from firelane.api import simulated_board
from firelane.api.board import host_model
from firelane.boards.simulated.model_board import ModelBoard
from firelane.boards.simulated.running import RunningBoard
from firelane.boards.top.identity import Identity
from firelane.compiler.artefact.reader import read_model
from firelane.hw.contract.instruction import Header
from tests.boards.host.digits import CFG, compiled_folder, expected, image_file, pixels
from tests.boards.host.fake_board import FakeBoard, on_terminal
from tests.boards.simulated.test_board_sim import DESIGN, build_board

CLOCK_HZ = 50_000
CYCLES = 1000           # that the fake says
SIZES = {"banks": CFG.banks, "weight_words": CFG.weight_words, "program_words": CFG.program_words}


class Takes(FakeBoard):
    """Takes every model, by the digest that its program has."""

    def do_load_commit(self, payload):
        self.loading, self.digest = False, int.from_bytes(payload, "little")
        assert self.memories[0][Header.PROGRAM_CRC] == self.digest
        return b""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    return compiled_folder("digits", tmp_path / "build" / "digits")


@pytest.fixture
def port(folder):
    def compute(image: bytes) -> bytes:
        return expected("digits", np.frombuffer(image, np.uint8).reshape(pixels(0).shape))

    board = Takes(compute=compute, digest=read_model(folder).digest,
                  identity=Identity(board="fake", clock_hz=CLOCK_HZ, engine=CFG))
    with on_terminal(board.answers) as path:
        yield path


def test_what_it_says_of_itself(port, folder):
    with firelane.Board(port) as board:
        info = board.info
        assert (info.port, info.board, info.clock_hz, info.engine) == (port, "fake", CLOCK_HZ, CFG)
        assert info.simulated and info.model == f"{read_model(folder).digest:08x}"
        assert repr(board) == f"<Board 'fake' at {port}>" and "fake at" in board._repr_html_()


def test_images(port, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"digit {n}" for n in range(10)))
    with firelane.Board(port, labels=labels) as board:
        one = board.run(image_file(3, tmp_path))
        two = board.run([pixels(4)[0], pixels(5)[0]])
    network = firelane.load("digits")
    for found, number in zip((one, *two), (3, 4, 5), strict=True):
        assert np.array_equal(found.stored, network.predict(pixels(number)[0]).stored)
        assert (found.cycles, found.device_ms) == (CYCLES, 1000 * CYCLES / CLOCK_HZ) and found.transfer_ms >= 0
        assert found.classes[0].name == f"digit {found.best}"
    assert "ms on the device" in one._repr_html_()


def test_another_network_is_loaded(port):
    compiled = firelane.compile("digits-bypass", check=False, **SIZES)
    with firelane.Board(port) as board:
        board.load(compiled)
        assert board.info.model == f"{host_model(compiled).digest:08x}"
        assert board.run(pixels(0)[0]).cycles == CYCLES
        with pytest.raises(firelane.FirelaneError, match="was compiled for another engine"):
            board.load(firelane.compile("digits", check=False))
        with pytest.raises(firelane.FirelaneError, match="^model: 3; what `firelane.compile` returns"):
            board.load(3)


def test_the_port_is_given_back(port):
    for _ in range(2):
        board = firelane.Board(port)
        with pytest.raises(firelane.FirelaneError, match="is in use by another program"):
            firelane.Board(port)
        board.close()


def test_another_model_than_is_said(port):
    other = firelane.compile("digits-bypass", check=False, **SIZES)
    with firelane.Board(port, model=other) as board, pytest.raises(firelane.FirelaneError, match="is not the model in"):
        board.run(pixels(0)[0])


def test_no_board(tmp_path):
    with pytest.raises(firelane.FirelaneError, match="there is no /dev/absent"):
        firelane.Board("/dev/absent")


def test_a_simulated_one(monkeypatch):
    """The board of the other tests, whose build it shares; its time stands still when it has answered."""
    built, ran = build_board(DESIGN), []
    monkeypatch.setattr(simulated_board, "board_of", lambda model, *others, **options: ModelBoard(built, model))
    monkeypatch.setattr(RunningBoard, "let_pass", lambda board, cycles: ran.append(cycles))
    compiled = firelane.compile("digits", check=False, **SIZES)
    with firelane.simulated_board(compiled) as board:
        assert ran == [1]
        [found] = board.run([pixels(1)[0]])
        assert ran == [1, 1]
        assert board.info.simulated and board.info.board == "simulated"
    assert np.array_equal(found.stored, compiled.predict(pixels(1)[0]).stored)
    assert 0 < found.cycles <= compiled.predict(pixels(1)[0]).cycles
