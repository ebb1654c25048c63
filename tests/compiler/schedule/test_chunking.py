"""compiler.schedule.chunking: maps in chunks of channels, in both orders, where the whole map would not fit."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from firelane.compiler.artefact.artefact import artefact_files
from firelane.compiler.compile import compile_graph
from firelane.compiler.frame_io.result import result_format
from firelane.compiler.lower import lower
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.emit import emit
from firelane.compiler.program.schedule_check import check_schedule
from firelane.compiler.schedule.chunking import Chunking, choices, chunked, sites
from firelane.compiler.schedule.order import order_steps
from firelane.compiler.schedule.search import schedule
from firelane.compiler.schedule.steps import all_steps
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder, check_against_reference

CFG = EngineConfig(banks=4, weight_words=1 << 16, program_words=1 << 13)


def fire_and_pool(size: int = 27):
    """A wide map between a narrow one and its pooling."""
    build = GraphBuilder(3, size, size)
    tensor = build.pool(build.fire(build.conv("image", 4), 4, 128))
    return build.graph(build.average(build.conv(tensor, 10)))


def two_ways_and_pool(size: int = 27):
    """The pooled sum of a fire module and of a convolution around it: complex bypass."""
    build = GraphBuilder(3, size, size)
    first = build.conv("image", 4)
    tensor = build.pool(build.add(build.fire(first, 4, 64), build.conv(first, 128)))
    return build.graph(build.average(build.conv(tensor, 10)))


def bypassed(size: int = 27):
    """The sum of a fire module and of its input: simple bypass."""
    build = GraphBuilder(3, size, size)
    first = build.conv("image", 96)
    return build.graph(build.average(build.conv(build.add(build.fire(first, 4, 48), first), 10)))


@pytest.fixture(scope="module")
def network():
    return lower(fire_and_pool(), CFG)


def names(network, kind):
    return [layer.name for layer in network.layers if isinstance(layer, TileLayer) and layer.name.startswith(kind)]


def runs(network):
    """How often each layer runs, chunks counted together."""
    order = order_steps(network, all_steps(network, CFG))
    return Counter(network.layers[step.layer].name.split("[")[0] for step in order)


def test_chunks_cover_the_map(network):
    assert sites(network) == {"pool5": {"concat4"}}
    parts = chunked(network, {"pool5": Chunking(48, False)})
    assert "concat4" not in parts.maps
    whole = [chunk.whole for chunk in parts.chunks.values()]
    assert [(view.channel, view.channels) for view in whole] == [(0, 42), (42, 43), (85, 43), (128, 42), (170, 43),
                                                                 (213, 43)]
    pools = [layer for layer in parts.layers if layer.name.startswith("pool5")]
    assert [(layer.output.channel, layer.chunk) for layer in pools] == [(0, 1), (42, 2), (85, 3), (128, 4), (170, 5),
                                                                        (213, 6)]
    assert parts.origin(pools[1].inputs[0]).channel == 42


def test_kept_rows_are_computed_once_and_others_again(network):
    once = runs(network)
    kept, again = (chunked(network, {"pool5": Chunking(64, kept)}) for kept in (True, False))
    assert {name: count // 2 for name, count in runs(kept).items() if name in ("conv2", "conv3")} == {
        name: once[name] for name in ("conv2", "conv3")}
    assert runs(again)["conv2"] > runs(kept)["conv2"] and runs(again)["pool5"] == runs(kept)["pool5"]


def test_copies_are_written_once(network):
    parts = chunked(network, {"pool5": Chunking(64, False)})
    order = order_steps(parts, all_steps(parts, CFG))
    outputs = [step.output for step in order if step.output and step.output.map in parts.chunks]
    assert len(set(outputs)) == len(outputs)


def test_everything_behind_a_layer_comes_along():
    network = lower(two_ways_and_pool(), CFG)
    assert sites(network) == {"pool7": {"add6", "concat4", "conv5"}}
    parts = chunked(network, {"pool7": Chunking(32, True)})
    assert names(parts, "conv5") == [f"conv5[{start}:{start + 32}]" for start in range(0, 128, 32)]
    assert names(parts, "conv3") == ["conv3[0:32]", "conv3[32:64]"]
    assert {chunk.whole.map for chunk in parts.chunks.values()} == {"add6", "concat4", "conv5"}


def test_only_what_nobody_else_reads_is_in_chunks():
    network = lower(bypassed(), CFG)
    assert sites(network) == {"add5": {"concat4"}}
    assert choices(network, "add5", CFG) == [Chunking(64, True), Chunking(32, True)]
    parts = chunked(network, {"add5": Chunking(32, True)})
    sums = [layer for layer in parts.layers if layer.name.startswith("add5")]
    assert [layer.inputs[1].channel for layer in sums] == [0, 24, 48, 72] and "conv0" in parts.maps


def test_groups_and_second_readers_are_left_whole():
    build = GraphBuilder(8, 20, 20)
    tensor = build.conv("image", 32, groups=2)
    wide = build.conv("image", 32)
    graph = build.graph(build.concat(build.pool(tensor), build.pool(wide), build.pool(wide)))
    assert not sites(lower(graph, CFG))


@pytest.mark.parametrize("graph", [fire_and_pool(), two_ways_and_pool(), bypassed()], ids=["pool", "both", "sum"])
@pytest.mark.parametrize("choice", [Chunking(size, kept) for size in (64, 25) for kept in (True, False)])
def test_same_numbers(graph, choice):
    network = lower(graph, CFG)
    plan = schedule(chunked(network, dict.fromkeys(sites(network), choice)), CFG)
    program = emit(plan.network, plan, CFG)
    check_schedule(program)
    check_against_reference(Compiled(graph, program, plan, result_format(plan.network, (10, 1, 1), CFG)))


@pytest.mark.parametrize("graph, words", [(fire_and_pool(), 448), (two_ways_and_pool(), 384), (bypassed(), 280)],
                         ids=["pool", "both", "sum"])
def test_a_network_that_needs_chunks_is_compiled_so(graph, words):
    roomy = compile_graph(graph, CFG)
    assert not roomy.plan.network.chunks
    tight = compile_graph(graph, replace(CFG, activation_words=words))
    assert tight.plan.network.chunks
    check_against_reference(tight)
    chunks = json.loads(artefact_files(tight)["manifest.json"])["chunks"]
    assert chunks == {name: [chunk.whole.map, chunk.whole.channel, chunk.whole.channels]
                      for name, chunk in tight.plan.network.chunks.items()}
