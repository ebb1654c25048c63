"""Float ONNX models that are to be quantized, read and brought into the form that quantization needs."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper

from firelane.compiler.onnx_import.reader import Source, one_line, order_nodes, read_input, read_output, read_source
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.files import write_file

__all__ = ["quiet_root_logger", "read_float_model", "write_model"]

OPSET = 13                             # the first whose DequantizeLinear has an axis
QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger")
FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
TO_BE_FOLDED = frozenset({"BatchNormalization", "Constant", "ConstantOfShape"})


def read_float_model(source: Source) -> onnx.ModelProto:
    """A float model with one image input of fixed size, batch 1 and one output; nodes in order, opset 13 at least.

    It is read from a file, or is a copy of one in memory.

    Raises
    ------
    ModelError
        If it is something else, is damaged, quantized already, or has weights that are not finite.
    """
    model, path = read_source(source)
    _refuse_quantized(model, str(path))
    image = read_input(model.graph)
    if image.element_type != TensorProto.FLOAT:
        raise ModelError(f"input {image.name}", f"element type {image.element_type} (onnx.TensorProto.DataType)",
                         hint="a float32 model is wanted")
    read_output(model.graph)
    ordered, problems = order_nodes(model.graph)
    if problems:
        raise problems[0]
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    _refuse_bad_weights(model)
    _one_plain_input(model, image.name)
    try:
        onnx.checker.check_model(model, full_check=True)
        return _modern(model)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, onnx.version_converter.ConvertError,
            ValueError, RuntimeError) as error:
        raise ModelError(str(path), f"not a valid model ({one_line(error)})", hint="export it again") from None


def write_model(model: onnx.ModelProto, path: str | Path) -> None:
    """Write the whole file or nothing.

    Raises
    ------
    FirelaneError
        If it cannot be written.
    """
    write_file(path, model.SerializeToString(deterministic=True), "--output")


@contextmanager
def quiet_root_logger() -> Iterator[None]:
    """ONNX Runtime's quantizer gives advice to the root logger: not to our users."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def _refuse_quantized(model: onnx.ModelProto, where: str) -> None:
    for node in model.graph.node:
        if node.op_type in QUANTIZED or node.op_type.startswith("QLinear"):
            raise ModelError(where, f"is quantized already ({node.op_type} {node.name})", hint="compile it as it is")


def _refuse_bad_weights(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if tensor.data_type not in FLOATS:
            continue
        values = numpy_helper.to_array(tensor)
        bad = values.size - np.count_nonzero(np.isfinite(values))
        if bad:
            raise ModelError(f"initializer {tensor.name}", f"{bad} of {values.size} values are not finite numbers",
                             hint="train or export the model again")


def _one_plain_input(model: onnx.ModelProto, source: str) -> None:
    """Leave only the image among the inputs (old files list their weights there), with a batch of 1."""
    value = next(value for value in model.graph.input if value.name == source)
    value.type.tensor_type.shape.dim[0].dim_value = 1
    for other in [other for other in model.graph.input if other.name != source]:
        model.graph.input.remove(other)
    model.ir_version = max(model.ir_version, 4)          # before that every initializer had to be an input


def _modern(model: onnx.ModelProto) -> onnx.ModelProto:
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)
    if opset < OPSET:
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        model = onnx.version_converter.convert_version(model, OPSET)
        onnx.helper.set_model_props(model, metadata)
    if TO_BE_FOLDED.isdisjoint(node.op_type for node in model.graph.node):
        return model
    return _folded(model)


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with constants and batch normalization folded, by ONNX Runtime's basic optimization."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "folded.onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        except Exception as error:                       # it has a class of its own for each kind of failure
            raise ValueError(one_line(error)) from None
        folded = onnx.load(path)
    onnx.helper.set_model_props(folded, {entry.key: entry.value for entry in model.metadata_props})
    return onnx.shape_inference.infer_shapes(folded)
