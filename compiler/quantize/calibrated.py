"""A model together with the images that it is calibrated with, both read and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx

from firelane.compiler.frame_io.preprocessing import (
    Preprocessing,
    known_record,
    preprocessing_of,
    record_preprocessing,
)
from firelane.compiler.frame_io.record_options import Options, changed_record, checked_record
from firelane.compiler.frame_io.recorded_model import with_record
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import Source, read_input, read_source
from firelane.compiler.passes import WEIGHTS_AS_GIVEN
from firelane.compiler.quantize.calibration_images import Images, calibration_images
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import fold_preprocessing, metadata
from firelane.compiler.quantize.partly_quantized import is_quantized, read_partly_quantized


@dataclass(frozen=True, eq=False)
class Calibrated:
    """`model`, and `images` float32 (C, H, W) each, values of its input."""

    model: onnx.ModelProto
    images: Sequence[np.ndarray]
    recorded: Preprocessing | None = None      #: how pixels become the input of the model as it was given

    @property
    def takes_pixels(self) -> bool:
        """Whether the input takes pixels 0..255 as they are."""
        taken = preprocessing_of(metadata(self.model))
        return taken is not None and taken.takes_pixels


@dataclass(frozen=True, eq=False)
class CalibratedGraph(Calibrated):
    """The same of a quantized model, with its graph as it was read: weights are those of the file."""

    graph: Graph = field(kw_only=True)


def read_calibrated(model: Source, calibration: Images, limit: int, record: Options | None = None) -> Calibrated:
    """A float model, its preprocessing folded into it where that is exact; or one that is quantized in part.

    Parameters
    ----------
    record : channels, mean, scale, resize as `Preprocessing` has them or as on the command line, where they are given

    Raises
    ------
    FirelaneError
        If model or images cannot be used.
    """
    if is_quantized(read_source(model)[0]):
        return _read_partly_quantized(model, calibration, limit, record or {})
    network = read_float_model(model)
    shape = read_input(network.graph).dims
    recorded = changed_record(preprocessing_of(metadata(network)), shape, record or {})
    if recorded is not None:
        network = record_preprocessing(network, recorded)
    network = fold_preprocessing(network)
    taken = preprocessing_of(metadata(network))
    return Calibrated(network, calibration_images(calibration, shape, recorded, taken, limit), recorded)


def _read_partly_quantized(model: Source, calibration: Images, limit: int, record: Options) -> Calibrated:
    """A model whose last layers somebody left float: `quantize` completes it, and leaves the rest as it is."""
    network = read_partly_quantized(model)
    shape = read_input(network.graph).dims
    recorded = changed_record(preprocessing_of(metadata(network)), shape, record)
    if recorded is not None:
        network = record_preprocessing(network, recorded)
    return Calibrated(network, calibration_images(calibration, shape, recorded, recorded, limit))


def read_quantized(model: Source, calibration: Images, limit: int, record: Options | None = None) -> CalibratedGraph:
    """A model that is quantized already; what `record` says is recorded in it."""
    network, path = read_source(model)
    network = with_record(network, record or {})
    graph = checked_record(graph_of(network, path, WEIGHTS_AS_GIVEN), record or {})
    recorded, shape = known_record(graph), read_input(network.graph).dims
    return CalibratedGraph(network, calibration_images(calibration, shape, recorded, recorded, limit), recorded,
                           graph=graph)
