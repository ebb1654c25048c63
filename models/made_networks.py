"""Networks of `models.catalogue` that are built and quantized here when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from firelane.compiler.frame_io.preprocessing import Preprocessing, preprocessing_of, record_preprocessing
from firelane.compiler.onnx_import.reader import read_input
from firelane.compiler.quantize.calibration_images import calibration_images
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import fold_preprocessing, metadata
from firelane.compiler.quantize.model_file import write_model
from firelane.compiler.quantize.quantize import quantize
from firelane.compiler.support.progress import Progress
from firelane.models.comparison import comparison_graph
from firelane.models.comparison.networks import COMPARISON, drawn
from firelane.models.deep_compression import decode, network
from firelane.models.made_images import made_images
from firelane.models.published_data import Published
from firelane.models.squeezenet import NETWORKS
from firelane.models.squeezenet_graph import build
from firelane.models.squeezenet_weights import published_densities, random_parameters

LIGHT = "light_squeezenet"
WEIGHT_SEED, IMAGE_SEED = 1, 2
MADE_IMAGES = 16                        # to calibrate with


def make(path: Path, name: str, size: int, published: Published | None, progress: Progress,
         dense: bool = False) -> None:
    """Build and quantize; the file appears when it is complete. Without quantization what no engine can compute.

    With `dense` random weights are not pruned.
    """
    progress(f"building {name}", 0, None)
    model = fold_preprocessing(_float_model(name, size, published, dense))
    if name in COMPARISON and COMPARISON[name].only_cost:
        write_model(model, path, "FIRELANE_BUILD")
        return
    shape, record = read_input(model.graph).dims, preprocessing_of(metadata(model))
    assert record is not None, "every float model here has one"
    images: Sequence[np.ndarray]
    if published:
        folder = published.photographs[0].parent
        images = calibration_images(folder, shape, record, record, len(published.photographs))
    else:
        images = [record.real(image) for image in made_images(MADE_IMAGES, shape, seed=IMAGE_SEED)]
    quantized = quantize(model, images, progress=lambda stage, done: progress(
        f"quantizing {name}: {stage}", done, len(images)))
    write_model(quantized, path, "FIRELANE_BUILD")


def _float_model(name: str, size: int, published: Published | None, dense: bool) -> onnx.ModelProto:
    """The network before it is quantized, with the record of how images get into it."""
    if published:
        return network(decode(published.weights), input_size=size)
    if name == LIGHT:
        return _light_model()
    if name in COMPARISON:
        net = drawn(name, size)
        return comparison_graph.build(name, net, *random_parameters(net.convolutions, seed=WEIGHT_SEED, densities={}))
    densities = {} if dense else published_densities(NETWORKS[name].convolutions)
    return build(name, input_size=size, seed=WEIGHT_SEED, densities=densities)


def _light_model() -> onnx.ModelProto:
    """The model as its exporter wrote it, and the record that it did not write."""
    source = Path(onnx.__file__).parent / f"backend/test/data/light/{LIGHT}.onnx"
    return record_preprocessing(read_float_model(source), Preprocessing(channels="RGB", resize=256))
