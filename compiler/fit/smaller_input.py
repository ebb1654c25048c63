"""The largest input with which an engine computes a network: found by trying."""

from __future__ import annotations

from pathlib import Path

import onnx

from firelane.compiler.ir.graph import Graph
from firelane.compiler.lower import lower
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import read_input
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

STEP = 16               #: sizes that are tried are multiples of it
LEAST = 32              #: rows or columns


def largest_input(model: onnx.ModelProto, cfg: EngineConfig) -> tuple[int, int] | None:
    """Rows and columns, smaller than those of the quantized `model`, with which rows, maps and program fit.

    None if no such size was found, or if the network has layers that are made for one size.
    """
    height, width = read_input(model.graph).dims[1:]
    shorter = min(height, width)
    sizes = [(height * side // shorter, width * side // shorter) for side in range(LEAST, shorter, STEP)]
    found = None
    low, high = 0, len(sizes) - 1
    while low <= high:
        middle = (low + high + 1) // 2
        if _fits(model, sizes[middle], cfg):
            found, low = sizes[middle], middle + 1
        else:
            high = middle - 1
    return found


def _fits(model: onnx.ModelProto, size: tuple[int, int], cfg: EngineConfig) -> bool:
    try:
        plan = schedule(lower(_resized(model, size), cfg), cfg)
    except FirelaneError:
        return False
    return _program_words(plan, cfg) <= cfg.program_words


def _program_words(plan: Schedule, cfg: EngineConfig) -> int:
    """Words of the program at most: descriptors that are equal are counted all the same."""
    descriptors = sum(descriptor_total_words(Source.WINDOW if layer.weights is None else Source.STREAM,
                                             len(layer.places)) if isinstance(layer, TileLayer) else DESCRIPTOR_WORDS
                      for layer in plan.network.layers)
    return HEADER_WORDS + (len(plan.steps) + 1) * instruction_words(cfg) + descriptors


def _resized(model: onnx.ModelProto, size: tuple[int, int]) -> Graph:
    """The graph of the model for images of another size."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    del other.graph.value_info[:]
    source = read_input(other.graph)
    image = next(value for value in other.graph.input if value.name == source.name)
    dims = image.type.tensor_type.shape.dim
    rows, columns = (dims[-3], dims[-2]) if source.last else (dims[-2], dims[-1])
    rows.dim_value, columns.dim_value = size
    for output in other.graph.output:
        output.type.tensor_type.ClearField("shape")
    return graph_of(other, Path(other.graph.name or "model"))
