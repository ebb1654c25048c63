"""sim.benchmark.frame: a reduced network, measured as the whole ones are."""

from __future__ import annotations

import pytest

from firelane.sim.benchmark.cases import Case
from firelane.sim.benchmark.frame import measure_frame
from firelane.sim.benchmark.records import FrameRecord
from tests.simulators import roomy_engine

SIZE = 64


@pytest.fixture(scope="module")
def record() -> FrameRecord:
    """A frame on the simulator that other tests of whole networks share, so that none is built for this one."""
    return measure_frame(Case(network="squeezenet1.1", title="small"), engine=roomy_engine(4), input_size=SIZE)


def test_every_result_was_compared(record):
    assert record.report.values == 1000 and record.report.frames == 1


def test_what_it_was_made_with(record):
    assert record.weights == "random weights of the published densities, calibrated with made images"
    assert record.image == "1 made image"
    assert (record.banks, record.activation_words) == (4, 4096)
    assert 0 < record.weight_words <= roomy_engine(4).weight_words
    assert record.rom_bytes > record.weight_words * 36 // 8


def test_every_step_was_timed(record):
    seconds = (record.compile_seconds, record.reference_seconds, record.emulator_seconds, record.report.seconds,
               record.simulation_seconds, record.report.build_seconds)
    assert all(each > 0 for each in seconds)
