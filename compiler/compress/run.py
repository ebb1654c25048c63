"""A network compressed to a goal, and the frontier of sizes: what `firelane compress` does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import onnx

from firelane.compiler.compile import compile_graph
from firelane.compiler.compress.compressor import Attempt, Compressor, Objective
from firelane.compiler.compress.course import Course
from firelane.compiler.compress.frontier_row import FrontierRow
from firelane.compiler.compress.layer_solver import FAST, THOROUGH
from firelane.compiler.compress.measure import measure
from firelane.compiler.compress.quality import Judge, Quality, held_out
from firelane.compiler.compress.quantized_graph import with_weights
from firelane.compiler.compress.search import ATTEMPTS, HALVINGS, within_budget, within_drop
from firelane.compiler.compress.sources import Material, read_material, read_others
from firelane.compiler.compress.workers import Workers, workers
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.rom_size import RomSize
from firelane.compiler.quantize.calibrated import Calibrated
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.marker import SWEEP
from firelane.compiler.support.problems import further, raise_all
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.work_folder import replacing
from firelane.compiler.tiles.larger_engine import weight_bytes
from firelane.hw.contract.config import EngineConfig

COLOURS = 3                     #: channels of what is probably a photograph
SWEEP_SLOPES = (2e-8, 6e-8, 1.2e-7, 2e-7, 3.5e-7, 6e-7)


@dataclass(frozen=True)
class Job:
    """What is compressed, with what, and how; fields as the options of the command line."""

    model: Source
    calibration: Images
    limit: int = 256
    method: str = "mse"
    record: Options = field(default_factory=dict)
    objective: str = "balanced"
    thorough: bool = True
    mirror: bool | None = None          #: None: where images have colours
    seed: int = 0
    judge: Images | None = None         #: images that results are judged by; None: some of the calibration's
    labels: Callable[[int], Sequence[int]] | None = None    #: of those images, in a network of so many classes
    cfg: EngineConfig = EngineConfig()
    progress: Progress = silent
    say: Callable[[str], None] = lambda text: None

    def read(self) -> Material:
        """The network and the images that the job names; says so if these are few."""
        material = read_material(self.model, self.calibration, limit=self.limit, method=self.method,
                                 record=self.record, progress=self.progress)
        if material.warning:
            self.say(f"warning: {material.warning}")
        return material


@dataclass(frozen=True)
class Estimate:
    """What is lost, found on images that were not compressed with.

    Parameters
    ----------
    quality : Quality
        Expected loss of top-1 and its standard error, agreement, divergence.
    used : int, optional
        Images that the judged network was compressed with: it is not the one that was made, but one made alike, at the
        same price of a bit, of four fifths of the images. None: the judged network is the one that was made.
    """

    quality: Quality
    used: int | None = None

    def __str__(self) -> str:
        judged = (f"{self.quality.images:,} images that were given to judge it" if self.used is None else
                  f"{self.quality.images:,} of the images, by a network compressed alike with the other {self.used:,}")
        return f"{self.quality}\n(found on {judged})"


@dataclass(frozen=True)
class CompressedLayer:
    """A layer of a compressed network.

    Parameters
    ----------
    name : str
        Of its node.
    weights, nonzero, levels : int
        How many weights there are, how many are not zero, and how many different ones these are.
    error : float
        What they cost, by the estimate that they were chosen by: divergence from the float network, nats an image.
    """

    name: str
    weights: int
    nonzero: int
    levels: int
    error: float


@dataclass(frozen=True, eq=False)
class Compressed:
    """A compressed network, and what it costs.

    Parameters
    ----------
    model : onnx.ModelProto
        Standard QDQ.
    rom : RomSize
        Of its ROM image.
    tap_cycles : int
        Of all taps of a frame; starts and ends of tiles are not counted.
    layers : tuple of CompressedLayer
        What was chosen for each convolution.
    estimate : Estimate
        What it loses.
    calibrated : Calibrated
        The network as it was read, before it was quantized, and all images.
    compiled : Compiled, optional
        For the engine that was to be filled; None if there was another goal.
    """

    model: onnx.ModelProto
    rom: RomSize
    tap_cycles: int
    layers: tuple[CompressedLayer, ...]
    estimate: Estimate
    calibrated: Calibrated
    compiled: Compiled | None = None


def compress(job: Job, *, budget: int | None = None, max_drop: float | None = None) -> Compressed:
    """The network, compressed as far as is wanted.

    Either `budget` (bytes) or `max_drop` (share of images, 0 .. 1) is given; or neither: then the weight memory of the
    job's engine is filled, and the result compiles for that engine.

    Raises
    ------
    FirelaneError
        As `read_material`, `within_budget`, `within_drop` and `compile_graph` do.
    """
    material = job.read()
    fills = budget is None and max_drop is None
    if fills:
        _check_rest(job, material.source.graph)
    with workers() as threads:
        if max_drop is not None:
            attempt, estimate = _within_drop(job, material, threads, max_drop)
        else:
            attempt, estimate = _within_budget(job, material, threads, budget)
    if estimate.quality.warning:
        job.say(estimate.quality.warning)
    source = material.source
    compressed = with_weights(source.model, source.graph, attempt.layers)
    graph = graph_of(compressed, Path(source.graph.name))        # refused now, not when it is compiled
    return Compressed(compressed, attempt.cost.rom, attempt.cost.cycles, _layers(attempt), estimate,
                      material.calibrated, compile_graph(graph, job.cfg, job.progress) if fills else None)


def _layers(attempt: Attempt) -> tuple[CompressedLayer, ...]:
    return tuple(CompressedLayer(name, layer.levels.size, int(np.count_nonzero(layer.levels)),
                                 len(np.unique(layer.levels[layer.levels != 0])), attempt.errors[name])
                 for name, layer in attempt.layers.items())


def sweep(job: Job, folder: Path) -> str:
    """Write frontier.csv and frontier.png: sizes from large to small, judged by images not compressed with."""
    drawing = from_extra("firelane.compiler.compress.frontier", "report", "a sweep")
    with replacing(folder, SWEEP, "-o") as fresh:
        material = job.read()
        with workers() as threads:
            course = Course(job.progress, len(SWEEP_SLOPES), exact=True)
            compressor, judge = _judged(job, material, threads, course)
            rows = [_row(attempt, judge.of(attempt.graph)) for attempt in map(compressor.at, SWEEP_SLOPES)]
        drawing.write_frontier(rows, fresh / "frontier.csv", fresh / "frontier.png", float_top1=judge.float_top1)
    return f"{len(rows)} sizes from {rows[-1].size:,} to {rows[0].size:,} bytes\nwritten: {folder}"


def _check_rest(job: Job, graph: Graph) -> None:
    """Refuse, before the work, a network that is too large for the engine in anything but its weights."""
    try:
        compile_graph(graph, job.cfg, job.progress)
    except FirelaneError as problem:
        raise_all([each for each in (problem, *further(problem)) if each.where != "weight_words"])


def _within_budget(job: Job, material: Material, threads: Workers, budget: int | None) -> tuple[Attempt, Estimate]:
    """The network that fills a budget, or the job's engine; and what it loses.

    The judged one is made once, at the price that was found, of fewer images: that takes one attempt more. To search
    with fewer images would cost accuracy, to search again with them as long as the first time.
    """
    course = Course(job.progress, ATTEMPTS, further=int(job.judge is None))
    compressor = _compressor(job, material, material.images, threads, course)
    if budget is None:
        attempt = within_budget(lambda slope: _on_its_engine(compressor.at(slope), job.cfg),
                                weight_bytes(job.cfg.weight_words), option="--board", larger="choose a larger board")
    else:
        attempt = within_budget(compressor.at, budget)
    if job.judge is not None:
        return attempt, Estimate(_given_judge(job, material, threads).of(attempt.graph))
    course.found("estimating the loss")
    fewer, judge = _judged(job, material, threads, course)
    return attempt, Estimate(judge.of(fewer.at(attempt.slope).graph), len(held_out(material.images)[0]))


def _on_its_engine(attempt: Attempt, cfg: EngineConfig) -> Attempt:
    """The attempt with the cost that it has where symbol tables are as small as they are."""
    return replace(attempt, cost=measure(attempt.graph, cfg, own_tables=True))


def _within_drop(job: Job, material: Material, threads: Workers, most: float) -> tuple[Attempt, Estimate]:
    """The smallest network that loses no more; and what it loses."""
    course = Course(job.progress, 1 + HALVINGS, exact=True, further=int(job.judge is None))
    compressor, judge = _judged(job, material, threads, course)
    found: dict[float, Quality] = {}

    def drop_of(attempt: Attempt) -> float:
        found[attempt.slope] = judge.of(attempt.graph)
        return found[attempt.slope].drop
    judged = within_drop(compressor.at, drop_of, most)
    quality = found[judged.slope]
    if job.judge is not None:
        return judged, Estimate(quality)
    course.found("with all images")
    attempt = _compressor(job, material, material.images, threads, course).at(judged.slope)
    return attempt, Estimate(quality, len(held_out(material.images)[0]))


def _judged(job: Job, material: Material, threads: Workers, course: Course) -> tuple[Compressor, Judge]:
    """A compressor, and a judge that sees other images."""
    if job.judge is not None:
        return _compressor(job, material, material.images, threads, course), _given_judge(job, material, threads)
    used, judged = held_out(material.images)
    return _compressor(job, material, used, threads, course), _judge(job, material, judged, threads)


def _given_judge(job: Job, material: Material, threads: Workers) -> Judge:
    """The judge with the images that the job names for it."""
    assert job.judge is not None, "there are some"
    return _judge(job, material, read_others(job.model, job.judge, material.source.graph, job.record), threads)


def _judge(job: Job, material: Material, images: Sequence[np.ndarray], threads: Workers) -> Judge:
    graph = material.source.graph
    labels = job.labels and job.labels(math.prod(graph.tensors[graph.output].shape))
    return Judge(graph, material.source.weights, images, threads, labels)


def _compressor(job: Job, material: Material, images: Sequence[np.ndarray], threads: Workers,
                course: Course) -> Compressor:
    colours = images[0].shape[0] == COLOURS
    if job.mirror or (job.mirror is None and colours):
        images = [view for image in images for view in (image, np.ascontiguousarray(image[:, :, ::-1]))]
    return Compressor(material.source, images, job.cfg, threads, objective=Objective[job.objective.upper()],
                      multiples=THOROUGH if job.thorough else FAST, seed=job.seed, course=course)


def _row(attempt: Attempt, quality: Quality) -> FrontierRow:
    return FrontierRow(label=f"{attempt.bytes / 1000:.0f} KB", size=attempt.bytes, top1=quality.top1,
                       agreement=quality.agreement, cycles=attempt.cost.cycles)


def describe(rom: RomSize, nonzero: int, weights: int, tap_cycles: int, estimate: Estimate) -> str:
    """What was reached, in words."""
    return (f"{rom.bytes:,} bytes of ROM: values {rom.values / 8:,.0f}, runs {rom.runs / 8:,.0f}, parameters "
            f"{rom.parameters / 8:,.0f}, tables {rom.tables / 8:,.0f}\n"
            f"{nonzero:,} of {weights:,} weights are not zero ({nonzero / weights:.1%}); a frame takes "
            f"{tap_cycles:,} cycles of taps\n"
            f"{estimate}")
