"""What notebooks show of results: figures in tables, no markup of names, no colours of their own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import firelane
from firelane.api.build import BuiltNetwork
from firelane.api.build_job import StepOutcome
from firelane.boards import get_board
from firelane.boards.report.end_to_end import EndToEnd
from tests.compiler.small_networks import SIDE, small_model
from tests.compiler.support.test_html_tables import Words

PIXELS = np.random.default_rng(3).integers(0, 256, (8, 3, SIDE, SIDE), np.uint8)


def shown(result) -> list[str]:
    page = result._repr_html_()
    assert not re.search(r"(?<![-\w])(color|background)\s*:", page), "light and dark are the page's affair"
    return Words(page).found


@pytest.fixture(scope="module")
def network():
    return firelane.quantize(small_model(), PIXELS)


def test_networks(network):
    assert {"float", f"3 x {SIDE} x {SIDE} (channels, rows, columns)"} <= {*shown(firelane.load(small_model()))}
    assert {"integers, quantized", str(network)} <= {*shown(network)}
    compressed = firelane.compress(small_model(), PIXELS, budget=10_000, thorough=False)
    assert {"bytes of ROM", f"{compressed.rom_bytes:,}", "expected loss of top-1"} <= {*shown(compressed)}


def test_compiled(network):
    compiled = firelane.compile(network, "ulx3s_25f")
    words = shown(compiled)
    assert {f"{compiled.cycles:,}", "LUT (estimate)", *(layer.name for layer in compiled.layers)} <= {*words}
    assert f"{get_board('ulx3s_25f').device.lut:,}" in words


def test_fits_and_estimates(network):
    [small] = firelane.fit("digits", "ulx3s_12f")
    assert {"no", small.reason} <= {*shown(small)}
    estimate = firelane.estimate(network, "ulx3s_25f")
    assert {estimate.answer, "ulx3s_25f", f"{estimate.boards[0].cycles:,}"} <= {*shown(estimate)}


def test_evaluation(network):
    found = firelane.evaluate(network, PIXELS, float_model=small_model())
    assert {"reference", "float", *(layer.tensor for layer in found.layers)} <= {*shown(found)}


def test_prediction(network):
    found = network.predict(PIXELS[:1])[0]
    assert {"Prediction of image 0", str(found.best)} <= {*shown(found)}


def test_built():
    built = BuiltNetwork(name="net", board="ulx3s_25f", folder=Path("b"), model=Path("b/net.onnx"), program=Path("b/p"),
                         loss=None, rom_bytes=12345, memory_share=0.5, cycles=100_000, frames_per_second=750.0,
                         end_to_end=EndToEnd(0.02, 0.015, 0.004, 0.0013),
                         steps=(StepOutcome("check", "nothing is in the way"),))
    assert {"net on ulx3s_25f", "12,345", "750", "nothing", "check", built.next_commands[0]} <= {*shown(built)}
