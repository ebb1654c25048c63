"""Seconds from an image at the host to its result: as predicted, by the cycles that a simulated board counts."""

from __future__ import annotations

import pytest

from firelane.boards.host import simulated_clock
from firelane.boards.host.port import SerialPort
from firelane.boards.host.remote_board import RemoteBoard
from firelane.boards.report.end_to_end import ENGINE, LINE, FrameWork, Link, end_to_end, work_of
from firelane.boards.simulated.build import build_board
from firelane.boards.simulated.running import RunningBoard
from firelane.compiler.fit.report import make_report
from firelane.compiler.frame_io.stream import stream_bytes
from tests.boards.host.digits import compiled, expected, pixels
from tests.boards.simulated.test_board_sim import BAUD, DESIGN

CLOCK_HZ = DESIGN.identity.clock_hz
STEP = 200              #: cycles that pass at a time while the host waits
TURNAROUND = STEP + 64 + 128    #: cycles from an answer to the next command: a step, the pause before it, half a look
CONTENTS = compiled("digits").program.contents


class SteppedPort(SerialPort):
    """A port of a board whose time stands still unless somebody waits for it, however slow the host is."""

    def __init__(self, board: RunningBoard):
        super().__init__(board.port, BAUD)
        self._board = board

    def read(self) -> bytes:
        found = super().read()
        if not found:
            self._board.let_pass(STEP)
        return found


def counted(byte_cycles: int, images: int) -> float:
    """Cycles of an image, from its RUN to the answer of REGISTERS."""
    with RunningBoard(build_board(DESIGN), CONTENTS, byte_cycles=byte_cycles, quiet_cycles=STEP) as running:
        port = SteppedPort(running)
        try:
            device = RemoteBoard(port)
            started = port.clock()
            for number in range(images):
                frame = device.run(stream_bytes(pixels(number)), CONTENTS.program_digest)
                assert frame.result == expected("digits", pixels(number))
            return (port.clock() - started) * simulated_clock.CYCLES_PER_SECOND / images
        finally:
            port.close()


def work() -> FrameWork:
    network = compiled("digits")
    return work_of(network.graph, make_report(network))


@pytest.mark.parametrize("byte_cycles, limit", [(1, ENGINE), (25, ENGINE), (80, LINE)])
def test_a_frame_takes_what_is_predicted(byte_cycles, limit):
    link = Link(clock_hz=CLOCK_HZ, byte_seconds=byte_cycles / CLOCK_HZ, turnaround_seconds=TURNAROUND / CLOCK_HZ)
    found = end_to_end(link, work())
    assert found.limit == limit
    assert CLOCK_HZ * found.seconds == pytest.approx(counted(byte_cycles, 2), rel=0.03)
