# amaranth: UnusedElaboratable=no
"""Pictures through a camera's pins, the board's top level and the bits of its serial line, bit-exact; and every fault.

Two banks and a camera of 80 x 60 pixels; its own clock and line timing, which know nothing of the engine's.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from firelane.boards.camera.ov7670 import OV7670
from firelane.boards.simulated.camera_board import build_camera_board
from firelane.boards.simulated.camera_session import CameraTimes, Session, Shot, run_session
from firelane.boards.simulated.camera_sim import best_by_reference
from firelane.boards.top.camera_engine import CameraPlan, CameraSettings, CameraTiming
from firelane.compiler.compile import compile_model
from firelane.compiler.fit.camera_rows import RowTimes, camera_frame
from firelane.compiler.frame_io.camera import camera_input, frame_of_rgb
from firelane.hw.camera.pattern_camera import PatternTiming
from firelane.hw.contract.camera import PixelFormat
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import model_file
from firelane.models.drawn_digits import drawn_digits

CFG = EngineConfig(banks=2, activation_words=1024, weight_words=10_240, program_words=2048, trace=True)
COLUMNS, LINES = 80, 60
TIMES = CameraTimes(pclk=38, line_blank=5_000, before=50_000, vsync=10_000, behind=950_000)
PERIOD = (2 * COLUMNS + ceil(TIMES.line_blank / TIMES.pclk)) * TIMES.pclk / 10     # cycles from line to line
STARTED = 40        # cycles: what lies between a pixel at the pins and the queue, and between a line and the start


def plan_of(compiled, pixel_format=PixelFormat.RGB565, queue_bytes=2048):
    timing = CameraTiming(clock_hz=100_000_000, bit_cycles=10, clock_divider=4, patience_cycles=600_000,
                          quiet_cycles=1_500_000, sccb_quarter_cycles=8, sccb_pause_cycles=50,
                          pattern=PatternTiming(byte_cycles=4, line_slots=600, frame_lines=80))
    values = tuple((setting.register, setting.value) for setting in OV7670.settings(1, 5))
    return CameraPlan(wanted=camera_input(compiled.graph, COLUMNS, LINES, pixel_format), classes=compiled.result.size,
                      queue_bytes=queue_bytes, settings=CameraSettings(0x42, 1, values), timing=timing)


@pytest.fixture(scope="module")
def compiled():
    return compile_model(model_file("digits"), CFG)


@pytest.fixture(scope="module")
def pictures(compiled):
    """What cameras send, and the five best classes of each by the reference."""
    return [made(compiled, plan_of(compiled).wanted, digit) for digit in range(3)]


def made(compiled, wanted, digit):
    frame = frame_of_rgb(drawn_picture(digit), wanted)
    return tuple(row.tobytes() for row in frame), best_by_reference(compiled, frame, wanted)


def drawn_picture(digit: int) -> np.ndarray:
    """A drawn digit in the middle of a picture, in a colour that is not gray."""
    picture = np.zeros((LINES, COLUMNS, 3), np.uint8)
    drawn = drawn_digits(digit + 1).images[digit]
    top, left = (LINES - drawn.shape[0]) // 2, (COLUMNS - drawn.shape[1]) // 2
    picture[top:top + drawn.shape[0], left:left + drawn.shape[1]] = drawn * np.array([1, 0.9, 0.6])
    return picture


@pytest.fixture(scope="module")
def board(compiled):
    return build_camera_board(CFG, plan_of(compiled))


def test_pictures_are_answered_and_faults_are_dropped_whole(compiled, pictures, board):
    (first, first_best), (second, second_best), (third, third_best) = pictures
    short = (*first[:30], first[30][:100], *first[31:])
    shots = [
        Shot(lines=first),
        Shot(lines=first[:20] + first[21:]),                                # a line is missing
        Shot(lines=second, jitter=0.5),
        Shot(lines=short),                                                  # a line ends early
        Shot(lines=first, glitches=(("pclk", 25, 10),)),                    # an edge too many
        Shot(lines=third, glitches=(("href", 12, 15), ("vsync", 40, 15))),  # too short to be seen
        Shot(lines=first, stop_after=35),
    ]
    seen = run_session(board, compiled.program.contents, Session(shots=shots, times=TIMES, lines=4))
    answers, last = seen.lines[:-1], seen.lines[-1]
    assert [line.best for line in answers] == [first_best, second_best, third_best]
    assert [(line.frames, line.dropped, line.skipped, line.errors) for line in seen.lines] == [
        (1, 0, 0, 0), (2, 1, 0, 0), (3, 3, 0, 0), (3, 4, 0, 0)]             # at last the clock stopped in a frame
    assert not last.best
    assert {line.digest for line in seen.lines} == {compiled.program.contents.program_digest}
    assert seen.leds == third_best[0][0]
    assert seen.settings == [(0x42, setting.register, setting.value) for setting in OV7670.settings(1, 5)]


def test_the_engine_ends_when_the_schedule_says(compiled, pictures, board):
    """The second frame finds the engine at work, and is skipped; cycles are as predicted from the rows' times."""
    times = replace(TIMES, behind=100_000)
    shots = [Shot(lines=lines) for lines, _ in pictures]
    seen = run_session(board, compiled.program.contents, Session(shots=shots, times=times, lines=2))
    assert [line.best for line in seen.lines] == [pictures[0][1], pictures[2][1]]
    assert [line.skipped for line in seen.lines] == [1, 1]
    wanted = plan_of(compiled).wanted
    pixel = 2 * TIMES.pclk / 10
    rows = RowTimes(first=wanted.left * pixel, active=wanted.width * pixel, period=PERIOD)
    assert [abs(line.cycles - camera_frame(compiled, rows).end) <= STARTED for line in seen.lines] == [True, True]


def test_the_test_pattern(compiled, board):
    """No camera, and the button pressed: byte n of line y is n + 2 y."""
    wanted = plan_of(compiled).wanted
    frame = (np.arange(wanted.line_bytes) + 2 * np.arange(LINES)[:, np.newaxis]).astype(np.uint8)
    seen = run_session(board, compiled.program.contents, Session(shots=(), times=TIMES, lines=1, test=True))
    assert [line.best for line in seen.lines] == [best_by_reference(compiled, frame, wanted)]
