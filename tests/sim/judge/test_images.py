"""`sim.judge.images`: what is shown where nobody names pictures, and how it is called."""

import pytest

from firelane.compiler.onnx_import import load_graph
from firelane.models.catalogue import EMBEDDED
from firelane.sim.judge.images import choose_images


@pytest.mark.parametrize("count, words", [(1, "1 drawn digit"), (2, "2 drawn digits"), (None, "20 drawn digits")])
def test_drawn_digits(count, words):
    found = choose_images(load_graph(EMBEDDED["digits"]), [], count)
    assert found.description == words and len(found) == len(found.labels) == (count or 20)
