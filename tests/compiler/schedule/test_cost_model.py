"""compiler.schedule.cost_model: the cycles that the emulator predicts, and a tile by hand."""

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.report import make_report
from firelane.compiler.lower import lower
from firelane.compiler.schedule.cost_model import tile_cycles
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract import timing
from firelane.hw.contract.config import EngineConfig
from firelane.sim.emulator.engine import Emulator
from tests.compiler.build import GraphBuilder
from tests.networks import random_graph, random_image

CFG = EngineConfig(banks=4, weight_words=1 << 16, program_words=1 << 13, average_bits=20, accumulator_bits=28)


def test_a_channel_takes_at_least_its_drain():
    build = GraphBuilder(20, 10, 10)
    weight = np.zeros((3, 20, 1, 1), np.int8)
    weight[0, :3], weight[1, :15] = 1, 1
    layer = next(layer for layer in lower(build.graph(build.conv("image", 3, weight=weight)), CFG).layers
                 if isinstance(layer, TileLayer))
    assert layer.channel_taps.counts == (3, 15, 2)
    assert tile_cycles(layer, CFG) == timing.tile_gap_cycles(CFG) + 8 + 15 + 8


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 6, 7])
def test_a_frame_takes_what_the_emulator_says(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, max_columns=28)
    compiled = compile_graph(graph, CFG)
    frame = Emulator(CFG, compiled.program.contents).run_frame(random_image(rng, graph).transpose(1, 2, 0))
    cost = make_report(compiled).cost
    assert cost.total == frame.total_cycles
    assert list(cost.ends) == [instruction.end for instruction in frame.cycles]
