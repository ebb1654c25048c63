"""compiler.lower.widths: what is offered where rows are too wide."""

import pytest

from firelane.compiler.lower.widths import image_too_wide, too_wide
from firelane.compiler.tiles.layers import LoadLayer, View
from firelane.hw.contract.config import EngineConfig


@pytest.mark.parametrize("width, hint", [
    (15, "--banks 2 or a smaller input is needed"), (57, "--banks 8 or a smaller input is needed"),
    (224, "--banks 16 or a smaller input is needed"), (225, "a smaller input is needed")])
def test_the_least_engine_that_is_wide_enough(width, hint):
    error = too_wide("node 'a'", width, EngineConfig(banks=1))
    assert str(error) == f"node 'a': rows of {width} pixels, the engine has 14 lanes; {hint}"


@pytest.mark.parametrize("folded, columns", [(False, 56), (True, 112)])
def test_the_widest_image_that_fits(folded, columns):
    image = LoadLayer("load", View("image", 0, 3), 3, 500, 500, space_to_depth=folded)
    error = image_too_wide("node 'a'", image, 500 // (1 + folded), EngineConfig(banks=4))
    assert error.hint == (f"an input of at most {columns} columns, for which the same convolutions will do, is needed")
