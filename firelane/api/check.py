"""The last step of what makes a network or a program: it is held against ONNX Runtime on what was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from firelane.api.network import Network
from firelane.compiler.frame_io.preprocessing import preprocessing_of, stored_values
from firelane.compiler.ir.graph import Graph
from firelane.compiler.quantize.calibrated import Calibrated
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.progress import Progress
from firelane.sim.evaluate.quantization_check import check_quantization
from firelane.sim.validate import Agreement, validate, validate_rewriting

STAGE = "comparing with ONNX Runtime"


def check_graph(graph: Graph, model: onnx.ModelProto, progress: Progress,
                images: Sequence[np.ndarray] = ()) -> Agreement:
    """How near a quantized network, as it is compiled, is to ONNX Runtime.

    Raises
    ------
    ModelError
        If they differ, or ONNX Runtime refuses the model.
    """
    progress(STAGE, 0, None)
    return validate(graph, model, images)


def check_quantized(given: Network, source: Calibrated, made: Network, progress: Progress, *,
                    rounded: bool = False) -> Agreement:
    """The same of a network that was quantized or compressed here, and the model as it was before that, with the given.

    If it is `rounded` and nothing else, each of its layers is held against the float model's.

    Raises
    ------
    ModelError
        If one of them differs.
    """
    progress(STAGE, 0, None)
    if not given.quantized:
        validate_rewriting(given.source, source.model, source.images, recorded=source.recorded,
                           taken=preprocessing_of(metadata(source.model)))
    images = [stored_values(made.graph, source.images[index]) for index in range(min(len(source.images), 2))]
    agreement = validate(made.graph, made.model, images)
    if rounded:
        check_quantization(made.graph, made.model, source.model, images[0])
    return agreement
