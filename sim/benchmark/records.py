"""Raw results: one JSON file for each measurement, so that one can be made again alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.compiler.frame_io.classes import Guess
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import build_root
from firelane.sim.benchmark.cases import NAMES
from firelane.sim.benchmark.provenance import Provenance
from firelane.sim.judge.layer_cycles import LayerCycles
from firelane.sim.judge.report import SimulationReport


@dataclass(frozen=True, kw_only=True)
class FrameRecord:
    """A whole frame through Verilator, every result equal to the reference, and how long everything took.

    Parameters
    ----------
    weights, image : str
        What was computed with, in words.
    banks, activation_words, weight_words, program_words : int
        Sizes of the engine; of the last two memories, the words that the network uses.
    rom_bytes : int
        Size of weights, biases and code tables.
    report : SimulationReport
        What the simulation showed; `build_seconds` is the build of its simulator.
    compile_seconds : float
        Seconds of CPU from the ONNX file to ROM images, the choice of the engine included. Like the others of one
        thread, so that what the machine does besides changes it little.
    simulation_seconds : float
        Seconds of CPU of the whole run, which begins with the loading of the memories.
    reference_seconds, emulator_seconds : float
        Seconds of CPU for a frame.
    """

    made: Provenance
    weights: str
    image: str
    banks: int
    activation_words: int
    weight_words: int
    program_words: int
    rom_bytes: int
    report: SimulationReport
    compile_seconds: float
    simulation_seconds: float
    reference_seconds: float
    emulator_seconds: float

    @property
    def cycles_per_second(self) -> float:
        """Cycles that the simulator does in a second of CPU."""
        return self.report.simulated_cycles / self.simulation_seconds


@dataclass(frozen=True, kw_only=True)
class Hits:
    """Images of `images` whose class was the best, or among the five best."""

    top1: int
    top5: int


@dataclass(frozen=True, kw_only=True)
class AccuracyRecord:
    """The float network, ONNX Runtime on the QDQ graph and the integer reference, on the same images."""

    made: Provenance
    images: int
    scores: dict[str, Hits]


def folder() -> Path:
    """The folder of the files."""
    return build_root() / "bench"


def store(name: str, record: FrameRecord | AccuracyRecord) -> None:
    """Keep the record of a measurement in place of an older one."""
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / f"{name}.json"
    fresh = path.with_suffix(".fresh")
    fresh.write_text(json.dumps(asdict(record), indent=1) + "\n")
    fresh.rename(path)


def load_all() -> dict[str, FrameRecord | AccuracyRecord]:
    """What is there, by the name of the measurement."""
    return {name: _load(path) for name in NAMES if (path := folder() / f"{name}.json").exists()}


def _load(path: Path) -> FrameRecord | AccuracyRecord:
    try:
        fields = json.loads(path.read_text())
        fields["made"] = Provenance(**fields["made"])
        if "scores" in fields:
            return AccuracyRecord(**fields | {"scores": {key: Hits(**value)
                                                         for key, value in fields["scores"].items()}})
        report = fields["report"]
        report["layers"] = [LayerCycles(**layer) for layer in report["layers"]]
        report["guesses"] = [Guess(**guess) for guess in report["guesses"]]
        return FrameRecord(**fields | {"report": SimulationReport(**report)})
    except (ValueError, TypeError, KeyError) as error:
        raise FirelaneError(str(path), f"not a result of this version ({error})",
                            hint=f"delete it, or measure again: make bench ONLY={path.stem}") from None
