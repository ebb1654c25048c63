"""Views of pictures: small changes that follow from seed, number and content."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from firelane.compiler.frame_io.preprocessing import read_pixels
from firelane.compiler.support.files import digest
from firelane.compiler.train.views import Views

PLAIN = Views(shape=(3, 20, 20), resize=None, mirror=False, seed=0)


@pytest.fixture
def file(tmp_path):
    """A bright square in a corner of a dark picture."""
    pixels = np.full((20, 20, 3), 40, np.uint8)
    pixels[3:9, 3:9] = (240, 200, 160)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def seen(views: Views, file, number: int) -> np.ndarray:
    return views.read(file, digest([file]), number)


def test_the_first_is_the_picture(file):
    assert np.array_equal(seen(PLAIN, file, 0), read_pixels(file, 3, 20, 20))


def test_others_follow_from_seed_and_number(file):
    one = seen(PLAIN, file, 1)
    assert np.array_equal(one, seen(PLAIN, file, 1)) and one.shape == (3, 20, 20) and one.dtype == np.uint8
    assert not np.array_equal(one, seen(PLAIN, file, 2))
    assert not np.array_equal(one, seen(replace(PLAIN, seed=1), file, 1))


def test_the_name_does_not_matter(file, tmp_path):
    (tmp_path / "other.png").write_bytes(file.read_bytes())
    assert np.array_equal(seen(PLAIN, file, 3), seen(PLAIN, tmp_path / "other.png", 3))


def test_changes_are_small(file):
    """The square stays where it was, more or less, and the picture goes on behind its edges."""
    for number in range(1, 30):
        view = seen(PLAIN, file, number).astype(int)
        rows, columns = np.nonzero(view[0] > 120)
        assert 3 < rows.mean() < 9 and 3 < columns.mean() < 9, number
        assert 15 < len(rows) < 60 and view[0, -3:, -3:].max() < 100, number


def test_mirrored_ones(file):
    """About half, if they are wanted."""
    def right(views: Views) -> int:
        return sum(np.nonzero(seen(views, file, number)[0] > 120)[1].mean() > 10 for number in range(1, 41))
    assert right(PLAIN) == 0 and 10 < right(replace(PLAIN, mirror=True)) < 30


def test_gray(file):
    assert seen(replace(PLAIN, shape=(1, 20, 20)), file, 2).shape == (1, 20, 20)


def test_what_is_cut_away_may_come_into_sight(tmp_path):
    """With `resize` the border of the picture is there; without, its edge goes on."""
    pixels = np.full((40, 40, 3), 250, np.uint8)
    pixels[4:-4, 4:-4] = 10
    Image.fromarray(pixels).save(tmp_path / "framed.png")
    views = Views(shape=(3, 32, 32), resize=40, mirror=False, seed=0)
    assert seen(views, tmp_path / "framed.png", 0).max() == 10
    assert max(seen(views, tmp_path / "framed.png", number).max() for number in range(1, 12)) > 150


@pytest.mark.parametrize("shape", [(3, 16, 30), (1, 30, 16)])
def test_inputs_that_are_not_square(file, shape):
    assert seen(Views(shape=shape, resize=40, mirror=True, seed=0), file, 1).shape == shape
