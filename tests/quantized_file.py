"""A float ONNX file quantized into another one, as `firelane quantize` does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import firelane


def quantize_file(model: Path, calibration: Path | np.ndarray, output: Path, **options) -> str:
    """`firelane.quantize` to a file; in words, what was done."""
    network = firelane.quantize(model, calibration, **options)
    network.save(output)
    return str(network)
