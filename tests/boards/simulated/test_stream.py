"""Images in a stream under Verilator, at a pseudo-terminal: right results in order, whatever becomes of the line."""

from __future__ import annotations

import random

import numpy as np
import pytest

from firelane.boards.host.half_size import doubled, half_size_layout, halved
from firelane.boards.host.port import SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.simulated.build import build_board
from firelane.boards.simulated.running import RunningBoard
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.schedule.cost_model import frame_cost
from tests.boards.host.digits import CFG, compiled, expected, pixels
from tests.boards.simulated.test_board_sim import BAUD, DESIGN

CONTENTS = compiled("digits").program.contents
COUNT = 6


class BadPort(SerialPort):
    """Bytes of both directions are lost, changed or added, each with a small chance; by a seed."""

    def __init__(self, name: str, seed: int, chance: float):
        super().__init__(name, BAUD)
        self._rng, self._chance = random.Random(seed), 0.0
        self.wanted = chance

    def spoil(self) -> None:
        self._chance = self.wanted

    def write(self, octets: bytes) -> None:
        super().write(self._changed(octets))

    def read(self) -> bytes:
        return self._changed(super().read())

    def _changed(self, octets: bytes) -> bytes:
        line = bytearray()
        for byte in octets:
            if self._rng.random() >= self._chance:
                line.append(byte)
                continue
            line += self._rng.choice([b"", bytes((byte ^ 1 << self._rng.randrange(8),)), bytes((byte, byte))])
        return bytes(line)


@pytest.fixture(scope="module", params=[1, 20], ids=["fast line", "slow line"])
def board(request):
    with RunningBoard(build_board(DESIGN), CONTENTS, byte_cycles=request.param) as running:
        yield running


@pytest.fixture
def port(board):
    port = SerialPort(board.port, BAUD)
    yield port
    port.close()


def images(count: int = COUNT) -> list[bytes]:
    return [stream_bytes(pixels(number)) for number in range(count)]


def results(count: int = COUNT) -> list[bytes]:
    return [expected("digits", pixels(number)) for number in range(count)]


def test_images_in_a_stream(port):
    device = RemoteBoard(port)
    for _ in range(2):                  # one stream after another
        found = list(device.run_all(images(), CONTENTS.program_digest))
        assert [frame.result for frame in found] == results()
    assert device.connection.sent_again == 0
    assert device.run(images()[0], CONTENTS.program_digest).result == results()[0]


def test_cycles_are_the_engines(port):
    """As predicted, but for tiles that begin from a standstill after a wait; `test_board_sim` has the same."""
    predicted = frame_cost(compiled("digits").plan, CFG).total
    for frame in RemoteBoard(port).run_all(images(4), CONTENTS.program_digest):
        assert predicted * 0.99 < frame.cycles < predicted * 1.01


def test_half_size(port):
    device = RemoteBoard(port)
    halves = [halved(pixels(number)) for number in range(COUNT)]
    layout = half_size_layout(device.identity, pixels(0).shape)
    found = device.run_all(map(stream_bytes, halves), CONTENTS.program_digest, layout)
    assert [frame.result for frame in found] == [expected("digits", doubled(half)) for half in halves]


def test_a_host_that_stops_in_the_middle(port):
    device = RemoteBoard(port)
    frames = device.run_all(images(), CONTENTS.program_digest)
    assert [next(frames).result for _ in range(2)] == results(2)
    frames.close()
    assert [frame.result for frame in device.run_all(images(2), CONTENTS.program_digest)] == results(2)


@pytest.mark.parametrize("seed, chance", [(1, 0.0005), (2, 0.003)])
def test_a_bad_line(board, seed, chance):
    port = BadPort(board.port, seed, chance)
    try:
        device = RemoteBoard(port)
        port.spoil()
        found = list(device.run_all(images(), CONTENTS.program_digest))
        assert [frame.result for frame in found] == results()
        assert device.connection.sent_again > 0
    finally:
        port.close()


def test_images_differ():
    assert len({bytes(np.frombuffer(octets, np.uint8)) for octets in results()}) > 1
