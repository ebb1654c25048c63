"""A frame whose rows come from a camera, along the engine's timeline."""

from __future__ import annotations

import pytest

from firelane.compiler.compile import compile_model
from firelane.compiler.fit.camera_rows import RowTimes, camera_frame
from firelane.compiler.schedule.cost_model import frame_cost
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import model_file

ROW_BYTES, ROWS = 56, 56


@pytest.fixture(scope="module", params=[1, 2])
def compiled(request):
    return compile_model(model_file("digits"), EngineConfig(banks=2, weight_words=10_240, taps_per_cycle=request.param))


def frame_cycles(compiled) -> int:
    program, plan = compiled.program, compiled.plan
    return frame_cost(program.network, plan.steps, plan.wait_load, compiled.cfg, program.encoded, plan.beside).total


def test_rows_that_are_all_there_change_nothing(compiled):
    frame = camera_frame(compiled, RowTimes(first=0, active=0, period=0))
    assert frame.end == frame_cycles(compiled)
    assert frame.queue_bytes == ROWS * ROW_BYTES


def test_slow_rows_are_waited_for_one_after_the_other(compiled):
    period = 50_000
    frame = camera_frame(compiled, RowTimes(first=1000, active=200, period=period))
    last = 1000 + (ROWS - 1) * period + 200
    assert last < frame.end < last + frame_cycles(compiled)
    assert frame.queue_bytes == ROW_BYTES


def test_the_faster_rows_come_the_more_of_them_wait_and_the_earlier_it_ends(compiled):
    frames = [camera_frame(compiled, RowTimes(first=0, active=100, period=period)) for period in (4000, 1000, 300, 100)]
    waiting, ends = [frame.queue_bytes for frame in frames], [frame.end for frame in frames]
    assert waiting == sorted(waiting) and waiting[0] == ROW_BYTES < waiting[-1] < ROWS * ROW_BYTES
    assert ends == sorted(ends, reverse=True) and ends[-1] >= frame_cycles(compiled)
