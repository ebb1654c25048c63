"""Which model fits which board: device, engine and model each have a say."""

import re
from dataclasses import replace

import pytest

from firelane.boards import get_board
from firelane.boards.report.board_fit import fits, shortage
from firelane.boards.report.end_to_end import FrameWork, end_to_end, link_of
from firelane.compiler.onnx_import import load_graph
from firelane.models.catalogue import EMBEDDED

LARGE = get_board("ulx3s_85f")


@pytest.fixture(scope="module")
def digits():
    return load_graph(EMBEDDED["digits"])


def test_a_model_that_fits_says_how_fast(digits):
    fit, = fits([LARGE], [("digits", digits)])
    assert fit.fits and fit.board == LARGE.name and fit.model == "digits"
    assert fit.frames_per_second == pytest.approx(LARGE.clock_hz / fit.frame_cycles, abs=0.01)


def test_an_engine_that_the_device_does_not_hold(digits):
    board = replace(LARGE, device=replace(LARGE.device, lut=12_000, ebr=10))
    assert shortage(LARGE) == ""
    assert re.fullmatch(r"\d\d,\d{3} LUT of 12,000, \d+ EBR of 10", shortage(board))
    fit, = fits([board], [("digits", digits)])
    assert not fit.fits and fit.reason == f"the engine needs {shortage(board)}" and fit.frame_cycles is None


def test_a_model_that_the_engine_does_not_hold(digits):
    board = replace(LARGE, engine=replace(LARGE.engine, weight_words=1024))
    fit, = fits([board], [("digits", digits)])
    assert not fit.fits and re.fullmatch(r"weights 26,\d{3} bytes of 4,608", fit.reason)
    assert fit.problems[0].found.startswith("the network needs ")


WORK = FrameWork(image_bytes=3000, result_bytes=10, cycles=1000)


def test_equal_engines_are_compiled_for_once(digits, monkeypatch):
    calls = []
    monkeypatch.setattr("firelane.boards.report.board_fit._work", lambda graph, cfg: calls.append(cfg) or WORK)
    other = replace(LARGE, name="other", clock_hz=50e6)
    found = fits([LARGE, other], [("a", digits), ("b", digits)])
    assert len(calls) == 2 and len(found) == 4
    assert [fit.frames_per_second for fit in found] == [LARGE.clock_hz / 1000] * 2 + [50_000] * 2
    assert found[0].end_to_end == end_to_end(link_of(LARGE), WORK) != found[2].end_to_end


def test_all_that_a_board_lacks_is_named(digits):
    """Rows that are too wide do not hide that there is no room for the weights, nor that for the engine."""
    engine = replace(LARGE.engine, banks=1, weight_words=1024)
    board = replace(LARGE, engine=engine, device=replace(LARGE.device, dsp=5))
    fit, = fits([board], [("digits", digits)])
    device, weights, rows = fit.reason.split("; ")
    assert device == "the engine needs 42 DSP of 5" and re.fullmatch(r"weights 2\d,\d{3} bytes of 4,608", weights)
    assert rows == "node 'conv1': rows of 27 pixels, the engine has 14 lanes, and 1 more"
