"""The report of each result: its head, and the sections that it can fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import onnx

from firelane.boards.report.board_estimate import BoardEstimate
from firelane.compiler.fit.report import Report
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.config import EngineConfig
from firelane.report.page.document import Document
from firelane.report.sections import estimate, network

DIGITS = 16             #: of a digest that is shown


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
