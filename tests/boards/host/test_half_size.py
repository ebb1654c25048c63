"""Half an image, what the board makes of it, and who can not have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.boards.host.half_size import doubled, half_size_layout, halved
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.link_protocol import LAYOUT
from tests.boards.host.fake_board import IDENTITY

STREAMING = replace(IDENTITY, stream_bytes=2048)


def test_means_are_rounded():
    pixels = np.array([[[0, 1, 255, 255], [1, 0, 255, 254]], [[3, 3, 0, 0], [3, 4, 0, 1]]], np.uint8)
    assert halved(pixels).tolist() == [[[1, 255]], [[3, 0]]]
    assert doubled(halved(pixels)).tolist() == [[[1, 1, 255, 255]] * 2, [[3, 3, 0, 0]] * 2]


def test_an_image_of_squares_is_kept():
    pixels = np.random.default_rng(1).integers(0, 256, (3, 5, 7), dtype=np.uint8)
    assert (halved(doubled(pixels)) == pixels).all()


def test_the_layout():
    layout = LAYOUT.from_bits(half_size_layout(STREAMING, (3, 224, 224)))
    assert (layout.double, layout.pixel_bytes, layout.row_pixels) == (1, 3, 112)


@pytest.mark.parametrize("identity, shape, said", [
    (IDENTITY, (3, 224, 224), "half_size: the board fake does not double images"),
    (STREAMING, (3, 227, 224), "half_size: the network's images are 224 x 227, which are not twice something"),
    (STREAMING, (3, 2, 1364), "half_size: half a row has 2046 bytes, the board holds 2044"),
])
def test_refused(identity, shape, said):
    with pytest.raises(ConfigError, match=f"^{said}; leave it out"):
        half_size_layout(identity, shape)
