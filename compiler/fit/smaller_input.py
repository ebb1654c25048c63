"""The largest input with which an engine computes a network: found by trying."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path

import onnx

from firelane.compiler.ir.graph import Graph
from firelane.compiler.ir.resized import resized_graph
from firelane.compiler.lower import lower
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import read_input
from firelane.compiler.onnx_import.resized import resized_model
from firelane.compiler.schedule.search import Schedule, schedule
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    DESCRIPTOR_WORDS,
    HEADER_WORDS,
    Source,
    descriptor_total_words,
    instruction_words,
)

LEAST = 8               #: rows or columns
STEPS = 24              #: sizes between nothing and the largest that can be expressed, of which some are scheduled
SLIPS = 3               #: sizes that are tried below the one that was found, if the model itself does not fit with it


def largest_input(model: onnx.ModelProto, cfg: EngineConfig, size: tuple[int, int] | None = None,
                  graph: Graph | None = None) -> tuple[int, int] | None:
    """Rows and columns, smaller than those of the quantized `model`, with which rows, maps and program fit.

    None if no such size was found, or if the network has layers that are made for one size. Tried are all sizes of
    the same shape, by halving: first with what takes no time, whether rows are short enough, then with schedules.

    Parameters
    ----------
    size : tuple of int, optional
        Of the images, if the model is for smaller ones.
    graph : Graph, optional
        Of the model, if it is there already.
    """
    height, width = size or read_input(model.graph).dims[1:]
    shorter = min(height, width)
    sizes = [(height * side // shorter, width * side // shorter) for side in range(LEAST, shorter)]
    graph = graph or graph_of(model, Path(model.graph.name or "model"))
    short = _last(range(len(sizes)), lambda index: _is_expressible(graph, sizes[index], cfg))
    if short is None:
        return None
    fitting = short
    if not _fits(graph, sizes[short], cfg):
        tried = range(0, short, max(short // STEPS, 1))
        found = _last(tried, lambda index: _fits(graph, sizes[index], cfg))
        if found is None:
            return None
        fitting = found
    return next((sizes[index] for index in range(fitting, max(fitting - SLIPS, -1), -1)
                 if _model_fits(model, sizes[index], cfg)), None)


def _last(numbers: Sequence[int], holds: Callable[[int], bool]) -> int | None:
    """The last of `numbers` for which something holds that holds for all before it; None if it is none of them."""
    count = bisect_left(numbers, True, key=lambda number: not holds(number))
    return numbers[count - 1] if count else None


def _is_expressible(graph: Graph, size: tuple[int, int], cfg: EngineConfig) -> bool:
    """Whether the engine has the lanes and registers, memories aside."""
    try:
        lower(resized_graph(graph, size), cfg)
    except FirelaneError:
        return False
    return True


def _fits(graph: Graph, size: tuple[int, int], cfg: EngineConfig) -> bool:
    try:
        plan = schedule(lower(resized_graph(graph, size), cfg), cfg)
    except FirelaneError:
        return False
    return _program_words(plan, cfg) <= cfg.program_words


def _model_fits(model: onnx.ModelProto, size: tuple[int, int], cfg: EngineConfig) -> bool:
    """Whether the model can be read for images of that size, and the engine has the lanes: its own graph counts."""
    try:
        lower(graph_of(resized_model(model, size), Path(model.graph.name or "model")), cfg)
    except FirelaneError:
        return False
    return True


def _program_words(plan: Schedule, cfg: EngineConfig) -> int:
    """Words of the program at most: descriptors that are equal are counted all the same."""
    descriptors = sum(descriptor_total_words(cfg, Source.WINDOW if layer.weights is None else Source.STREAM,
                                             len(layer.places)) if isinstance(layer, TileLayer) else DESCRIPTOR_WORDS
                      for layer in plan.network.layers)
    return HEADER_WORDS + (len(plan.steps) + 1) * instruction_words(cfg) + descriptors
