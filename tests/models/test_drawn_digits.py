"""Digits that are drawn: always the same ones, and the embedded networks can read them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from firelane.models.drawn_digits import CLASSES, COUNT, drawn_digits, enlarged
from firelane.models.making.variants import FOLDER, VARIANTS
from firelane.sim.benchmark.record_digits import accuracy

SHA256 = "edc46e9cb5638f03"        # the beginning of it, of 20 images: documents show what came of these


def test_the_first_ones_are_the_same_whatever_the_count():
    few, more = drawn_digits(20), drawn_digits(30)
    assert np.array_equal(few.images, more.images[:20]) and np.array_equal(few.labels, more.labels[:20])
    assert hashlib.sha256(few.images.tobytes()).hexdigest().startswith(SHA256)


def test_every_digit_is_there_and_no_two_images_are_alike():
    digits = drawn_digits(100)
    assert np.bincount(digits.labels).tolist() == [10] * CLASSES
    assert len({image.tobytes() for image in digits.images}) == 100
    assert digits.images.min() == 0 and digits.images.max() > 200


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_the_networks_read_them(variant):
    assert accuracy(FOLDER / variant.file, drawn_digits(COUNT)) >= 0.99


def test_cells_become_pixels():
    cells = np.zeros((8, 8), np.int64)
    cells[3:5] = 16
    image = enlarged(cells)
    assert image.shape == (56, 56, 1) and image.dtype == np.uint8
    assert image[0, 0, 0] == 0 and image[28, 28, 0] == 255
