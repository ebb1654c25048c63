"""compiler.compress.measure: what a network costs without a schedule is what the compiler makes of it."""

from dataclasses import replace

import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.compress.measure import measure
from firelane.compiler.program.rom_size import rom_size
from firelane.compiler.schedule.cost_model import tile_cycles
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract import timing
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import chain_of_fires

ROOMY = EngineConfig(banks=2, weight_words=1 << 16, program_words=1 << 13, value_symbols=4096, run_symbols=4096)


@pytest.mark.parametrize("taps", [1, 2])
def test_bytes_and_cycles_of_taps(taps):
    cfg = replace(ROOMY, taps_per_cycle=taps)
    graph = chain_of_fires(size=13)
    found, compiled = measure(graph, cfg), compile_graph(graph, cfg)
    layers, encoded = compiled.plan.network.layers, compiled.program.encoded
    tiles = [layer for step in compiled.plan.steps if isinstance(layer := layers[step.layer], TileLayer)]
    assert found.cycles == sum(tile_cycles(layer, cfg, encoded.get(layer.name)) - timing.tile_gap_cycles(cfg)
                               for layer in tiles)
    assert found.rom == rom_size(compiled.program)
    assert taps == 1 or found.cycles < 0.7 * measure(graph, ROOMY).cycles
