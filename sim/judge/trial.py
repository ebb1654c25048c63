"""Runs a compiled network in the simulator and judges what comes out: compare, measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firelane.compiler.fit.engine_sizes import engine_in_words
from firelane.compiler.frame_io.classes import best_classes
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.ir.graph import Graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.emit import Program
from firelane.compiler.support.errors import MismatchError
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.registers import Register
from firelane.sim import reference
from firelane.sim.emulator import Emulator, FrameResult
from firelane.sim.judge.compare import first_difference, tensor_parts
from firelane.sim.judge.images import ImageSet
from firelane.sim.judge.layer_cycles import instruction_cycles, layer_cycles
from firelane.sim.judge.report import SimulationReport
from firelane.sim.judge.trace import first_trace_difference
from firelane.sim.judge.write_log import read_write_log
from firelane.sim.simulator.build import Simulator
from firelane.sim.verilog import run as bench
from firelane.sim.verilog.loading import CSR_COUNT, ERROR_REGISTER, error_text, load_script, setup_cycles
from firelane.sim.verilog.run import Outcome, Stimulus, Verdict

TIMEOUT_FACTOR = 4          # times the cycles that the emulator predicts for a frame
TIMEOUT_LEAST = 100_000     # cycles: for the check of the memories


@dataclass(frozen=True)
class Trial:
    """One network on one engine, with the two models that say what must come out.

    Parameters
    ----------
    compiled : Compiled
        What the reference computes, and what the compiler made of it.
    simulator : Simulator
        The simulator of `compiled.cfg`.
    directory : Path
        Folder for the files of a run.
    """

    compiled: Compiled
    simulator: Simulator
    directory: Path

    @property
    def cfg(self) -> EngineConfig:
        return self.compiled.cfg

    @property
    def graph(self) -> Graph:
        return self.compiled.graph

    @property
    def program(self) -> Program:
        return self.compiled.program

    def predict(self, image: np.ndarray, *, trace: bool = False) -> FrameResult:
        """The emulator's frame, from uint8 (C, H, W)."""
        return Emulator(self.cfg, self.program.contents).run_frame(image.transpose(1, 2, 0), trace=trace)

    def expected(self, images: np.ndarray) -> list[bytes]:
        """The reference's result bytes for uint8 (N, C, H, W)."""
        return [self.compiled.result.pack(result) for result in reference.run_batch(self.graph, images)]

    def run(self, images: np.ndarray, *, progress: Callable[[int, int], None] = lambda frames, cycles: None,
            **options) -> Outcome:
        """Simulate uint8 (N, C, H, W); `options` are those of `Stimulus`. `progress` gets frames and cycles done."""
        given = {"script": load_script(self.program.contents), "images": [stream_bytes(image) for image in images],
                 "error_register": ERROR_REGISTER, "csr_count": CSR_COUNT}
        return bench.run(self.simulator, Stimulus(**{**given, **options}), self.directory, progress)


@dataclass(frozen=True)
class Checked:
    """A simulation whose every result byte is the reference's, and what was measured in it."""

    outcome: Outcome
    report: SimulationReport


