"""The published networks on the boards: what the estimate says, made once and kept."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from firelane.boards import get_board
from firelane.boards.report import published_fits as module
from firelane.boards.report.board_fit import fits
from firelane.boards.report.published_fits import published_fits
from firelane.compiler.onnx_import import load_graph
from firelane.models.catalogue import EMBEDDED, CatalogueEntry

SMALL, TOO_SMALL = get_board("ulx3s_25f"), get_board("ulx3s_12f")


@pytest.fixture
def digits_in_place(tmp_path, monkeypatch):
    """A build folder of its own, and the digits under every name."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    monkeypatch.setattr(module, "find", lambda name, progress: CatalogueEntry(path=EMBEDDED["digits"]))
    return tmp_path / "estimates"


def test_it_agrees_with_the_compiler(digits_in_place):
    boards = [SMALL, TOO_SMALL]
    found, compiled = published_fits(boards, ["net"]), fits(boards, [("net", load_graph(EMBEDDED["digits"]))])
    assert [replace(fit, problems=()) for fit in compiled] == found


def test_it_is_made_once(digits_in_place, monkeypatch):
    first = published_fits([SMALL], ["net"])
    monkeypatch.setattr(module, "estimate", None)
    assert published_fits([SMALL], ["net"]) == first and len(list(digits_in_place.glob("*.json"))) == 1
    with pytest.raises(TypeError):
        published_fits([replace(SMALL, engine=replace(SMALL.engine, weight_words=8192))], ["net"])


@pytest.mark.parametrize("sizes, reason", [
    ({"weight_words": 4096}, r"weights 26,\d{3} bytes of 18,432"),
    ({"activation_words": 100}, r"activations \d{3} words of 100"),
    ({"banks": 1, "logic_lanes": 14}, r"node 'conv1': rows of 27 pixels, the engine has 14 lanes, and 1 more"),
])
def test_reasons(digits_in_place, sizes, reason):
    [fit] = published_fits([replace(SMALL, engine=replace(SMALL.engine, **sizes))], ["net"])
    assert not fit.fits and re.fullmatch(reason, fit.reason) and fit.frame_cycles is None
