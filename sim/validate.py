"""Translation validation: what was made of a model is held against ONNX Runtime on the model itself.

`validate` compares the graph that the compiler read with the quantized file, layer by layer on ONNX Runtime's own
inputs, where single values may differ by one step (see `sim.onnx_session`). Every tensor that ONNX Runtime has is
compared, the result among them, so nothing of the network is left out; how far such steps carry from the image to the
result is told, and no error: scales may magnify them. Where channels were put in another order, layers read and make
what ONNX Runtime has not: then the layers are compared as they were read, and the graph with those, by its result, to
the last bit.
`validate_rewriting` compares a float model with the one that `quantize` made of it before it quantized.

Both are cheap: a few images of noise, and of the user's where there are some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime import GraphOptimizationLevel

from firelane.compiler.frame_io.preprocessing import Preprocessing
from firelane.compiler.ir.graph import HOST_OPERATORS, Conv, Graph, Select
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import Source, one_line, read_input, read_source
from firelane.compiler.passes import WEIGHTS_AS_GIVEN
from firelane.compiler.quantize.float_types import as_float32
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.onnx_runtime import open_session, session_options
from firelane.sim.onnx_session import OnnxSession
from firelane.sim.qdq_form import in_qdq_form
from firelane.sim.reference import run, run_node

LAYER_LSB = 1                          # steps by which a layer may differ on the same inputs
WORK = 2_500_000_000                   # multiplications of all images
IMAGES_MAX = 4
COLUMNS_MAX = 1 << 27                  # numbers that the reference unfolds for one convolution: half a GB
REWRITING_TOLERANCE = 1e-3             # of the largest value: float32 sums in another order
INPUT_KINDS: dict[str, type] = {"tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(uint8)": np.uint8}
CHOOSING = frozenset({"Split", "Slice", "Gather", "Transpose"})      # operators that choose channels
REPORT = "this is a fault of firelane: please report it with the model; --no-check goes on all the same"


@dataclass(frozen=True)
class Agreement:
    """How near to ONNX Runtime a network is.

    Parameters
    ----------
    images : that were compared; 0 for a network that is too large
    tensors, values, differing : that were compared, and values that differ by one step, layer by layer
    whole_lsb : the largest difference of the result, from the image alone
    """

    images: int
    tensors: int = 0
    values: int = 0
    differing: int = 0
    whole_lsb: int = 0

    def __str__(self) -> str:
        if not self.images:
            return "too large to be compared with ONNX Runtime"
        if not self.tensors:
            return "not compared with ONNX Runtime: none of its tensors has 8 bits there"
        share = self.differing / max(self.values, 1)
        return (f"equals ONNX Runtime: {counted(self.tensors, 'tensor')} of {counted(self.images, 'image')}, "
                f"{share:.2%} of their values one step apart, the result at most {self.whole_lsb}")


def validate(graph: Graph, model: Source, images: Sequence[np.ndarray] = (), *,
             seed: int = 0) -> Agreement:
    """Compare `graph` with ONNX Runtime on the quantized model that it was read from.

    Parameters
    ----------
    model : the model, or its path
    images : uint8 (C, H, W) each, stored values of the network's input; as many are used as time allows

    Raises
    ------
    ModelError
        If ONNX Runtime refuses the model, or a layer differs by more than `LAYER_LSB`; the first one is named.
    """
    if _too_large(graph):
        return Agreement(images=0)
    loaded, where = read_source(model)
    layers = _as_read(graph, loaded, where)
    try:
        session = OnnxSession(in_qdq_form(loaded), only=layers.tensors)
    except Exception as error:         # ONNX Runtime has a class of its own for each kind of failure
        raise _refused(str(where), error) from None
    agreement = Agreement(images=0)
    for image in _chosen(graph, images, seed):
        try:
            theirs = session.run(layers, image)
            result = None if layers.output in theirs else session.result(layers, image)
        except Exception as error:
            raise _refused(str(where), error) from None
        agreement = _compared(layers, image, theirs, result, agreement)
        if layers is not graph and not np.array_equal(run(graph, image)[graph.output],
                                                      run(layers, image)[layers.output]):
            raise ModelError(graph.name, "its result is another where channels were put in their order", hint=REPORT)
    return agreement


def _as_read(graph: Graph, model: onnx.ModelProto, where: Path) -> Graph:
    """The graph of the model before Selects joined other layers; `graph` itself where there are none."""
    if not any(node.op_type in CHOOSING for node in model.graph.node):
        return graph
    read = graph_of(model, where, WEIGHTS_AS_GIVEN)
    return read if any(isinstance(node, Select) for node in read.nodes) else graph


def _refused(where: str, error: Exception) -> ModelError:
    return ModelError(where, f"ONNX Runtime refuses it ({one_line(error)})",
                      hint="export or quantize the model again; --no-check goes on without its opinion")


def _too_large(graph: Graph) -> bool:
    unfolded = (graph.tensors[node.inputs[0]].channels * node.weight.shape[2] * node.weight.shape[3]
                * graph.tensors[node.output].height * graph.tensors[node.output].width
                for node in graph.nodes if isinstance(node, Conv))
    return max(unfolded, default=0) > COLUMNS_MAX


def _chosen(graph: Graph, images: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    """Noise first, then the user's images, then more noise, as far as `WORK` goes."""
    work = sum(node.weight.size * graph.tensors[node.output].height * graph.tensors[node.output].width
               for node in graph.nodes if isinstance(node, Conv))
    count = int(min(max(WORK // max(work, 1), 1), IMAGES_MAX))
    rng, shape = np.random.default_rng(seed), graph.tensors[graph.input].shape
    given = [images[index] for index in range(min(len(images), max(count - 1, 0)))]
    noise = [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(count - len(given))]
    return noise[:1] + given + noise[1:]


def _compared(graph: Graph, image: np.ndarray, theirs: dict[str, np.ndarray], result: np.ndarray | None,
              before: Agreement) -> Agreement:
    """`before`, and this image; `result` is ONNX Runtime's float output where it has the meaning of ours."""
    apart = {graph.input: image[:, None]}                # each layer from ONNX Runtime's inputs
    alone = dict(apart)                                  # from the image alone
    tensors, values, differing = 0, 0, 0
    for node in graph.nodes:
        ours = run_node(graph, node, apart)
        alone[node.output] = run_node(graph, node, alone)
        other = theirs.get(node.output)
        if other is not None:
            steps = np.abs(ours[:, 0].astype(np.int16) - other)
            if steps.max() > LAYER_LSB:
                raise _difference(node.name, node.output, steps)
            tensors, values = tensors + 1, values + steps.size
            differing += int(np.count_nonzero(steps))
        apart[node.output] = ours if other is None else other[:, None]
    if graph.output not in theirs and result is None and not graph.metadata.get(HOST_OPERATORS):
        raise ModelError(graph.name, f"its result {graph.output} is not found in ONNX Runtime's", hint=REPORT)
    if graph.output not in theirs and result is not None:
        steps = _result_steps(graph, apart[graph.output][:, 0], result)
        tensors, values = tensors + 1, values + steps.size
        differing += int(np.count_nonzero(np.rint(steps)))
    whole = _whole(graph, alone[graph.output][:, 0], apart[graph.output][:, 0], theirs.get(graph.output), result)
    return Agreement(before.images + 1, max(before.tensors, tensors), before.values + values,
                     before.differing + differing, max(before.whole_lsb, whole))


def _result_steps(graph: Graph, apart: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Steps between our result and a float output, which is of an average that nothing rounds there.

    An average lies between what it is of, so that one outside of what our tensor holds is a difference too.
    """
    steps = np.abs(_in_steps(graph, result) - apart)
    if steps.max() > LAYER_LSB:
        raise _difference(graph.nodes[-1].name, graph.output, np.rint(steps).astype(int))
    return steps


def _whole(graph: Graph, alone: np.ndarray, apart: np.ndarray, theirs: np.ndarray | None,
           result: np.ndarray | None) -> int:
    """Steps between our result and ONNX Runtime's, from the image alone."""
    if theirs is None:
        theirs = apart if result is None else _in_steps(graph, result)
    return int(np.abs(alone.astype(np.float64) - np.rint(theirs)).max())


def _in_steps(graph: Graph, result: np.ndarray) -> np.ndarray:
    """Real values of the result as stored ones, neither rounded nor clamped."""
    tensor = graph.tensors[graph.output]
    return result.astype(np.float64) / tensor.scale + tensor.zero_point


def _difference(node: str, tensor: str, steps: np.ndarray) -> ModelError:
    worst = np.unravel_index(int(np.argmax(steps)), steps.shape)
    place = ", ".join(f"{name} {int(index)}" for name, index in zip(("channel", "row", "column"), worst))
    far = f"{np.count_nonzero(steps > LAYER_LSB)} of {steps.size} values by more than {LAYER_LSB}"
    return ModelError(node, f"differs from ONNX Runtime by {int(steps.max())} steps at {place} of {tensor}, {far}",
                      hint=REPORT)


def validate_rewriting(given: Source, rewritten: onnx.ModelProto, images: Sequence[np.ndarray] = (), *,
                       recorded: Preprocessing | None = None, taken: Preprocessing | None = None,
                       seed: int = 0) -> float:
    """Compare a float model with what `quantize` made of it; returns the largest difference, relative to the result.

    Parameters
    ----------
    given : the user's file or model
    rewritten : as `compiler.quantize.calibrated.read_calibrated` gives it
    images : float32 (C, H, W) each, values of the rewritten model's input
    recorded, taken : how pixels become the inputs of both, where that was moved from one into the other

    Raises
    ------
    ModelError
        If ONNX Runtime refuses one, the results differ, or are not finite.
    """
    source, (original, where) = read_input(rewritten.graph), read_source(given)
    rng, worst = np.random.default_rng(seed), 0.0
    noise = rng.integers(0, 256, source.dims).astype(np.float32) if taken is not None else \
        rng.normal(0, 1, source.dims).astype(np.float32)
    if taken is not None:
        noise = np.asarray(taken.real(noise), np.float32)
    try:
        sessions = [_given_session(original), _float_session(rewritten)]
        for image in [noise, *(images[index] for index in range(min(len(images), 1)))]:
            real = image
            if recorded is not None and taken is not None and recorded != taken:
                real = recorded.real(taken.pixels(image))
            last = read_input(original.graph).last
            theirs, ours = (session.run(None, {session.get_inputs()[0].name: _as_input(session, values)})[0].ravel()
                            for session, values in zip(sessions, (real.transpose(1, 2, 0) if last else real, image)))
            if theirs.shape != ours.shape:
                raise ModelError(str(where), f"{theirs.size} results became {ours.size}", hint=REPORT)
            _refuse_infinite(where, theirs, "noise" if image is noise else "the first calibration image")
            largest = float(np.abs(theirs.astype(np.float64)).max(initial=1e-6))
            apart = float(np.abs(theirs.astype(np.float64) - ours).max(initial=0.0)) / largest
            worst = float(np.maximum(worst, apart))      # no number if that is none
    except ModelError:
        raise
    except Exception as error:
        raise _refused(str(where), error) from None
    halves = any(tensor.data_type in (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
                 for tensor in original.graph.initializer)
    if not worst <= REWRITING_TOLERANCE * (50 if halves else 1):       # float16 itself is good for three digits
        raise ModelError(str(where), "brought into the form that is quantized, its results differ by "
                                     f"{worst:.2g} of the largest", hint=REPORT)
    return worst


def _refuse_infinite(where: Path, values: np.ndarray, on: str) -> None:
    """Refuse a result of ONNX Runtime with which nothing can be compared."""
    bad = values.size - np.count_nonzero(np.isfinite(values))
    if bad:
        raise ModelError(str(where), f"{bad} of {values.size} results of ONNX Runtime on {on} are not finite numbers",
                         hint="train or export the model again")


def _given_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """The user's model; as float32 if it is in floats for which ONNX Runtime has no operators (float64, bfloat16)."""
    try:
        return _float_session(model)
    except Exception:                  # of a class of its own for each kind of failure
        widened = as_float32(model)
        if widened is model:
            raise
        return _float_session(widened)


def _float_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return open_session(model, session_options(GraphOptimizationLevel.ORT_DISABLE_ALL))


def _as_input(session: onnxruntime.InferenceSession, image: np.ndarray) -> np.ndarray:
    """The image in a batch of 1, in the type that the model wants."""
    kind = INPUT_KINDS.get(session.get_inputs()[0].type, np.float32)
    values = np.rint(image) if kind is np.uint8 else image
    return np.ascontiguousarray(values[None], kind)
