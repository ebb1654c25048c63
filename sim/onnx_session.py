"""ONNX Runtime beside the reference: every quantized tensor of a model.

Without optimisation ONNX Runtime computes what the QDQ graph says: floats between DequantizeLinear and QuantizeLinear,
rounded half to even. The reference rounds ties up and approximates each float scale by 16 bits and a shift, so that
single values may differ by one step (LSB). With its default optimisation ONNX Runtime fuses to integer kernels; those
for uint8 activations saturate 16-bit sums on x86 without VNNI and can be wrong by tens of steps.
"""

from __future__ import annotations

import json
from collections.abc import Container
from pathlib import Path

import numpy as np
import onnx
from onnxruntime import GraphOptimizationLevel

from firelane.compiler.ir.graph import HOST_OPERATORS, Graph, Tensor
from firelane.compiler.onnx_import import CHANNELS_LAST
from firelane.compiler.support.onnx_runtime import open_session, session_options

INT8_OFFSET = 128                      # the IR stores int8 with this added


class OnnxSession:
    """A quantized model in ONNX Runtime, all its 8-bit activation tensors exposed.

    Parameters
    ----------
    source : an .onnx file that `compiler.onnx_import.load_graph` reads, or what it holds
    optimise : bool
        Use ONNX Runtime's default optimisation instead of none.
    only : container of str, optional
        Names of tensors to expose; all if not given.
    """

    def __init__(self, source: str | Path | onnx.ModelProto, *, optimise: bool = False,
                 only: Container[str] | None = None):
        model = onnx.ModelProto()
        model.CopyFrom(source if isinstance(source, onnx.ModelProto) else onnx.load(str(source)))
        constants = {tensor.name for tensor in model.graph.initializer}
        present = {value.name for value in model.graph.output}
        made = {name for node in model.graph.node for name in node.output
                if name and name not in present and (only is None or name in only)}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(made))
        options = session_options(GraphOptimizationLevel.ORT_ENABLE_ALL if optimise else
                                  GraphOptimizationLevel.ORT_DISABLE_ALL)
        everything = open_session(model, options)
        types = {value.name: value.type for value in everything.get_outputs()}
        self._names = [name for name, type_ in types.items() if type_ in ("tensor(uint8)", "tensor(int8)")]
        if optimise:                                     # exposing float tensors would forbid the fusions
            del model.graph.output[:]
            model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self._names)
            everything = open_session(model, options)
        self._session, self._output = everything, everything.get_outputs()[0]
        self._input = next(value for value in model.graph.input if value.name not in constants)

    def result(self, graph: Graph, image: np.ndarray) -> np.ndarray | None:
        """The model's own output as real numbers, (C, H, W); None if the host computes it, or it is not float."""
        if self._output.type != "tensor(float)" or graph.metadata.get(HOST_OPERATORS):
            return None
        values = self._session.run([self._output.name], {self._input.name: self._feed(graph, image)})[0]
        return _as_map(values, graph.tensors[graph.output], values.ndim == 4 and graph.output in channels_last(graph))

    def _feed(self, graph: Graph, image: np.ndarray) -> np.ndarray:
        feed = fed(image, graph.tensors[graph.input], self._input.type.tensor_type.elem_type)
        return feed.transpose(0, 2, 3, 1) if self._input.name in channels_last(graph) else feed

    def run(self, graph: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
        """Every tensor of `graph` that the model has under the same name.

        Parameters
        ----------
        image : uint8 (C, H, W)
            Stored values of the graph's input.

        Returns
        -------
        tensor name -> uint8 (C, H, W).
        """
        names = [name for name in self._names if name in graph.tensors]
        last = channels_last(graph)
        found = dict(zip(names, self._session.run(names, {self._input.name: self._feed(graph, image)})))
        maps = {name: _as_map(stored(values), graph.tensors[name], name in last) for name, values in found.items()}
        return {graph.input: image, **maps}


def fed(image: np.ndarray, source: Tensor, kind: int) -> np.ndarray:
    """What ONNX Runtime is given for an image, (1, C, H, W).

    Parameters
    ----------
    image : uint8 (C, H, W)
        Stored values of the graph's input tensor `source`.
    kind : int
        Element type of the model's input (onnx.TensorProto.DataType): UINT8, INT8, else float32.
    """
    if kind == onnx.TensorProto.UINT8:
        return image[None]
    if kind == onnx.TensorProto.INT8:
        return (image[None].astype(np.int16) - INT8_OFFSET).astype(np.int8)
    return ((image[None].astype(np.int16) - source.zero_point) * np.float32(source.scale)).astype(np.float32)


def stored(values: np.ndarray) -> np.ndarray:
    """uint8 as the IR has it, from int8 or uint8."""
    return (values.astype(np.int16) + INT8_OFFSET).astype(np.uint8) if values.dtype == np.int8 else values


def channels_last(graph: Graph) -> set[str]:
    """Names of tensors that the ONNX model has with channels last."""
    return set(json.loads(graph.metadata.get(CHANNELS_LAST, "[]")))


def _as_map(values: np.ndarray, tensor: Tensor, last: bool) -> np.ndarray:
    """The values as (C, H, W), from channels last if `last`."""
    if last:
        return values.reshape(*tensor.shape[1:], tensor.channels).transpose(2, 0, 1)
    return values.reshape(tensor.shape)
