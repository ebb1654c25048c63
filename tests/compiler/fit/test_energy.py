"""compiler.fit.energy: sums are sums, more work takes more, and the model stays where its note has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firelane.boards import get_board
from firelane.compiler.fit.energy import AT_REST, COEFFICIENTS, KINDS, Range, frame_energy
from firelane.compiler.fit.estimate import estimate
from firelane.compiler.fit.thinned import thinned
from firelane.compiler.onnx_import import load_graph
from firelane.models.catalogue import EMBEDDED

BOARD = get_board("ulx3s_85f")
CLOCK = 100e6


@pytest.fixture(scope="module")
def graph():
    return load_graph(EMBEDDED["digits"])


def energy(graph, clock=CLOCK, device="LFE5U-85F", **sizes):
    engine = replace(BOARD.engine, **sizes)
    return frame_energy(estimate(graph, engine).report, engine, clock, device)


def test_ranges():
    assert Range(1, 2, 4) + Range(1, 1, 1) == Range(2, 3, 5) and Range(1, 2, 4) * 2 == Range(2, 4, 8)
    assert all(0 < one.low < one.mid < one.high for one in COEFFICIENTS.values())


def test_sums(graph):
    found = energy(graph)
    report = estimate(graph, BOARD.engine).report
    assert [layer.name for layer in found.layers] == [*(line.name for line in report.layers), ""]
    total = sum(one.mid for one in found.kinds.values())
    assert total == pytest.approx(found.total.mid) and tuple(found.kinds) == KINDS
    assert found.kinds["board at rest"].mid == pytest.approx(1e3 * AT_REST["LFE5U-85F"] * report.cost.total / CLOCK)
    assert found.watts.mid == pytest.approx(found.total.mid / 1e3 / (report.cost.total / CLOCK))
    assert all(min(one.low, one.mid, one.high) >= 0 for layer in found.layers for one in layer.kinds.values())


def test_products_are_counted(graph):
    """One layer by hand: taps of all its tiles, on all lanes."""
    report = estimate(graph, BOARD.engine).report
    line = next(line for line in report.layers if line.name == "fire2/expand3x3")
    layer = next(layer for layer in energy(graph).layers if layer.name == line.name)
    events = line.taps * line.instructions * BOARD.engine.lanes
    by_hand = events * (1.5 + 16 * 0.365 * 0.6) * 1e-9
    assert layer.kinds["multipliers"].mid == pytest.approx(by_hand)


def test_fewer_weights_and_slower_clocks(graph):
    assert energy(thinned(graph, 0.1)).total.mid < 0.9 * energy(graph).total.mid
    slow, fast = energy(graph, clock=CLOCK / 2), energy(graph)
    assert slow.watts.mid < fast.watts.mid and slow.total.mid > fast.total.mid      # a board at rest takes its part


def test_two_taps_take_less(graph):
    """The same products in half of the cycles; pools read fewer words, because their maxima are made by blocks."""
    two, one = energy(graph, taps_per_cycle=2), energy(graph)
    assert two.total.mid < one.total.mid
    for ours, theirs in zip(two.layers, one.layers, strict=True):
        reads = ours.kinds["pixels"].mid / theirs.kinds["pixels"].mid if theirs.kinds["pixels"].mid else 1
        assert (reads < 0.5) if ours.name in ("pool1", "pool3") else (reads == 1), ours.name


def test_devices(graph):
    assert energy(graph).measured_at_rest and not energy(graph, device="LFE5U-45F").measured_at_rest
    assert energy(graph, device="XC7A100T") is None and energy(graph, clock=0) is None


def test_near_the_note(graph):
    """An engine at work takes 0.3 to 0.8 W at 100 MHz: between an idle board and all of its flip-flops toggling."""
    found = energy(graph).watts
    assert AT_REST["LFE5U-85F"] < found.low < found.mid < found.high < 2.3
