"""The model that `firelane compress` starts from: a float one, which it quantizes first, or one quantized already."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from firelane.compiler.compress.compressor import Source
from firelane.compiler.compress.quantized_graph import graph_weights, real_weights
from firelane.compiler.frame_io.preprocessing import stored_values
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.ir.graph import Conv, Graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.onnx_import.reader import Source as Model
from firelane.compiler.onnx_import.reader import read_source
from firelane.compiler.passes import WEIGHTS_AS_GIVEN
from firelane.compiler.quantize.calibrated import Calibrated, read_calibrated, read_quantized
from firelane.compiler.quantize.calibration import Method
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.quantize.last_layer import with_last_convolution
from firelane.compiler.quantize.quantize import quantize
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.compiler.support.progress import Progress, silent

LEAST_IMAGES = 8            #: with fewer, second moments say nothing about what the network will see
FEW_IMAGES = 50             #: fewer than these are warned about
EVERY = sys.maxsize         #: images to judge by: as many as there are


@dataclass(frozen=True, eq=False)
class Material:
    """The network; what it was made of; and images: uint8 (C, H, W) each, stored values of its input."""

    source: Source
    calibrated: Calibrated
    images: Sequence[np.ndarray]

    @property
    def warning(self) -> str:
        """What is to be said of so few images, in words; empty if there are enough."""
        count = len(self.images)
        return "" if count >= FEW_IMAGES else (
            f"{count:,} images are few, to compress with and to tell what is lost; {FEW_IMAGES} at least, 100 or more "
            "are better")


def read_material(model: Model, calibration: Images, *, limit: int, method: str = "mse", record: Options | None = None,
                  progress: Progress = silent) -> Material:
    """The network, quantized if need be, and the images.

    Raises
    ------
    FirelaneError
        If the model has layers that cannot be compressed or weights that are not finite, or the images are unusable or
        fewer than `LEAST_IMAGES`.
    """
    calibrated: Calibrated
    if _is_quantized(read_source(model)[0]):
        quantized = read_quantized(model, calibration, limit, record)
        _enough(quantized, calibration)
        calibrated, graph = quantized, quantized.graph
        source = Source(graph, quantized.model, graph_weights(graph))
    else:
        calibrated = read_calibrated(model, calibration, limit, record)
        _enough(calibrated, calibration)
        calibrated = replace(calibrated, model=with_last_convolution(calibrated.model))
        made = quantize(calibrated.model, calibrated.images, method=Method(method),
                        progress=lambda stage, done: progress(f"calibrating: {stage}", done, len(calibrated.images)))
        graph = load_graph(made, WEIGHTS_AS_GIVEN)
        source = Source(graph, made, real_weights(graph, calibrated.model))
    _refuse_without_convolutions(graph)
    return Material(source, calibrated, [stored_values(graph, image) for image in calibrated.images])


def read_others(model: Model, images: Images, graph: Graph, record: Options | None = None) -> list[np.ndarray]:
    """All images of a folder, a file or an array, for `model`, as `Material.images` has them.

    Raises
    ------
    FirelaneError
        If they are unusable, or there are none.
    """
    calibrated = (read_quantized(model, images, EVERY, record) if _is_quantized(read_source(model)[0])
                  else read_calibrated(model, images, EVERY, record))
    return [stored_values(graph, image) for image in calibrated.images]


def _is_quantized(model: onnx.ModelProto) -> bool:
    kinds = {node.op_type for node in model.graph.node}
    operator = next((node for node in model.graph.node if node.op_type.startswith("QLinearConv")), None)
    if operator is not None:
        raise ModelError(operator.name or "model", "is quantized in QOperator form",
                         hint="compress the float model, or a QDQ form of it")
    return "QuantizeLinear" in kinds or "DequantizeLinear" in kinds


def _enough(calibrated: Calibrated, calibration: Images) -> None:
    found = len(calibrated.images)
    if found < LEAST_IMAGES:
        place = "the array" if isinstance(calibration, np.ndarray) else calibration
        raise ConfigError("--calib", f"{counted(found, 'image')} in {place}",
                          hint=f"at least {LEAST_IMAGES} are needed, 100 or more are better")


def _refuse_without_convolutions(graph: Graph) -> None:
    if not any(isinstance(node, Conv) for node in graph.nodes):
        raise ModelError(graph.name, "has no convolution", hint="there is nothing to compress")
