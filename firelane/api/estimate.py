"""The question before all work: what a network would take, where, and what to change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from rich.console import Group

from firelane import report as reports
from firelane.api.network import Network, load_of_any_size
from firelane.api.reported import Reported
from firelane.boards import all_boards, get_board
from firelane.boards.camera import get_sensor
from firelane.boards.report import estimate_tables
from firelane.boards.report.board_estimate import BoardEstimate, estimate_boards, weight_count
from firelane.compiler.fit.heavy_model import HEAVY, check_operators, is_heavy, workload_of_model
from firelane.compiler.fit.possible import check_possible
from firelane.compiler.fit.report import LayerLine, dense_macs
from firelane.compiler.fit.smaller_input import largest_input
from firelane.compiler.fit.thinned import check_density, thinned
from firelane.compiler.frame_io.preprocessing import preprocessing_of
from firelane.compiler.ir.graph import Conv, Graph
from firelane.compiler.ir.limits import size_problem
from firelane.compiler.ir.resized import resized_graph
from firelane.compiler.onnx_import import import_graph
from firelane.compiler.onnx_import.in_pytorch import change
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.onnx_import.resized import resized_model
from firelane.compiler.passes import PIPELINE, run_passes
from firelane.compiler.quantize.calibrated import read_calibrated
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.quantize.quantize import quantize
from firelane.compiler.support.errors import FirelaneError, ModelError
from firelane.compiler.support.html_tables import HtmlTable, html_block
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.progress import Progress, silent
from firelane.models.made_images import MIDDLE, SPREAD, made_images

if TYPE_CHECKING:
    from firelane.boards.board import Board
    from firelane.boards.camera.sensor import Sensor
    from firelane.report.page.document import Document

LARGE = 1 << 17                 # pixels of an image: above, a smaller one stands for it
STAND_INS, STRIDE = (256, 512, 1024), 64
IMAGES, SEED = 2, 1             # made up, for the ranges of a float network: cycles and bytes depend little on them


@dataclass(frozen=True, eq=False, repr=False)
class Estimate(Reported):
    """What a network would take on boards, and what is in the way.

    Printed with `rich`, it is what `firelane estimate` prints.

    Parameters
    ----------
    network : Network
        As it was given.
    boards : tuple of BoardEstimate
        On each board, and on the largest engine that there can be if no board's computes it; empty if there are
        problems, unless there are so many weights that only these are counted: then without what the engine has not.
    problems : tuple of FirelaneError
        What must be changed in the network before anything can be said: each with the node, what was found, and what
        to do.
    weights, nonzero : int
        All weights of its convolutions and linear layers; those that are not zero as int8.
    macs : int
        Multiplications of a frame, zeros included.
    density : float, optional
        What is left of each layer's weights at most, if they were made zero here.
    """

    network: Network
    boards: tuple[BoardEstimate, ...] = ()
    problems: tuple[FirelaneError, ...] = ()
    weights: int = 0
    nonzero: int = 0
    macs: int = 0
    density: float | None = None

    @property
    def fits(self) -> tuple[str, ...]:
        """Names of the boards that hold it."""
        return tuple(board.board for board in self.boards if board.fits)

    @property
    def answer(self) -> str:
        """The answer, in a line."""
        return estimate_tables.answer(self.boards, self.problems)

    @property
    def nearest(self) -> BoardEstimate | None:
        """The fastest board that holds it, or else the one that lacks least; None if there are problems."""
        return estimate_tables.nearest(self.boards)

    @property
    def layers(self) -> tuple[LayerLine, ...]:
        """Cycles, taps, density and bits of each layer, on the board that is `nearest`."""
        return self.nearest.report.layers if self.nearest and self.nearest.report else ()

    def to_dict(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "model": self.network.name, "quantized": self.network.quantized, "answer": self.answer,
            "weights": self.weights, "nonzero": self.nonzero, "macs": self.macs, "density": self.density,
            "problems": [{"where": one.where, "found": one.found, "hint": one.hint, "in_pytorch": change(one)}
                         for one in self.problems],
            "boards": [_board_record(board) for board in self.boards],
            "layers_on": self.nearest.board if self.nearest else None,
            "layers": [line.to_dict() for line in self.layers],
        }

    def to_json(self) -> str:
        """The same as text, as `firelane estimate --json` prints it."""
        return json_document("estimate", self.to_dict())

    def document(self) -> Document:
        """Its report: boards, and all about the layers on the nearest of them."""
        counted = (("weights", self.weights), ("of them not zero", self.nonzero),
                   ("multiplications a frame", self.macs))
        return reports.estimated_document(reports.Subject(self.network.name, self.network.model), self.answer,
                                          self.boards, self.nearest, self.problems, counted)

    def __rich__(self) -> Group:
        return estimate_tables.render(self.boards, self.problems, self._facts())

    def _facts(self) -> str:
        if not self.weights:
            return self.network.name
        how = "weights rounded here" if self.weights > HEAVY else "quantized here with made-up images"
        made = "" if self.network.quantized else f"; float, {how}"
        thin = "" if self.density is None else f", as if pruned to {self.density:.0%}"
        return (f"{self.network.name}: {' x '.join(map(str, self.network.input_shape))} pixels, {self.weights:,} "
                f"weights, {self.nonzero / self.weights:.0%} not zero{thin}, {self.macs:,} multiplications a frame"
                f"{made}")

    def __repr__(self) -> str:
        return f"<Estimate of {self.network.name!r}: {self.answer}>"

    def _repr_html_(self) -> str:
        boards = [(one.board, "no, figures are bounds" if one.lower_bound else "yes" if one.fits else "no", one.cycles,
                   one.end_to_end and one.end_to_end.frames_per_second, one.frames_per_second,
                   one.report and one.report.rom.bytes, "; ".join(short.found for short in one.shortages))
                  for one in self.boards]
        problems = [(one.where, one.found, one.hint, change(one)) for one in self.problems]
        layers = [(line.name, line.kind, line.cycles, line.taps, line.density) for line in self.layers]
        return html_block(self.answer, {"network": self._facts()}, [
            HtmlTable(("board", "fits", "cycles a frame", "frames/s end to end", "of the engine", "bytes of ROM",
                       "short of"), boards),
            HtmlTable(("where", "what", "what to do", "in PyTorch"), problems),
            HtmlTable(("layer", "kind", "cycles", "taps", "density"), layers)])


def _board_record(board: BoardEstimate) -> dict[str, Any]:
    fps, report = board.frames_per_second, board.report
    return {"board": board.board, "fits": board.fits, "cycles": board.cycles,
            "frames_per_second": fps and round(fps, 2),
            "end_to_end": board.end_to_end and board.end_to_end.to_dict(), "clock_mhz": board.clock_hz / 1e6,
            "energy": board.energy and board.energy.to_dict(),
            "camera": board.camera and board.camera.to_dict(), "camera_problem": board.camera_problem or None,
            "lower_bound": board.lower_bound, "rom_bytes": report and report.rom.bytes,
            "engine": asdict(board.estimate.engine),
            "memories": [asdict(usage) | {"fits": usage.fits} for usage in board.estimate.memories],
            "shortages": [asdict(one) for one in board.shortages]}


def estimate(network: Network | Source, *boards: str, density: float | None = None, camera: str | None = None,
             progress: Progress = silent) -> Estimate:
    """What a network, float or quantized and of any size, would take on boards; what is in the way is returned.

    Cycles, words and bytes of a quantized network that fits are those of `compile`. A float network is quantized with
    images that are made up: its cycles and bytes are near those of a calibrated one. Where there is no schedule,
    because rows are longer than an engine has lanes or weights are out of all proportion, figures are bounds: at least
    so many cycles and bytes, at most so many frames a second (`BoardEstimate.lower_bound`).

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
        As `load` takes it.
    *boards : str
        E.g. "ulx3s_25f"; all that there are if none is named.
    density : float, optional
        As if it were pruned: at most this share of each layer's weights, the largest, is not zero. Of a network by name
        whose weights are random, all layers get it: they are drawn without zeros.
    camera : str, optional
        A camera, e.g. "ov7670", whose pictures each board is to answer (`BoardEstimate.camera`).
    progress : callable
        Told the name of a stage, how much is done, and of how much.

    Raises
    ------
    FirelaneError
        If there is no such network, board or camera, or the file cannot be read. What the engine cannot do is no error,
        see `Estimate.problems`.
    """
    if density is not None:
        check_density(density)
    sensor = get_sensor(camera) if camera else None
    chosen = [get_board(name) for name in dict.fromkeys(boards)] or all_boards()
    given = load_of_any_size(network, progress, dense=density is not None)
    if is_heavy(given.model):
        return _heavy(given, chosen, density, progress, sensor)
    try:
        model, graph, plain = _of_its_size(given, density, progress)
    except ModelError as problem:
        return Estimate(given, problems=(problem, *problem.further))
    found = estimate_boards(chosen, graph, given.name,
                            lambda engine: largest_input(model, engine, given.input_shape[1:], graph), progress, sensor)
    if all(board.lower_bound for board in found) and (impossible := _impossible(graph)):
        return Estimate(given, problems=impossible)
    nonzero = sum(int(np.count_nonzero(node.weight)) for node in plain.nodes if isinstance(node, Conv))
    return Estimate(given, tuple(found), weights=weight_count(plain), nonzero=nonzero, macs=dense_macs(plain),
                    density=density)


def _heavy(given: Network, boards: Sequence[Board], density: float | None, progress: Progress,
           sensor: Sensor | None) -> Estimate:
    """The estimate of a network with more weights than any engine can hold."""
    progress("counting weights", 0, None)
    problems: tuple[FirelaneError, ...] = ()
    try:
        check_operators(given.model)
    except ModelError as problem:
        problems = (problem, *problem.further)
    try:
        work = workload_of_model(given.model, density)
    except ModelError as problem:
        return Estimate(given, problems=problems or (problem, *problem.further))
    found = estimate_boards(boards, work, given.name, lambda engine: None, progress, sensor)
    return Estimate(given, tuple(found), problems, weights=work.weights, nonzero=work.nonzero, macs=work.macs,
                    density=density)


def _impossible(graph: Graph) -> tuple[FirelaneError, ...]:
    """The nodes that no engine can do, whatever its sizes; none if it is a matter of sizes."""
    try:
        check_possible(graph)
    except ModelError as problem:
        return (problem, *problem.further)
    except FirelaneError:
        pass
    return ()


def _of_its_size(given: Network, density: float | None, progress: Progress) -> tuple[onnx.ModelProto, Graph, Graph]:
    """The quantized model, of a smaller input where its own is large, and the graph for its own.

    What a network takes follows from the sizes of its maps, not from what is in them. The third is the graph before any
    pass, whose weights are those that the network has: passes add zeros, where channels are chosen or shuffled.
    """
    size = given.input_shape[1:]
    if math.prod(size) <= LARGE:
        quantized = _quantized(given, progress)
        return quantized.model, *_graphs(quantized, density)
    refused: ModelError | None = None
    for smaller in _stand_ins(size):
        try:
            stand_in = _quantized(replace(given, model=resized_model(given.model, smaller), path=None), progress)
            graph, plain = _graphs(stand_in, density)
            return stand_in.model, resized_graph(graph, size), resized_graph(plain, size)
        except ModelError as problem:
            refused = refused or problem
    try:
        quantized = _quantized(given, progress)
        return quantized.model, *_graphs(quantized, density)
    except ModelError as problem:
        raise (refused if refused and size_problem(given.input_shape) else problem) from None


def _graphs(quantized: Network, density: float | None) -> tuple[Graph, Graph]:
    """The graph that is compiled, and the one before any pass."""
    plain = import_graph(quantized.model, quantized.path or Path(quantized.name))
    if density is None:
        return quantized.graph, plain
    plain = thinned(plain, density)
    return run_passes(plain, PIPELINE), plain


def _stand_ins(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Ever larger sizes below that of a large input, with the same remainders: each halving is as it is there."""
    for side in STAND_INS:
        smaller = tuple(min(whole, side + whole % STRIDE) for whole in size)
        if smaller != size:
            yield smaller[0], smaller[1]


def _quantized(given: Network, progress: Progress) -> Network:
    """The network in integers: as it is, or quantized here; what somebody quantized in part is completed."""
    if given.quantized:
        try:
            _ = given.graph
        except ModelError as problem:
            return _completed(given, problem, progress)
        return given
    return replace(given, model=_made(given, progress), path=None)


def _completed(given: Network, problem: ModelError, progress: Progress) -> Network:
    try:
        return replace(given, model=_made(given, progress), path=None)
    except ModelError:
        raise problem from None


def _made(given: Network, progress: Progress) -> onnx.ModelProto:
    """The model with the ranges that made-up images give."""
    progress("quantizing with made-up images", 0, None)
    pixels = made_images(IMAGES, given.input_shape, seed=SEED)
    known = preprocessing_of(metadata(given.model)) is not None
    images = pixels if known else ((pixels - np.float32(MIDDLE)) / np.float32(SPREAD)).astype(np.float32)
    source = read_calibrated(given.source, images, IMAGES)
    return quantize(source.model, source.images)