def check_outcome(trial: Trial, images: ImageSet, *, labels: tuple[str, ...] = (),
                  window: tuple[int, int] | None = None,
                  notify: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> Checked:
    """Simulate all images and compare every result byte with the reference.

    `labels` are names of the classes; `window` is that of `Stimulus`, for waveforms.

    Raises
    ------
    MismatchError
        If a level of truth disagrees, with the place of the first difference, or if the engine stops.
    """
    progress("computing the reference", 0, None)
    expected = trial.expected(images.pixels)
    progress("emulating the first frame", 0, None)
    prediction = trial.predict(images.pixels[0])
    if prediction.result != expected[0]:
        raise MismatchError("the emulator of the compiled program and the reference disagree: the compiler is wrong")
    timeout = max(TIMEOUT_LEAST, TIMEOUT_FACTOR * prediction.total_cycles)
    total = setup_cycles(trial.program.contents) + len(images) * prediction.total_cycles
    outcome = trial.run(images.pixels, expected=expected, timeout_cycles=timeout, window=window,
                        progress=lambda frames, cycles: progress(f"simulating {images.description}", cycles, total))
    if outcome.verdict is not Verdict.COMPLETE:
        raise MismatchError(f"the engine did not finish: {stop_text(outcome)}")
    wrong = [index for index, result in enumerate(outcome.results) if result != expected[index]]
    if wrong:
        notify(f"{len(wrong)} of {len(expected)} frames differ; simulating frame {wrong[0]} again with a write log")
        raise MismatchError(_explain(trial, images.pixels[wrong[0]], wrong[0]))
    return Checked(outcome, _report(trial, images, outcome, prediction, labels))


def stop_text(outcome: Outcome) -> str:
    """Why a run ended early."""
    match outcome.verdict:
        case Verdict.ENGINE_ERROR:
            return f"it reports {error_text(outcome.csrs)}"
        case Verdict.TIMED_OUT:
            return f"nothing happened for too long; {len(outcome.results)} frames were done; {error_text(outcome.csrs)}"
        case Verdict.PROTOCOL_ERROR:
            return "m_axis changed while it was waiting for tready"
    return "all frames are complete"


def _report(trial: Trial, images: ImageSet, outcome: Outcome, prediction: FrameResult,
            labels: tuple[str, ...]) -> SimulationReport:
    cfg, frame = trial.cfg, outcome.frames[0]
    correct = None
    if images.labels is not None:
        best = [int(np.argmax(np.frombuffer(result, np.uint8))) for result in outcome.results]
        correct = int(np.count_nonzero(np.array(best) == images.labels))
    measured = _last_frame(outcome, prediction, len(trial.program.notes))
    first = trial.compiled.result.unpack(outcome.results[0])
    return SimulationReport(
        model=trial.graph.name, engine=engine_in_words(cfg), lanes=cfg.multipliers,
        layers=layer_cycles(trial.graph, trial.program, measured, prediction.cycles),
        frame_cycles=outcome.csrs[Register.FRAME_CYCLES], predicted_frame_cycles=prediction.total_cycles,
        input_bytes=images.pixels[0].size, input_wait=outcome.csrs[Register.STALL_INPUT],
        output_bytes=len(outcome.results[0]), output_cycles=frame.out_last - frame.out_first + 1, frames=len(images),
        values=sum(len(result) for result in outcome.results), correct=correct,
        guesses=best_classes(trial.graph, first, labels) if labels or correct is None else (),
        simulated_cycles=outcome.cycles, seconds=outcome.seconds, build_seconds=trial.simulator.build_seconds)


def _last_frame(outcome: Outcome, prediction: FrameResult, count: int) -> list[int]:
    """Cycles of the `count` instructions of the frame of which FRAME_CYCLES tells.

    What it has more than the instructions seen and the END predicted is the first one's fetch, which is not seen.
    """
    measured = instruction_cycles(outcome, count, len(outcome.results) - 1)
    end = prediction.total_cycles - prediction.cycles[-1].end
    return [measured[0] + outcome.csrs[Register.FRAME_CYCLES] - end - sum(measured), *measured[1:]]


def _explain(trial: Trial, image: np.ndarray, index: int) -> str:
    """The first difference of the Verilog: from the reference in memory, the emulator in any write, in its result."""
    outcome = trial.run(image[None], log_writes=True)
    assert outcome.writes is not None
    tensors, steps = reference.run(trial.graph, image), read_write_log(outcome.writes)
    difference = first_difference(tensor_parts(trial.program), tensors, steps, trial.cfg) or first_trace_difference(
        trial.predict(image, trace=True).trace, steps)
    if difference is not None:
        return f"frame {index}: {difference}"
    expected, got = tensors[trial.graph.output], trial.compiled.result.unpack(outcome.results[0])
    wrong = np.argwhere(expected != got)
    if not len(wrong):
        return f"frame {index} is right when it is simulated alone: something is left over from a frame before"
    channel, row, column = place = tuple(int(axis) for axis in wrong[0])
    return (f"frame {index}: everything in memory is right, but the result is not: channel {channel}, row {row}, "
            f"column {column}: expected {expected[place]}, got {got[place]} ({len(wrong)} values differ)")
