"""Cycles are attributed to layers; the ideal is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_model
from firelane.compiler.fit.report import layer_macs
from firelane.compiler.ir.graph import Conv
from firelane.compiler.program.compiled import Compiled
from firelane.models.catalogue import EMBEDDED
from firelane.sim.emulator import Emulator, FrameResult
from firelane.sim.judge.layer_cycles import instruction_cycles, layer_cycles, whole_name
from firelane.sim.verilog.run import Outcome, TileTime, Verdict
from tests.simulators import default_engine


@pytest.fixture(scope="module")
def digits() -> Compiled:
    return compile_model(EMBEDDED["digits"], default_engine())


def emulated(compiled: Compiled) -> FrameResult:
    channels, height, width = compiled.graph.tensors[compiled.graph.input].shape
    emulator = Emulator(compiled.cfg, compiled.program.contents)
    return emulator.run_frame(np.zeros((height, width, channels), np.uint8))


def rows(compiled: Compiled) -> dict:
    """Rows by name, with what is predicted for what is measured."""
    frame = emulated(compiled)
    spent = [cycles.end - cycles.start for cycles in frame.cycles]
    return {row.name: row for row in layer_cycles(compiled.graph, compiled.program, spent, frame.cycles)}


def test_layer_macs(digits):
    """conv1 of the digit network: 24 filters of 3 x 3 on one channel, 27 x 27 outputs."""
    macs = layer_macs(digits.graph)
    first = next(node for node in digits.graph.nodes if isinstance(node, Conv))
    assert macs[first.name] == first.weight.size * 27 * 27


def test_instruction_cycles_of_the_second_frame():
    tiles = [TileTime(8, 10, 15), TileTime(12, 20, 30), TileTime(8, 50, 56), TileTime(12, 60, 75)]
    outcome = Outcome(verdict=Verdict.COMPLETE, results=[], frames=[], tiles=tiles, csrs={}, cycles=80, run_cycles=75,
                      seconds=1.0)
    assert instruction_cycles(outcome, 2, 0) == [5, 15]
    assert instruction_cycles(outcome, 2, 1) == [6, 19]


def test_ideal_is_taps_times_tiles(digits):
    """27 rows of conv1 in words of 4 rows are 7 tiles; every convolution has its dense MACs, and no other layer."""
    found, first = rows(digits), next(node for node in digits.graph.nodes if isinstance(node, Conv))
    conv1 = found["conv1"]
    assert (conv1.tiles, conv1.taps) == (7, np.count_nonzero(first.weight))
    assert conv1.ideal == 7 * conv1.taps <= conv1.predicted
    assert {name for name, row in found.items() if row.macs} == {node.name for node in digits.graph.nodes
                                                                 if isinstance(node, Conv)}
    assert all(row.convolution for row in found.values() if row.macs)
    assert sum(row.predicted for row in found.values()) == emulated(digits).cycles[-1].end
    assert all(row.error == 0 for row in found.values())


@pytest.mark.parametrize(("part", "whole"), [
    ("fire4/expand1x1[32:64]", "fire4/expand1x1"), ("a[0:8][0:4]", "a"), ("conv1", "conv1"), ("x[1]", "x[1]"),
    ("block[2:3]/conv", "block[2:3]/conv")])
def test_parts_belong_to_their_layer(part, whole):
    assert whole_name(part) == whole


def test_two_taps_take_half_the_cycles_where_they_are_taken_in_pairs():
    found = rows(compile_model(EMBEDDED["digits"], replace(default_engine(), taps_per_cycle=2)))
    for name in ("conv1", "fire2/squeeze1x1"):
        assert found[name].ideal == found[name].tiles * -(-found[name].taps // 2)
    assert found["pool1"].ideal == found["pool1"].tiles * found["pool1"].taps
    assert all(row.ideal <= row.predicted for row in found.values())
