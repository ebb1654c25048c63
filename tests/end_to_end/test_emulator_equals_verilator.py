"""The hardware is right: Verilator gives the result bytes, the activation writes and the cycles of the emulator.

Random networks on engines of 2 and 4 banks, with one tap a cycle and two, and the embedded models on that of
`make sim`; two frames each, with and without pauses of both streams. All networks of an engine share a simulator.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firelane.compiler.compile import compile_model
from firelane.compiler.program.compiled import Compiled
from firelane.hw.contract.instruction import Opcode
from firelane.models.digits import load_split
from firelane.sim.emulator import Emulator, FrameResult
from firelane.sim.judge.layer_cycles import instruction_cycles
from firelane.sim.judge.trace import first_trace_difference
from firelane.sim.judge.trial import stop_text
from firelane.sim.judge.write_log import read_write_log
from firelane.sim.verilog.run import Outcome, Verdict
from tests.networks import POOLS, random_image
from tests.simulators import default_engine, random_network, roomy_engine, trial
from tests.steps import frames_of

MODELS = Path(__file__).parents[2] / "models"
EMBEDDED = ("digits_squeezenet.onnx", "digits_squeezenet_bypass.onnx")
RANDOM = [(banks, taps, seed) for banks, taps, count in ((2, 1, 12), (4, 1, 12), (2, 2, 12), (4, 2, 8))
          for seed in range(count)]
STALL = 0.3
CYCLES_TOLERANCE = 0.01


def run(compiled: Compiled, images: np.ndarray, directory: Path, **options) -> tuple[Outcome, list[FrameResult]]:
    """Simulate uint8 (N, C, H, W) in Verilog, and in one emulator."""
    bench = trial(compiled, directory)
    outcome = bench.run(images, expected=bench.expected(images), log_writes=True, **options)
    assert outcome.verdict is Verdict.COMPLETE, stop_text(outcome)
    emulator = Emulator(compiled.cfg, bench.program.contents)
    return outcome, [emulator.run_frame(image.transpose(1, 2, 0), trace=True) for image in images]


def check_writes(outcome: Outcome, emulated: list[FrameResult]) -> None:
    """Every write of every instruction, in order. A LOAD's are not shown by the trace ports."""
    logged = list(frames_of(read_write_log(outcome.writes)))
    assert len(logged) == len(emulated)
    for frame, steps in zip(emulated, logged):
        difference = first_trace_difference(frame.trace, steps)
        assert difference is None, difference


def check_cycles(outcome: Outcome, emulated: list[FrameResult]) -> None:
    """Cycles of each frame's instructions together, and of each tile among tiles alone; only without pauses."""
    for index, frame in enumerate(emulated):
        measured = np.array(instruction_cycles(outcome, len(frame.cycles), index))[1:]
        predicted = np.array([cycles.end - cycles.start for cycles in frame.cycles])[1:]
        tiles = np.array([step.instruction.opcode is Opcode.TILE for step in frame.trace])
        waited = np.array([cycles.waited for cycles in frame.cycles])
        among = tiles[1:] & tiles[:-1] & (waited[1:] == 0)
        np.testing.assert_array_equal(measured[among], predicted[among])
        worst = int(np.argmax(np.abs(measured - predicted)))
        assert abs(measured.sum() - predicted.sum()) <= CYCLES_TOLERANCE * predicted.sum(), (
            f"frame {index}: {measured.sum()} cycles, predicted {predicted.sum()}; most at instruction {worst + 1}: "
            f"{measured[worst]}, predicted {predicted[worst]}")


def check(compiled: Compiled, images: np.ndarray, directory: Path) -> None:
    for name, stall in (("straight", 0.0), ("stalls", STALL)):
        outcome, emulated = run(compiled, images, directory / name, stall_in=stall, stall_out=stall, seed=len(name))
        assert outcome.results == [frame.result for frame in emulated]
        check_writes(outcome, emulated)
        if not stall:
            check_cycles(outcome, emulated)


@pytest.mark.parametrize(("banks", "taps", "seed"), RANDOM)
def test_random_network(banks, taps, seed, tmp_path):
    rng = np.random.default_rng([banks, seed])
    compiled = random_network(rng, banks, taps=taps)
    check(compiled, np.stack([random_image(rng, compiled.graph) for _ in range(2)]), tmp_path)


@pytest.mark.parametrize("seed", range(10))
def test_random_network_of_maxima_by_blocks(seed, tmp_path):
    """Pools one behind the other, of all windows, paddings and strides, which also replace what they read."""
    rng = np.random.default_rng([8, seed])
    compiled = random_network(rng, 2, "small", taps=2, without=POOLS)
    check(compiled, np.stack([random_image(rng, compiled.graph) for _ in range(2)]), tmp_path)


@pytest.mark.parametrize("taps", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_random_network_with_selects_and_maxima(seed, taps, tmp_path):
    rng = np.random.default_rng([7, seed])
    compiled = random_network(rng, 2, "tiny", selects=True, taps=taps)
    check(compiled, np.stack([random_image(rng, compiled.graph) for _ in range(2)]), tmp_path)


@pytest.mark.parametrize("taps", [1, 2])
@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_model(name, taps, tmp_path):
    """With two taps on the engine that random networks run on."""
    compiled = compile_model(MODELS / name, default_engine() if taps == 1 else roomy_engine(2, taps))
    images = np.ascontiguousarray(load_split()[1].images[:2].transpose(0, 3, 1, 2))
    check(compiled, images, tmp_path)


def test_pauses_change_nothing_but_cycles(tmp_path):
    """One stream that hardly ever moves, then the other."""
    rng = np.random.default_rng(99)
    compiled = random_network(rng, 2)
    images = np.stack([random_image(rng, compiled.graph)])
    for stall_in, stall_out in ((0.95, 0.0), (0.0, 0.95)):
        outcome, emulated = run(compiled, images, tmp_path, stall_in=stall_in, stall_out=stall_out)
        assert outcome.results == [emulated[0].result]


def test_a_second_model_in_the_same_simulator(tmp_path):
    """Programs are data: nothing is built between two models of one engine."""
    rng = np.random.default_rng(98)
    first, second = (random_network(rng, 2) for _ in range(2))
    trials = [trial(compiled, tmp_path / name) for name, compiled in (("first", first), ("second", second))]
    assert trials[0].simulator == trials[1].simulator
    for bench in trials:
        image = random_image(rng, bench.graph)[None]
        assert bench.run(image).results == bench.expected(image)
