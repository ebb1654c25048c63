"""The report of each result: its head, and the sections that it can fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import onnx

from firelane.boards.report.board_estimate import BoardEstimate
from firelane.compiler.fit.report import Report
from firelane.compiler.ir.graph import Graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.config import EngineConfig
from firelane.report.page.document import Document
from firelane.report.sections import estimate, evaluation, network, simulation
from firelane.sim.activation_levels import activation_levels
from firelane.sim.evaluate.report import NAMES
from firelane.sim.evaluate.result import Evaluation
from firelane.sim.judge.report import SimulationReport

DIGITS = 16             #: of a digest that is shown
MOST_IMAGES = 8         #: whose activations are counted


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Parameters
    ----------
    name : str
        Of the network, as it was asked for.
    model : onnx.ModelProto
    board : str, optional
    """

    name: str
    model: onnx.ModelProto
    board: str | None = None

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Name, digest, board."""
        digest = sha256(self.model.SerializeToString(deterministic=True)).hexdigest()[:DIGITS]
        return [("model", self.name), ("digest of the model", digest), *([("board", self.board)] if self.board else [])]


def engine_facts(engine: EngineConfig) -> list[tuple[str, str]]:
    """The engine in words."""
    words = (f"{engine.banks} banks, {engine.lanes} multipliers; words: {engine.activation_words:,} of activations, "
             f"{engine.weight_words:,} of weights, {engine.program_words:,} of program")
    return [("engine", words), ("digest of the engine", f"{engine.digest:08x}")]


def rate(report: Report) -> list[tuple[str, str]]:
    """Frames a second, if there is a clock."""
    fps = report.frames_per_second
    return [(f"frames/s at {report.clock_hz / 1e6:g} MHz", f"{fps:,.1f}")] if report.clock_hz and fps else []


def compiled_document(subject: Subject, compiled: Compiled, report: Report, agreement: str = "") -> Document:
    """The report of a compiled network."""
    facts = network.Facts(report, compiled.cfg, compiled.plan)
    ideal = sum(layer.ideal for layer in report.layers)
    figures = [("cycles a frame", f"{report.cost.total:,}"), *rate(report), ("bytes of ROM", f"{report.rom.bytes:,}"),
               ("of the cycles ideal", f"{ideal / report.cost.total:.1%}"),
               ("multiplications a multiplier and cycle", f"{report.macs_per_lane_and_cycle:.2f}")]
    place = subject.board or f"{compiled.cfg.banks} banks"
    answer = f"{'Fits' if report.fits else 'Does not fit'} {place}: {report.cost.total:,} cycles a frame"
    if fps := report.frames_per_second:
        answer += f", {fps:,.1f} frames/s"
    known = [*subject.facts, *engine_facts(compiled.cfg),
             ("digest of the program", f"{compiled.program.contents.program_digest:08x}")]
    if agreement:
        known.append(("checked", agreement))
    return Document(f"{subject.name}, compiled", f"{answer}.", tuple(known), tuple(figures),
                    tuple(network.sections(facts)))


def estimated_document(subject: Subject, answer: str, boards: Sequence[BoardEstimate], nearest: BoardEstimate | None,
                       problems: Sequence[FirelaneError], counted: Sequence[tuple[str, int]]) -> Document:
    """The report of an estimate: all boards, and the layers on the one that is `nearest`."""
    sections, figures, known = [], [(name, f"{count:,}") for name, count in counted if count], subject.facts
    if problems:
        sections.append(estimate.problems(problems))
    if boards:
        sections.append(estimate.boards(boards))
    if nearest and nearest.report:
        known = [*known, ("layers below are on", nearest.board), *engine_facts(nearest.estimate.engine)]
        figures = [("cycles a frame", f"{nearest.cycles:,}"), *figures,
                   ("bytes of ROM", f"{nearest.report.rom.bytes:,}")]
        sections += network.sections(network.Facts(nearest.report, nearest.estimate.engine, nearest.estimate.plan))
    return Document(f"{subject.name}, estimated", f"{answer[:1].upper()}{answer[1:]}.", tuple(known), tuple(figures),
                    tuple(sections))


def simulated_document(subject: Subject, measured: SimulationReport, compiled: Compiled, report: Report,
                       pixels: np.ndarray) -> Document:
    """The report of a simulation: what was measured, and the program that ran.

    Parameters
    ----------
    pixels : uint8 (N, C, H, W)
        Stored values of the images.
    """
    shown = pixels[:MOST_IMAGES]
    figures = [("cycles a frame, measured", f"{measured.frame_cycles:,}"),
               ("predicted", f"{measured.predicted_frame_cycles:,}"), *rate(report),
               ("values equal to the reference", f"{measured.values:,} of {measured.values:,}"),
               ("multiplications a multiplier and cycle", f"{measured.macs_per_multiplier_and_cycle:.2f}")]
    known = [*subject.facts, *engine_facts(compiled.cfg),
             ("digest of the program", f"{compiled.program.contents.program_digest:08x}")]
    sections = (simulation.results(measured), simulation.cycles(measured),
                simulation.activations(activation_levels(compiled.graph, list(shown)), len(shown)),
                *network.sections(network.Facts(report, compiled.cfg, compiled.plan)))
    frames = "1 frame" if measured.frames == 1 else f"{measured.frames} frames"
    return Document(f"{subject.name}, simulated", f"All {measured.values:,} values of {frames} equal the reference; "
                    f"{measured.frame_cycles:,} cycles a frame.", tuple(known), tuple(figures), sections)


def evaluated_document(subject: Subject, found: Evaluation, graph: Graph | None,
                       images: Sequence[np.ndarray]) -> Document:
    """The report of an evaluation.

    Parameters
    ----------
    graph : Graph, optional
        Of a quantized network.
    images : sequence of numpy.ndarray
        Stored values of its input, of some of the images: their activations are counted.
    """
    sections = [evaluation.scores(found)]
    if any(layer.snr_db is not None for layer in found.layers):
        sections.append(evaluation.noise(found))
    if graph is not None and images:
        sections.append(simulation.activations(activation_levels(graph, images), len(images)))
    measured = (("top-1", found.top1), ("top-5", found.top5), ("same class as the float network", found.agreement))
    figures = [("images", f"{found.images:,}"), *((name, f"{value:.2%}") for name, value in measured if value is not None)]
    first = found.scores[0]
    if first.divergence is not None:
        figures.append(("divergence from float, nats", f"{first.divergence:.4f}"))
    said = [f"{name} {value:.2%}" for name, value in measured if value is not None]
    answer = f"{NAMES[first.run]}: {', '.join(said) or 'nothing to compare with'}, over {found.images:,} images."
    return Document(f"{subject.name}, evaluated", f"{answer[:1].upper()}{answer[1:]}", tuple(subject.facts),
                    tuple(figures), tuple(sections))
