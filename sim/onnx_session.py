"""ONNX Runtime beside the reference: every quantized tensor of a model.

Without optimisation ONNX Runtime computes what the QDQ graph says: floats between DequantizeLinear and QuantizeLinear,
rounded half to even. The reference rounds ties up and approximates each float scale by 16 bits and a shift, so that
single values may differ by one step (LSB). With its default optimisation ONNX Runtime fuses to integer kernels; those
for uint8 activations saturate 16-bit sums on x86 without VNNI and can be wrong by tens of steps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from firelane.compiler.ir.graph import Graph, Tensor

INT8_OFFSET = 128                      # the IR stores int8 with this added


class OnnxSession:
    """A quantized model in ONNX Runtime, all its 8-bit activation tensors exposed.

    Parameters
    ----------
    path : of an .onnx file that `compiler.onnx_import.load_graph` reads
    optimise : bool
        Use ONNX Runtime's default optimisation instead of none.
    """

    def __init__(self, path: str | Path, *, optimise: bool = False):
        model = onnx.load(str(path))
        constants = {tensor.name for tensor in model.graph.initializer}
        present = {value.name for value in model.graph.output}
        made = {name for node in model.graph.node for name in node.output if name and name not in present}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(made))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.graph_optimization_level = (onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL if optimise else
                                            onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
        everything = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        types = {value.name: value.type for value in everything.get_outputs()}
        self._names = [name for name, type_ in types.items() if type_ in ("tensor(uint8)", "tensor(int8)")]
        if optimise:                                     # exposing float tensors would forbid the fusions
            del model.graph.output[:]
            model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self._names)
            everything = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        self._session = everything
        self._input = next(value for value in model.graph.input if value.name not in constants)

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
        feed = fed(image, graph.tensors[graph.input], self._input.type.tensor_type.elem_type)
        found = dict(zip(names, self._session.run(names, {self._input.name: feed})))
        found.setdefault(graph.input, image)
        return {name: stored(values).reshape(graph.tensors[name].shape) for name, values in found.items()}


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
