"""The report of each result: its head, and the sections that it can fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import onnx

from firelane.boards.explore.front import Row
from firelane.boards.explore.point import Question
from firelane.boards.flow.finished_build import FinishedBuild
from firelane.boards.report.board_estimate import BoardEstimate
from firelane.compiler.compress.run import CompressedLayer
from firelane.compiler.compress.run import Estimate as Loss
from firelane.compiler.fit.engine_sizes import engine_in_words
from firelane.compiler.fit.estimate import estimate as estimated
from firelane.compiler.fit.report import Report
from firelane.compiler.ir.graph import Graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.train.curve import Step
from firelane.compiler.train.judge import Judged
from firelane.hw.contract.config import EngineConfig
from firelane.report.page.document import Document
from firelane.report.sections import (
    compression,
    device,
    estimate,
    evaluation,
    exploration,
    journey,
    network,
    simulation,
    training,
)
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
    model : onnx.ModelProto, optional
        For its digest.
    board : str, optional
    """

    name: str
    model: onnx.ModelProto | None = None
    board: str | None = None

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Name, digest, board."""
        facts = [("model", self.name)]
        if self.model is not None:
            digest = sha256(self.model.SerializeToString(deterministic=True)).hexdigest()[:DIGITS]
            facts.append(("digest of the model", digest))
        return [*facts, *([("board", self.board)] if self.board else [])]


def engine_facts(engine: EngineConfig) -> list[tuple[str, str]]:
    """The engine in words."""
    words = (f"{engine_in_words(engine)}, {engine.multipliers} multipliers; words: {engine.activation_words:,} of "
             f"activations, {engine.weight_words:,} of weights, {engine.program_words:,} of program")
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
    place = subject.board or engine_in_words(compiled.cfg)
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
        least = ", at least" if nearest.lower_bound else ""
        figures = [(f"cycles a frame{least}", f"{nearest.cycles:,}"), *figures,
                   ("bytes of ROM", f"{nearest.report.rom.bytes:,}")]
        sections += network.sections(network.Facts(nearest.report, nearest.estimate.engine, nearest.estimate.plan))
    return Document(f"{subject.name}, estimated", f"{answer[:1].upper()}{answer[1:]}.", tuple(known), tuple(figures),
                    tuple(sections))


def explored_document(answer: str, points: Sequence[Row], front: Sequence[Row], goals: Sequence[str],
                      question: Question) -> Document:
    """The report of an exploration: the front among all points, and why others do not fit."""
    density = "Deep Compression's for each kind of layer" if question.density is None else f"{question.density:.0%}"
    facts = [("device", question.device), ("clock, MHz", f"{question.clock_mhz:g}"), ("density of weights", density),
             ("front of", ", ".join(goals))]
    figures = [("points", f"{len(points):,}"), ("of them fit", f"{sum(point['fits'] for point in points):,}"),
               ("on the front", f"{len(front):,}")]
    return Document("Exploration of the Fire family", f"{answer}.", tuple(facts), tuple(figures),
                    (exploration.front(points, front), exploration.reasons(points)))


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
    frames = "1 frame" if measured.frames == 1 else f"{measured.frames:,} frames"
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
    shares = [(name, f"{value:.2%}") for name, value in measured if value is not None]
    figures, first = [("images", f"{found.images:,}"), *shares], found.scores[0]
    if first.divergence is not None:
        figures.append(("divergence from float, nats", f"{first.divergence:.4f}"))
    if first.expected_loss is not None and first.loss_error is not None:
        figures.append(("expected loss of top-1, points",
                        f"{100 * first.expected_loss:.2f} ± {100 * first.loss_error:.2f}"))
    said = ", ".join(" ".join(pair) for pair in shares) or "nothing to compare with"
    answer = f"{NAMES[first.run]}: {said}, over {found.images:,} images."
    return Document(f"{subject.name}, evaluated", f"{answer[:1].upper()}{answer[1:]}", tuple(subject.facts),
                    tuple(figures), tuple(sections))


def trained_document(subject: Subject, answer: str, steps: Sequence[Step], best: Step, names: Sequence[str],
                     judged: Judged) -> Document:
    """The report of a training: how it went, and what the network says of held-out images."""
    figures = [("held-out images that are right", f"{judged.accuracy:.2%} ± {judged.error:.2%}"),
               ("classes", f"{len(names):,}"), ("held-out images", f"{judged.images:,}"),
               ("steps", f"{len(steps):,}"), ("taken", f"{best.part}, step {best.number}")]
    return Document(f"{subject.name}, trained", f"{answer}.", tuple(subject.facts), tuple(figures),
                    (training.learning(steps, best), training.classes(names, judged)))


def compressed_document(subject: Subject, graph: Graph, engine: EngineConfig, layers: Sequence[CompressedLayer],
                        loss: Loss) -> Document:
    """The report of a compressed network: `layers` as they were chosen, and the network on the `engine`."""
    found, quality = estimated(graph, engine), loss.quality
    if found.report is None:
        raise ValueError(f"the engine does not compute {subject.name}, and it was compressed for it")
    facts = network.Facts(found.report, engine, found.plan)
    bits = {layer.name: layer.coded_bits for layer in facts.layers}
    weights, nonzero = (sum(getattr(layer, name) for layer in layers) for name in ("weights", "nonzero"))
    figures = (("bytes of ROM", f"{found.report.rom.bytes:,}"),
               ("expected loss of top-1, points", f"{100 * quality.drop:.2f} ± {100 * quality.error:.2f}"),
               ("same class as the float network", f"{quality.agreement:.1%}"),
               ("weights that are not zero", f"{nonzero / weights:.1%}"),
               ("cycles a frame", f"{found.report.cost.total:,}"))
    answer = (f"{found.report.rom.bytes:,} bytes, {100 * quality.drop:.2f} ± {100 * quality.error:.2f} points of top-1 "
              "lost, probably.")
    return Document(f"{subject.name}, compressed", answer, (*subject.facts, *engine_facts(engine)), figures,
                    (compression.loss(loss), compression.layers(layers, bits), *network.sections(facts)))


def bitstream_document(subject: Subject, build: FinishedBuild, compiled: Compiled, report: Report) -> Document:
    """The report of a bitstream: the device, and the program that is in it."""
    made, facts = build.report, network.Facts(report, compiled.cfg, compiled.plan)
    figures = [("MHz, used", f"{made.target_hz / 1e6:.1f}"), ("MHz, possible", f"{made.achieved_hz / 1e6:.1f}"),
               ("frames/s", f"{build.frames_per_second:,.1f}"),
               *((f"{name} of {available:,}", f"{used:,}") for name, (used, available) in made.resources.items())]
    known = [*subject.facts, ("device", build.device), *engine_facts(compiled.cfg),
             ("digest of the program", f"{compiled.program.contents.program_digest:08x}")]
    answer = (f"{build.frames_per_second:,.1f} frames/s at {made.target_hz / 1e6:g} MHz; "
              f"{made.achieved_hz / 1e6:.1f} MHz are possible.")
    return Document(f"{subject.name}, a bitstream for {build.board}", answer, tuple(known), tuple(figures),
                    (*device.sections(build), *network.sections(facts)))


def build_document(subject: Subject, compiled: Compiled, report: Report, steps: Sequence[tuple[str, str]],
                   lost: Sequence[tuple[str, str]], build: FinishedBuild | None) -> Document:
    """The report of all the way to a board.

    Parameters
    ----------
    steps : sequence of (str, str)
        The name of each, and what it made.
    lost : sequence of (str, str)
        What was lost of accuracy, in numbers; empty if nothing was.
    build : FinishedBuild, optional
        If there is a bitstream.
    """
    made = compiled_document(subject, compiled, report)
    sections = [journey.steps(steps)]
    if lost:
        sections.append(journey.loss(lost))
    sections += device.sections(build) if build else ()
    return replace(made, title=f"{subject.name}, built for {subject.board}",
                   figures=(*made.figures, *lost[:1]), sections=(*sections, *made.sections))
