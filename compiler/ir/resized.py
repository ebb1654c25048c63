"""The same network for images of another size: what follows from the nodes, without a model that has to be read."""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.ir.graph import AveragePool, Conv, GlobalAverage, Graph, MaxPool, Node, Tensor
from firelane.compiler.ir.verify import window_output
from firelane.compiler.support.errors import ModelError


def resized_graph(graph: Graph, size: tuple[int, int]) -> Graph:
    """`graph` for images of `size` rows and columns; averages divide by what they did.

    Raises
    ------
    ModelError
        If a layer is made for one size, or nothing is left of a map.
    """
    image = graph.tensors[graph.input]
    tensors = {image.name: replace(image, height=size[0], width=size[1])}
    for node in graph.nodes:
        before = graph.tensors[node.output]
        height, width = _size(graph, node, [tensors[name] for name in node.inputs])
        if min(height, width) < 1:
            raise ModelError(f"node '{node.name}'", f"makes nothing of an image of {size[0]} x {size[1]}",
                             hint="a larger input")
        tensors[node.output] = replace(before, height=height, width=width)
    return replace(graph, tensors=tensors)


def _size(graph: Graph, node: Node, inputs: list[Tensor]) -> tuple[int, int]:
    """Rows and columns that a node makes of inputs of other sizes."""
    first = inputs[0]
    if any((other.height, other.width) != (first.height, first.width) for other in inputs):
        raise ModelError(f"node '{node.name}'", "joins maps of different sizes", hint="another size of the input")
    if isinstance(node, GlobalAverage):
        return 1, 1
    if not isinstance(node, Conv | MaxPool | AveragePool):
        return first.height, first.width
    before, result = graph.tensors[node.inputs[0]], graph.tensors[node.output]
    (rows, columns), (down, right), (top, left, bottom, end) = node.window.kernel, node.window.stride, node.window.pads
    if _is_whole(node, before) and (first.height, first.width) != (before.height, before.width):
        raise ModelError(f"node '{node.name}'", f"is made for maps of {before.height} x {before.width}",
                         hint="a GlobalAveragePool takes maps of any size")
    more_rows = result.height - window_output(before.height, rows, down, top + bottom)       # 1 in ceil mode
    more_columns = result.width - window_output(before.width, columns, right, left + end)
    return (window_output(first.height, rows, down, top + bottom) + more_rows,
            window_output(first.width, columns, right, left + end) + more_columns)


def _is_whole(node: Conv | MaxPool | AveragePool, source: Tensor) -> bool:
    """Whether the window is the whole map, which is not a single pixel: a layer after Flatten."""
    return node.window.kernel == (source.height, source.width) != (1, 1) and not any(node.window.pads)
