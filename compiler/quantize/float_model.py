"""Float ONNX models that are to be quantized, read and brought into the form that quantization needs."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto
from onnxruntime import GraphOptimizationLevel

from firelane.compiler.frame_io.preprocessing import CHANNELS, Preprocessing, preprocessing_of, record_preprocessing
from firelane.compiler.ir import limits
from firelane.compiler.onnx_import import refuse_unsupported
from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.onnx_import.reader import Source, one_line, read_input, read_source, type_name
from firelane.compiler.onnx_import.standard import StandardErrors, admitted, opset_of
from firelane.compiler.quantize import canonical
from firelane.compiler.quantize.finite import check_folded, check_variances
from firelane.compiler.quantize.float_types import as_float32, takes_bytes
from firelane.compiler.quantize.partly_quantized import is_quantized
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.onnx_runtime import FATAL, WARNING, open_session, session_options

__all__ = ["quiet_root_logger", "read_float_model"]

OPSET = 13                             # the first whose DequantizeLinear has an axis
# What needs no folding; a model of these alone is quantized as it is.
CORE = frozenset({"Add", "AveragePool", "Clip", "Concat", "Conv", "Dropout", "Flatten", "Gemm", "GlobalAveragePool",
                  "MatMul", "MaxPool", "Relu", "Reshape", "Softmax"})
FOLDED = frozenset({"BatchNormalization", "Pad"})      # what the importer does not know, and never gets to see


def read_float_model(source: Source) -> onnx.ModelProto:
    """A float model with one image input of fixed size, batch 1 and one output; nodes in order, opset 13 at least.

    It is read from a file, or is a copy of one in memory.

    Raises
    ------
    ModelError
        If it is something else, is damaged, quantized already, or has weights that are not finite.
    """
    model, path = read_source(source)
    if is_quantized(model):
        raise ModelError(str(path), "is quantized already", hint="compile it as it is")
    bytes_in, model = takes_bytes(model), as_float32(model)
    count = sum(node.op_type != "Constant" for node in model.graph.node)
    limits.check_nodes(str(path), count, limits.FLOAT_NODES_MAX)
    image = read_input(model.graph)
    if image.element_type != TensorProto.FLOAT:
        raise ModelError(f"input {image.name}", f"is {type_name(image.element_type)}",
                         hint="float32, or uint8 with a Cast to float32 behind it, is possible")
    try:
        check_variances(model.graph)
        model = admitted(model, Path(path))
        refuse_unsupported(model.graph, also=FOLDED)
        _one_plain_input(model, image.name)
        model = _modern(canonical.channels_first(canonical.without_copies(model)))
        with np.errstate(all="ignore"):                  # what comes of it is looked at
            model = canonical.rewritten(canonical.without_copies(model))
        check_folded(model.graph)
        limits.check_nodes(f"{path}, rewritten for quantization", len(model.graph.node), limits.QUANTIZED_NODES_MAX)
        refuse_unsupported(model.graph)
        return _recording_bytes(model, image.dims[0]) if bytes_in else model
    except StandardErrors as several:
        raise ModelErrors(several.problems) from None
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, onnx.version_converter.ConvertError,
            ValueError, RuntimeError) as error:
        raise ModelError(str(path), f"not a valid model ({one_line(error)})", hint="export it again") from None


def _recording_bytes(model: onnx.ModelProto, channels: int) -> onnx.ModelProto:
    """The model, saying that it takes pixels as they are, unless it says something already."""
    kinds = {count: name for name, count in CHANNELS.items() if name != "BGR"}
    if channels not in kinds or preprocessing_of({entry.key: entry.value for entry in model.metadata_props}):
        return model
    return record_preprocessing(model, Preprocessing(channels=kinds[channels]))


@contextmanager
def quiet_root_logger() -> Iterator[None]:
    """ONNX Runtime's quantizer gives advice to the root logger, it and its sessions warn: not our users."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    onnxruntime.set_default_logger_severity(FATAL)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(before)
        onnxruntime.set_default_logger_severity(WARNING)


def _one_plain_input(model: onnx.ModelProto, source: str) -> None:
    """Leave only the image among the inputs: old files list their weights there."""
    for other in [other for other in model.graph.input if other.name != source]:
        model.graph.input.remove(other)


def _modern(model: onnx.ModelProto) -> onnx.ModelProto:
    if opset_of(model) < OPSET:
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        model = onnx.version_converter.convert_version(_for_converter(model), OPSET)
        model = onnx.shape_inference.infer_shapes(model)
        onnx.helper.set_model_props(model, metadata)
    return model if all(node.op_type in CORE for node in model.graph.node) else _folded(model)


def _for_converter(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without inferred types, which may be others in a newer version, and without unused domains."""
    del model.graph.value_info[:]
    used = {node.domain for node in model.graph.node} | {""}
    for entry in [entry for entry in model.opset_import if entry.domain not in used]:
        model.opset_import.remove(entry)
    return model


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model after ONNX Runtime's basic optimization: constants, BatchNormalization, Transpose, ... folded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "folded.onnx")
        options = session_options(GraphOptimizationLevel.ORT_ENABLE_BASIC)
        options.optimized_model_filepath = str(path)
        try:
            open_session(model, options)
        except Exception as error:                       # it has a class of its own for each kind of failure
            raise ValueError(one_line(error)) from None
        folded = onnx.load(path)
    onnx.helper.set_model_props(folded, {entry.key: entry.value for entry in model.metadata_props})
    return onnx.shape_inference.infer_shapes(folded)
