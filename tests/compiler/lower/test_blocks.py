"""Maxima by blocks: which windows are computed so, in how many cycles, and that the result is the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.ir.graph import Graph, MaxPool, Tensor, Window
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.sim import reference
from firelane.sim.emulator import Emulator

CFG = EngineConfig(banks=4, activation_words=256, taps_per_cycle=2)


def pool(kernel, size, pads=(0, 0, 0, 0), stride=2, channels=5, ceil=0) -> Graph:
    """A maximum of a map of `size`, with `ceil` more rows and columns than are whole windows."""
    shape = tuple((length + before + behind - window) // stride + 1 + ceil for length, before, behind, window
                  in zip(size, pads[:2], pads[2:], kernel))
    tensors = {name: Tensor(name, channels, *of, 1.0, 3) for name, of in (("input", size), ("pool", shape))}
    return Graph("pool", (MaxPool("pool", ("input",), "pool", Window(kernel, (stride, stride), pads)),), tensors,
                 "input", "pool")


def compiled_pool(graph: Graph, cfg: EngineConfig = CFG):
    """The program, after its result was compared, and its layer."""
    compiled = compile_graph(graph, cfg)
    image = np.random.default_rng(1).integers(0, 256, graph.tensors["input"].shape, dtype=np.uint8)
    result = Emulator(cfg, compiled.program.contents).run_frame(image.transpose(1, 2, 0)).result
    assert result == compiled.result.pack(reference.run(graph, image)["pool"])
    return next(layer for layer in compiled.program.network.layers if isinstance(layer, TileLayer))


@pytest.mark.parametrize("columns, rows, places", [(13, 2, 4), (27, 2, 4), (40, 1, 6), (55, 1, 6)])
@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 0)])
def test_a_lane_sees_a_smaller_window(columns, rows, places, pads):
    """Where a row takes the word, rows are not merged."""
    layer = compiled_pool(pool((3, 3), (15, columns), pads))
    assert (layer.block_rows, len(layer.places), layer.row_phase, layer.column_phase) == (rows, places, 0, 0)
    assert layer.channel_taps.cycles(CFG) == 5 * places


@pytest.mark.parametrize("kernel, places", [((2, 2), 1), ((4, 4), 9), ((2, 3), 2), ((3, 2), 2)])
@pytest.mark.parametrize("ceil", [0, 1])
def test_windows_of_all_sizes(kernel, places, ceil):
    layer = compiled_pool(pool(kernel, (11, 15), ceil=ceil))
    assert layer.block_rows == 2 and len(layer.places) == places
    assert layer.channel_taps.cycles(CFG) == 5 * max(places, 4)


@pytest.mark.parametrize("kernel, size, stride, cfg", [
    ((1, 3), (9, 15), 2, CFG), ((3, 1), (9, 15), 2, CFG), ((3, 3), (9, 15), 1, CFG),
    ((3, 3), (9, 13), 2, replace(CFG, taps_per_cycle=1)), ((3, 3), (9, 13), 2, replace(CFG, banks=1)),
])
def test_others_are_as_they_are(kernel, size, stride, cfg):
    layer = compiled_pool(pool(kernel, size, stride=stride), cfg)
    assert layer.block_rows == 0 and len(layer.places) == kernel[0] * kernel[1]


def test_a_row_of_one_window_needs_only_columns():
    """With rows that take the word a window of one row can be done, too."""
    layer = compiled_pool(pool((1, 3), (9, 50)))
    assert (layer.block_rows, len(layer.places)) == (1, 2)
