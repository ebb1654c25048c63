"""Measure the digit networks of `models/` and write their record, `digits.json`. Needs no torch.

    python -m firelane.sim.benchmark.record_digits

Accuracies are counted on the held-out part. ONNX Runtime runs with its graph optimizations off: its fused int8
kernels saturate 16-bit pair sums on processors without VNNI, so only the plain graph means the same everywhere.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime import GraphOptimizationLevel

from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.onnx_runtime import open_session, session_options
from firelane.models.digits import load_split, to_network_input
from firelane.models.drawn_digits import Digits
from firelane.models.making.variants import FOLDER, RECORD, VARIANTS, Variant
from firelane.sim.reference import run_batch

__all__ = ["accuracy", "densities", "int8_weights", "main", "record",
           "reference_accuracy", "write_record"]

_PACKAGES = ("numpy", "scikit-learn", "Pillow", "onnx", "onnxruntime", "torch")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def int8_weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Layer name -> int8 (O, I, K, K), of every convolution of a QDQ graph."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    stored = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    return {node.name: numpy_helper.to_array(constants[stored[node.input[1]]])
            for node in model.graph.node if node.op_type == "Conv"}


def densities(weights: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Layer name -> share of weights that are not zero."""
    return {name: round(float(np.count_nonzero(values) / values.size), 4) for name, values in weights.items()}


def accuracy(path: Path, data: Digits) -> float:
    """Share of `data` that ONNX Runtime names correctly, one image at a time."""
    running = open_session(onnx.load(path), session_options(GraphOptimizationLevel.ORT_DISABLE_ALL))
    named = [int(running.run(None, {"image": image[np.newaxis]})[0].argmax())
             for image in to_network_input(data.images)]
    return _share(np.array(named), data)


def reference_accuracy(path: Path, data: Digits) -> float:
    """The same for the integer reference (`sim/reference.py`), which is what the engine computes."""
    scores = run_batch(load_graph(path), np.ascontiguousarray(data.images.transpose(0, 3, 1, 2)))
    return _share(scores.reshape(len(data), -1).argmax(axis=1), data)


def _share(named: np.ndarray, data: Digits) -> float:
    return round(float(np.mean(named == data.labels)), 6)


def _network_record(variant: Variant, folder: Path, held_out: Digits) -> dict:
    path, float_path = folder / variant.file, folder / variant.float_file
    weights = int8_weights(onnx.load(path))
    return {
        "file": variant.file,
        "sha256": digest(path),
        "float_file": variant.float_file,
        "float_sha256": digest(float_path),
        "accuracy_float": accuracy(float_path, held_out),
        "accuracy_onnxruntime": accuracy(path, held_out),
        "accuracy_reference": reference_accuracy(path, held_out),
        "parameters": sum(values.size for values in weights.values()),
        "nonzero_parameters": sum(int(np.count_nonzero(values)) for values in weights.values()),
        "density": densities(weights),
        "distinct_weights": {name: len(np.unique(values)) for name, values in weights.items()},
    }


def _versions(folder: Path) -> dict[str, str]:
    """Versions in use; torch keeps the version last recorded where it is not installed."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package).split("+")[0]
        except metadata.PackageNotFoundError:
            versions[package] = _recorded(folder).get("versions", {}).get(package)
    return versions


def _recorded(folder: Path) -> dict:
    path = folder / RECORD
    return json.loads(path.read_text()) if path.exists() else {}


def record(folder: Path = FOLDER) -> dict:
    """Everything that `digits.json` says about the networks that exist in `folder`."""
    train, held_out = load_split()
    return {
        "training_images": len(train),
        "held_out_images": len(held_out),
        "held_out_sha256": hashlib.sha256(held_out.images.tobytes() + held_out.labels.tobytes()).hexdigest(),
        "networks": {variant.name: _network_record(variant, folder, held_out)
                     for variant in VARIANTS if (folder / variant.file).exists()},
        "versions": _versions(folder),
    }


def write_record(facts: dict, folder: Path = FOLDER) -> None:
    (folder / RECORD).write_text(json.dumps(facts, indent=2) + "\n")


def main() -> int:
    write_record(record())
    return 0


if __name__ == "__main__":
    sys.exit(main())
