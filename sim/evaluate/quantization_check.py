"""What `quantize` made is held against the float model, layer by layer.

Every layer of the float model gets the values that the integer network really has in front of it. What differs behind
it is then the rounding of its weights and of its result alone, which is small whatever the network; a layer that was
lost or changed is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnxruntime import GraphOptimizationLevel

from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import.kind import is_quantized
from firelane.compiler.onnx_import.reader import one_line, read_input
from firelane.compiler.quantize.scale_groups import scale_groups
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.onnx_runtime import open_session, session_options
from firelane.sim.evaluate.graphs import Pairs, pairs
from firelane.sim.evaluate.job import real_values
from firelane.sim.evaluate.metrics import decibels, energies
from firelane.sim.reference import run

LEAST_DECIBELS = 10.0       #: signal to noise of one layer; int8 weights and uint8 results leave 30 and more
FEW_STEPS = 1.0             #: root of the mean square difference, in steps of the result, that is never too much
HINT = ("look at its weights and at the calibration images; if they are as they should be, please report it with the "
        "model; --no-check goes on all the same")
GIVEN = "/given"            # behind the name of a tensor: the values of the integer network


def check_quantization(graph: Graph, quantized: onnx.ModelProto, original: onnx.ModelProto,
                       image: np.ndarray) -> float | None:
    """Compare each layer of `graph` with that of `original`, on one image that it was calibrated with.

    Parameters
    ----------
    graph : what the compiler reads of `quantized`
    original : float, of the form that was quantized
    image : uint8 (C, H, W), stored values of the input

    Returns
    -------
    The least signal to noise ratio of a layer in dB; None if no tensor has a counterpart.

    Raises
    ------
    ModelError
        If a layer has less than `LEAST_DECIBELS`; the first one is named.
    """
    if is_quantized(original.graph):
        return None
    # Of values that are only moved, the range is that of what is made of them: of maxima, say. They may be clamped.
    compared = set(scale_groups(original.graph).computed_with)
    found = tuple(pair for pair in pairs(quantized.graph, original.graph, graph.tensors) if pair[1] in compared)
    maps = run(graph, image)
    real = {theirs: real_values(graph, ours, maps).astype(np.float32) for ours, theirs in found}
    source = read_input(original.graph)
    real[source.name] = real_values(graph, graph.input, maps).astype(np.float32)
    expected = _of_the_same_inputs(original, source.name, real)
    least = None
    for layer, ours, theirs in _in_order(graph, found):
        if theirs not in expected or expected[theirs].size != real[theirs].size or theirs == source.name:
            continue
        signal, noise = energies(expected[theirs].ravel(), real[theirs].ravel())
        ratio = decibels(signal, noise)
        if noise > real[theirs].size * (FEW_STEPS * graph.tensors[ours].scale) ** 2 and (
                ratio is None or ratio < LEAST_DECIBELS):
            raise ModelError(layer, f"quantized, it has {0.0 if ratio is None else ratio:.1f} dB of signal to noise, "
                                    f"beside the float model with the same inputs; {LEAST_DECIBELS:g} are the least",
                             hint=HINT)
        least = ratio if least is None or (ratio is not None and ratio < least) else least
    return least


def _in_order(graph: Graph, found: Pairs) -> Iterator[tuple[str, str, str]]:
    """Node, its tensor, the float model's tensor, in the order of the graph."""
    counterpart = dict(found)
    for node in graph.nodes:
        if node.output in counterpart:
            yield node.name, node.output, counterpart[node.output]


def _of_the_same_inputs(model: onnx.ModelProto, source: str, real: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors named in `real`, each computed from what `real` holds of those before it."""
    shapes = _shapes(model, source, real)
    given = {name: real[name].reshape(shape) for name, shape in shapes.items() if real[name].size == np.prod(shape)}
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    for node in cut.graph.node:
        for index, name in enumerate(node.input):
            if name in given and name != source:
                node.input[index] = f"{name}{GIVEN}"
    cut.graph.input.extend(helper.make_tensor_value_info(f"{name}{GIVEN}", TensorProto.FLOAT, None)
                           for name in given if name != source)
    feed = {f"{name}{GIVEN}" if name != source else name: values for name, values in given.items()}
    return _run(cut, [name for name in given if name != source], feed)


def _shapes(model: onnx.ModelProto, source: str, real: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """The shapes in the float model of the tensors that `real` names."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    values = _run(whole, [name for name in real if name != source], {source: real[source][None]})
    return {source: (1, *real[source].shape), **{name: value.shape for name, value in values.items()}}


def _run(model: onnx.ModelProto, names: list[str], feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors of a model, which is changed for it: its outputs are these."""
    if not names:                                        # a network of one layer: there is nothing between
        return {}
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    try:
        session = open_session(model, session_options(GraphOptimizationLevel.ORT_DISABLE_ALL))
        wanted = {value.name for value in session.get_inputs()}
        found = session.run(names, {name: values for name, values in feed.items() if name in wanted})
    except Exception as error:                           # it has a class of its own for each kind of failure
        raise ModelError(model.graph.name or "model", f"ONNX Runtime cannot run it ({one_line(error)})",
                         hint="export the model again; --no-check goes on without its opinion") from None
    return dict(zip(names, found))
