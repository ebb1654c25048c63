"""A network compressed to a goal, and the frontier of sizes: what `firelane compress` does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx

from firelane.compiler.compress.compressor import Attempt, Compressor, Objective
from firelane.compiler.compress.frontier import FrontierRow, write_frontier
from firelane.compiler.compress.layer_solver import FAST, THOROUGH
from firelane.compiler.compress.quality import Judge, Quality, held_out
from firelane.compiler.compress.quantized_graph import with_weights
from firelane.compiler.compress.search import within_budget, within_drop
from firelane.compiler.compress.sources import Material, read_material, read_others
from firelane.compiler.compress.workers import Workers, workers
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.program.rom_size import RomSize
from firelane.compiler.quantize.calibrated import Calibrated
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.support.marker import SWEEP
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.work_folder import replacing
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

    def read(self) -> Material:
        """The network and the images that the job names."""
        return read_material(self.model, self.calibration, limit=self.limit, method=self.method, record=self.record,
                             progress=self.progress)


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
    nonzero, weights : int
        How many weights are not zero, and how many there are.
    calibrated : Calibrated, optional
        The network as it was read, before it was quantized, and all images.
    """

    model: onnx.ModelProto
    rom: RomSize
    tap_cycles: int
    nonzero: int
    weights: int
    calibrated: Calibrated | None = None


def compress(job: Job, *, budget: int | None = None, max_drop: float | None = None) -> Compressed:
    """The network, compressed as far as is wanted.

    Either `budget` (bytes) or `max_drop` (share of images, 0 .. 1) is given.

    Raises
    ------
    FirelaneError
        As `read_material`, `within_budget` and `within_drop` do.
    """
    material = job.read()
    with workers() as threads:
        slope = None if max_drop is None else _slope_of_drop(job, material, threads, max_drop)
        compressor = _compressor(job, material, material.images, threads)
        if slope is not None:
            attempt = compressor.at(slope)
        else:
            assert budget is not None, "a budget or a drop is given"
            attempt = within_budget(compressor.at, budget)
    source, levels = material.source, [layer.levels for layer in attempt.layers.values()]
    compressed = with_weights(source.model, source.graph, attempt.layers)
    graph_of(compressed, Path(source.graph.name))        # refused now, not when it is compiled
    return Compressed(compressed, attempt.cost.rom, attempt.cost.cycles,
                      sum(int(np.count_nonzero(each)) for each in levels), sum(each.size for each in levels),
                      material.calibrated)


def sweep(job: Job, folder: Path) -> str:
    """Write frontier.csv and frontier.png: sizes from large to small, judged by images not compressed with."""
    with replacing(folder, SWEEP, "--sweep") as fresh:
        material = job.read()
        with workers() as threads:
            compressor, judge = _judged(job, material, threads)
            rows = [_row(attempt, judge.of(attempt.graph)) for attempt in map(compressor.at, SWEEP_SLOPES)]
        write_frontier(rows, fresh / "frontier.csv", fresh / "frontier.png", float_top1=judge.float_top1)
    return f"{len(rows)} sizes from {rows[-1].size:,} to {rows[0].size:,} bytes\nwritten: {folder}"


def _slope_of_drop(job: Job, material: Material, threads: Workers, most: float) -> float:
    compressor, judge = _judged(job, material, threads)
    return within_drop(compressor.at, lambda attempt: judge.of(attempt.graph).drop, most)


def _judged(job: Job, material: Material, threads: Workers) -> tuple[Compressor, Judge]:
    """A compressor, and a judge that sees other images."""
    source = material.source
    used: Sequence[np.ndarray] = material.images
    if job.judge is None:
        used, judged = held_out(used)
    else:
        judged = read_others(job.model, job.judge, source.graph, job.record)
    graph = source.graph
    labels = job.labels and job.labels(math.prod(graph.tensors[graph.output].shape))
    judge = Judge(graph, source.weights, judged, threads, labels)
    return _compressor(job, material, used, threads), judge


def _compressor(job: Job, material: Material, images: Sequence[np.ndarray], threads: Workers) -> Compressor:
    colours = images[0].shape[0] == COLOURS
    if job.mirror or (job.mirror is None and colours):
        images = [view for image in images for view in (image, np.ascontiguousarray(image[:, :, ::-1]))]
    return Compressor(material.source, images, job.cfg, threads, objective=Objective[job.objective.upper()],
                      multiples=THOROUGH if job.thorough else FAST, seed=job.seed, progress=job.progress)


def _row(attempt: Attempt, quality: Quality) -> FrontierRow:
    return FrontierRow(label=f"{attempt.bytes / 1000:.0f} KB", size=attempt.bytes, top1=quality.top1,
                       agreement=quality.agreement, cycles=attempt.cost.cycles)


def describe(compressed: Compressed) -> str:
    """What was reached, in words."""
    rom, nonzero, weights = compressed.rom, compressed.nonzero, compressed.weights
    return (f"{rom.bytes:,} bytes of ROM: values {rom.values / 8:,.0f}, runs {rom.runs / 8:,.0f}, parameters "
            f"{rom.parameters / 8:,.0f}, tables {rom.tables / 8:,.0f}\n"
            f"{nonzero:,} of {weights:,} weights are not zero ({nonzero / weights:.1%}); a frame takes "
            f"{compressed.tap_cycles:,} cycles of taps")
