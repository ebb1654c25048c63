"""Digits as image files."""

import numpy as np
import pytest
from PIL import Image

from firelane.models.digit_images import write_digit_images
from firelane.models.drawn_digits import drawn_digits


def test_files_are_the_drawn_digits(tmp_path):
    digits = drawn_digits(3)
    paths = write_digit_images(tmp_path / "digits", 3)
    assert [path.name for path in paths] == [f"{n:03}_{digits.labels[n]}.png" for n in range(3)]
    for path, image in zip(paths, digits.images):
        with Image.open(path) as file:
            assert np.array_equal(np.array(file), image[:, :, 0])


@pytest.mark.parametrize("count", [0, 361])
def test_there_are_so_many(tmp_path, count):
    with pytest.raises(ValueError, match=f"^count must be 1 to 360, not {count}$"):
        write_digit_images(tmp_path, count)
