"""Jobs, and runs that end before their time."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.hw.contract.registers import Register
from firelane.sim.judge.trial import stop_text
from firelane.sim.simulator.verilator import SimulatorError
from firelane.sim.verilog import run as bench
from firelane.sim.verilog.loading import CSR_COUNT, ERROR_REGISTER, load_script
from firelane.sim.verilog.run import FrameTimes, Stimulus, TileTime, Verdict
from tests.simulators import random_network, roomy_engine, simulator


@pytest.mark.parametrize("images", [[], [b"12", b"123"]])
def test_images_have_one_length(images):
    with pytest.raises(ValueError, match="^images must be one or more frames of the same length$"):
        Stimulus(script=[], images=images)


def test_each_image_has_a_result():
    with pytest.raises(ValueError, match="^1 results are expected from 2 images$"):
        Stimulus(script=[], images=[b"1", b"2"], expected=[b"3"])


def test_events(tmp_path):
    (tmp_path / "events").write_text(
        "run 20 0\ntile_start 30 8\ntile_done 44 8\nout_first 60 0\nout_last 61 0\n"
        "csr 7 3\nend 70 1\n")
    events = bench._read_events(tmp_path / "events")
    assert events.frames == {0: FrameTimes(60, 61)}
    assert events.tiles == [TileTime(pc=8, start=30, done=44)]
    assert (events.csrs, events.run, events.end) == ({3: 7}, 20, 70)


def test_a_load_beside_a_tile_is_through_with_it(tmp_path):
    (tmp_path / "events").write_text("tile_start 30 8\ntile_start 40 11\ntile_done 40 11\ntile_done 60 8\n"
                                     "tile_start 61 14\ntile_done 90 14\n")
    assert bench._read_events(tmp_path / "events").tiles == [TileTime(8, 30, 60), TileTime(11, 40, 60),
                                                             TileTime(14, 61, 90)]


def test_unknown_event(tmp_path):
    (tmp_path / "events").write_text("tea 5 0\n")
    with pytest.raises(SimulatorError, match="unknown event tea"):
        bench._read_events(tmp_path / "events")


def test_an_engine_that_is_not_started_times_out(tmp_path):
    stimulus = Stimulus(script=[], images=[b"1234"], verdict=Verdict.TIMED_OUT, error_register=ERROR_REGISTER,
                        csr_count=CSR_COUNT, timeout_cycles=1000)
    outcome = bench.run(simulator(roomy_engine(2)), stimulus, tmp_path)
    assert outcome.verdict is Verdict.TIMED_OUT
    assert 1000 <= outcome.run_cycles < 1100
    assert stop_text(outcome) == "nothing happened for too long; 0 frames were done; NONE: no error"
    assert outcome.csrs[Register.CONFIG_DIGEST] == roomy_engine(2).digest


def test_a_simulator_that_breaks_is_reported(tmp_path):
    """Without its image file the bench stops at once, and no cocotb test runs to its end."""
    compiled = random_network(np.random.default_rng(3), 2)
    stimulus = Stimulus(script=load_script(compiled.program.contents), images=[b"1"])
    (tmp_path / "images").mkdir()
    with pytest.raises((SimulatorError, OSError)):
        bench.run(simulator(compiled.cfg), stimulus, tmp_path)


def test_wrong_expectation_fails_the_cocotb_test(tmp_path):
    compiled = random_network(np.random.default_rng(3), 2)
    shape = compiled.graph.tensors[compiled.graph.input].shape
    stimulus = Stimulus(script=load_script(compiled.program.contents), images=[bytes(int(np.prod(shape)))],
                        expected=[b"nonsense"], error_register=ERROR_REGISTER, csr_count=CSR_COUNT)
    outcome = bench.run(simulator(compiled.cfg), stimulus, tmp_path)
    assert outcome.verdict is Verdict.COMPLETE
    assert "frames [0] differ from what is expected" in (tmp_path / "simulator.log").read_text()
    assert 'failures="1"' in (tmp_path / "results.xml").read_text()
