"""The order of an image's bytes on their way into the engine."""

from __future__ import annotations

import numpy as np


def stream_bytes(image: np.ndarray) -> bytes:
    """The bytes of s_axis for an image, uint8 (C, H, W): by rows, columns, channels."""
    return np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes()
