"""compiler.schedule.order: steps after what they need, loads ahead of their readers."""

from dataclasses import replace

from firelane.compiler.ir.graph import IDENTITY
from firelane.compiler.lower import lower
from firelane.compiler.schedule.chunking import Chunking, chunked
from firelane.compiler.schedule.order import order_steps, prefetched, wait_flags
from firelane.compiler.schedule.steps import Block, Step, all_steps
from firelane.compiler.tiles.layers import AverageLayer, LoadLayer, TiledNetwork, TileLayer, View
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder, chain_of_fires

CFG = EngineConfig(banks=2, weight_words=1 << 16, program_words=1 << 13)


def test_every_step_runs_once_and_after_what_it_needs():
    network = lower(chain_of_fires(), CFG)
    steps = all_steps(network, CFG)
    for whole in ((), ("conv1", "conv9")):
        order = order_steps(network, steps, whole)
        position = {step.number: time for time, step in enumerate(order)}
        assert sorted(position) == list(range(len(steps)))
        assert all(position[need] < position[step.number] for step in steps for need in step.needs)


def test_kept_chunks_are_made_row_group_by_row_group():
    """Also those of the first row group of the pooling, which needs two of them."""
    build = GraphBuilder(3, 14, 14)
    tensor = build.pool(build.fire(build.conv("image", 4), 4, 24))
    network = chunked(lower(build.graph(build.conv(tensor, 2)), CFG), {"pool5": Chunking(8, True)})
    order = order_steps(network, all_steps(network, CFG))
    groups = [step.output.group for step in order if step.output and step.output.map in network.chunks]
    assert len(network.chunks) == 6 and groups == sorted(groups) and len(set(groups)) == 7


def test_loads_run_beside_tiles():
    network = lower(chain_of_fires(), CFG)
    order = order_steps(network, all_steps(network, CFG))
    ahead = prefetched(network, CFG, order, 2)
    assert [step for step in ahead if isinstance(network.layers[step.layer], TileLayer)] == [
        step for step in order if isinstance(network.layers[step.layer], TileLayer)]
    assert sum(wait_flags(network, ahead, CFG)) < sum(wait_flags(network, order, CFG))
    assert prefetched(network, CFG, order, 0) == order


def test_waits_exactly_for_the_load_under_way():
    network = lower(chain_of_fires(1), CFG)
    order = order_steps(network, all_steps(network, CFG))
    loaded, pending = set(), None
    for step, waits in zip(order, wait_flags(network, order, CFG)):
        if waits:
            loaded.add(pending)
        if isinstance(network.layers[step.layer], LoadLayer):
            loaded.add(pending)
            pending = step.output
        else:
            assert all(block in loaded for block in step.blocks_read if block.map == "image")


def test_an_average_in_memory_waits_with_two_taps_a_cycle():
    """Not beside any load, where it would write through the loader's port."""
    view = View("map", 0, 4)
    layers = (LoadLayer("load", View("image", 0, 3), 3, 9, 9), AverageLayer("average", (), view, 4, IDENTITY))
    network = TiledNetwork("network", layers, {})
    order = [Step(number=number, layer=number, index=0, reads=(), blocks_read=(), output=Block(name, 0), first_row=0,
                  rows=1) for number, name in enumerate(("image", "map"))]
    for taps in (1, 2):
        assert wait_flags(network, order, replace(CFG, taps_per_cycle=taps)) == (False, taps == 2)
