"""Images that go over the line at half size: a quarter of the bytes, of each of which the board makes four pixels.

It changes what the network sees, so it is asked for; what results are compared with are those of `doubled(halved())`.
"""

from __future__ import annotations

import numpy as np

from firelane.boards.top.identity import Identity
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.link_protocol import LAYOUT, QUEUE_SPARE

OPTION = "--half-size"


def halved(pixels: np.ndarray) -> np.ndarray:
    """The rounded mean of each 2 x 2 pixels of an image, uint8 (C, H, W)."""
    channels, rows, columns = pixels.shape
    squares = pixels.reshape(channels, rows // 2, 2, columns // 2, 2).astype(np.uint16)
    return ((squares.sum(axis=(2, 4)) + 2) // 4).astype(np.uint8)


def doubled(pixels: np.ndarray) -> np.ndarray:
    """What the board makes of it: each pixel four times."""
    return pixels.repeat(2, axis=1).repeat(2, axis=2)


def half_size_layout(identity: Identity, shape: tuple[int, ...]) -> int:
    """The `LAYOUT` of images that are `shape`, (C, H, W), when the board has doubled them.

    Raises
    ------
    ConfigError
        If the board does not double images, or not these.
    """
    channels, rows, columns = shape
    if not identity.stream_bytes:
        raise ConfigError(OPTION, f"the board {identity.board} does not double images",
                          hint="leave it out; boards that do, have a queue for images: docs/boards.md")
    if rows % 2 or columns % 2:
        raise ConfigError(OPTION, f"the network's images are {columns} x {rows}, which are not twice something",
                          hint="leave it out")
    room = identity.stream_bytes - QUEUE_SPARE
    if channels > 255 or columns // 2 * channels > room:
        raise ConfigError(OPTION, f"half a row has {columns // 2 * channels} bytes, the board holds {room}",
                          hint="leave it out")
    return LAYOUT.const({"double": 1, "pixel_bytes": channels, "row_pixels": columns // 2}).as_value().value
