"""The numbers: what every layer computes, in exact integers, and nothing about tiles, words or banks.

Sums are exact: they are formed by BLAS on float32 where sum|w| * 255 < 2**24 proves that no partial sum can be rounded,
else on float64 (2**53). Rounding happens only in `Requantize.apply`: multiply, add half of the step that the shift
removes, shift right and floor - to nearest, and a tie goes up - then add the zero point, then clamp.

Inside, maps are (C, N, H, W): channels first, so that one matrix product serves all N images.
"""

from __future__ import annotations

from functools import reduce, singledispatch

import numpy as np

from firelane.compiler.ir.graph import (
    PIXEL_MAX,
    Add,
    AveragePool,
    ChannelScale,
    Concat,
    Conv,
    GlobalAverage,
    Graph,
    Maximum,
    MaxPool,
    Node,
    Rescale,
    Select,
    Tensor,
)
from firelane.compiler.ir.windows import seen
from firelane.compiler.support.errors import FirelaneError

IMAGES_AT_ONCE = 16                    # bounds the memory of `run_batch`
FLOAT32_EXACT = 1 << 24                # integers below this are exact in float32


def run(graph: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor of `graph` for one image.

    Parameters
    ----------
    image : uint8 (C, H, W)
        Stored values of the graph's input tensor.

    Returns
    -------
    tensor name -> uint8 (C, H, W), the input included.
    """
    _check_images(graph, image, graph.tensors[graph.input].shape)
    maps = {graph.input: image[:, None]}
    for node in graph.nodes:
        maps[node.output] = run_node(graph, node, maps)
    return {name: np.ascontiguousarray(values[:, 0]) for name, values in maps.items()}


def run_batch(graph: Graph, images: np.ndarray) -> np.ndarray:
    """The output tensor for many images: uint8 (N, C, H, W) -> uint8 (N, C', H', W')."""
    _check_images(graph, images, (len(images), *graph.tensors[graph.input].shape))
    batches = [_run_together(graph, images[start:start + IMAGES_AT_ONCE])
               for start in range(0, len(images), IMAGES_AT_ONCE)]
    return np.concatenate(batches) if batches else np.empty((0, *graph.tensors[graph.output].shape), np.uint8)


def run_node(graph: Graph, node: Node, maps: dict[str, np.ndarray]) -> np.ndarray:
    """The output of one node: uint8 (C, N, H, W), from `maps` of that layout."""
    inputs = [maps[name] for name in node.inputs]
    return compute(node, inputs, [graph.tensors[name] for name in node.inputs], graph.tensors[node.output])


@singledispatch
def compute(node: Node, inputs: list[np.ndarray], sources: list[Tensor], result: Tensor) -> np.ndarray:
    """The definition of each kind of node, on uint8 (C, N, H, W)."""
    raise TypeError(f"node {node.name}: the reference has no definition of {type(node).__name__}")


@compute.register
def _(node: Conv, inputs, sources, result) -> np.ndarray:
    return node.requantize.apply(convolution_sums(node, inputs[0], sources[0].zero_point, result))


@compute.register
def _(node: MaxPool, inputs, sources, result) -> np.ndarray:
    return reduce(np.maximum, seen(inputs[0], node.window, result, outside=0))


@compute.register
def _(node: AveragePool, inputs, sources, result) -> np.ndarray:
    views = seen(inputs[0], node.window, result, outside=sources[0].zero_point)
    return node.requantize.apply(reduce(np.add, (view.astype(np.int64) for view in views)))


@compute.register
def _(node: GlobalAverage, inputs, sources, result) -> np.ndarray:
    return node.requantize.apply(inputs[0].sum(axis=(2, 3), keepdims=True, dtype=np.int64))


@compute.register
def _(node: Add, inputs, sources, result) -> np.ndarray:
    a, b = (values.astype(np.int64) for values in inputs)
    return node.requantize.apply(sum(node.weights_a) * a + sum(node.weights_b) * b)


@compute.register
def _(node: Concat, inputs, sources, result) -> np.ndarray:
    return np.concatenate(inputs, axis=0)


@compute.register
def _(node: Maximum, inputs, sources, result) -> np.ndarray:
    return np.maximum(*inputs)


@compute.register
def _(node: Select, inputs, sources, result) -> np.ndarray:
    return inputs[0][node.channels]


@compute.register
def _(node: Rescale, inputs, sources, result) -> np.ndarray:
    return node.requantize.apply(inputs[0].astype(np.int64))


@compute.register
def _(node: ChannelScale, inputs, sources, result) -> np.ndarray:
    return node.requantize.apply(node.factors.astype(np.int64).reshape(-1, 1, 1, 1) * inputs[0])


def convolution_sums(node: Conv, values: np.ndarray, zero_point: int, result: Tensor) -> np.ndarray:
    """The accumulators of a convolution: uint8 (C, N, H, W) -> float, whole numbers, (O, N, H', W')."""
    channels_out = len(node.weight)
    taps = node.weight.reshape(node.groups, channels_out // node.groups, -1)
    reach = int(np.abs(taps.astype(np.int64)).sum(axis=2).max(initial=0)) * PIXEL_MAX
    exact = np.float32 if reach < FLOAT32_EXACT else np.float64
    places = node.weight.shape[2] * node.weight.shape[3]
    pixels = (values.shape[1], result.height, result.width)
    columns = np.empty((len(values), places, *pixels), exact)
    for place, view in enumerate(seen(values, node.window, result, outside=zero_point)):
        columns[:, place] = view
    sums = np.matmul(taps.astype(exact), columns.reshape(node.groups, taps.shape[2], -1))
    return sums.reshape(channels_out, *pixels)


def _run_together(graph: Graph, images: np.ndarray) -> np.ndarray:
    """`run_batch` of few images; a map is dropped after its last reader."""
    last_reader = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    last_reader[graph.output] = len(graph.nodes)
    maps = {graph.input: images.transpose(1, 0, 2, 3)}
    for index, node in enumerate(graph.nodes):
        maps[node.output] = run_node(graph, node, maps)
        for name in [name for name in maps if last_reader.get(name, index) <= index]:
            del maps[name]
    return maps[graph.output].transpose(1, 0, 2, 3)


def _check_images(graph: Graph, images: np.ndarray, shape: tuple[int, ...]) -> None:
    if images.dtype != np.uint8 or images.shape != shape:
        raise FirelaneError("image", f"{images.dtype} of shape {images.shape}",
                            hint=f"the network {graph.name!r} wants uint8 of shape {shape}")
