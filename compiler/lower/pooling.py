"""Windows without weights of their own: maximum and average pooling."""

from __future__ import annotations

from firelane.compiler.ir.graph import IDENTITY, AveragePool, MaxPool, Window
from firelane.compiler.lower.context import Lowering
from firelane.compiler.lower.emit import Taps, emit_tiles
from firelane.compiler.tiles.kernel_table import Place
from firelane.hw.contract.instruction import Operation


def lower_max_pool(context: Lowering, node: MaxPool) -> None:
    """Append a layer of maxima; pixels outside the map read as 0, which no maximum of unsigned pixels notices."""
    view = context.views[node.inputs[0]]
    taps = Taps((view,), window_places(node.window), view.channels, IDENTITY, operation=Operation.MAXIMUM)
    emit_tiles(context, node, taps, node.window.stride)


def lower_average_pool(context: Lowering, node: AveragePool) -> None:
    """Append a layer of sums; pixels outside the map read as the zero point."""
    view, pad = context.views[node.inputs[0]], context.graph.tensors[node.inputs[0]].zero_point
    taps = Taps((view,), window_places(node.window), view.channels, node.requantize, pad=pad)
    emit_tiles(context, node, taps, node.window.stride)


def window_places(window: Window) -> tuple[Place, ...]:
    """All places of a window, rows before columns, with weight 1."""
    top, left = window.pads[:2]
    return tuple(Place(row - top, column - left, weight=1)
                 for row in range(window.kernel[0]) for column in range(window.kernel[1]))
