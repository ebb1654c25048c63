"""compiler.program.emit: weight streams that are fast where there is room, and small where there is not."""

import re
from dataclasses import replace

import pytest

from firelane.compiler.coding.weight_memory import SymbolTable, WeightMemory
from firelane.compiler.compile import compile_plan, make_plan
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.program.coded import CodedNetwork
from firelane.compiler.program.descriptors import Memories, describe
from firelane.compiler.program.emit import _check_sizes, _ways_for_weights
from firelane.compiler.schedule.cost_model import frame_cost
from firelane.compiler.support.errors import CapacityError
from firelane.compiler.support.problems import further
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED
from tests.compiler.build import GraphBuilder, check_against_reference

CFG = EngineConfig()


@pytest.fixture(scope="module")
def graph():
    return load_graph(EMBEDDED["digits"])


@pytest.fixture(scope="module")
def compiled(graph):
    """For the most weights that there may be, and for one word less than that takes."""
    plan = make_plan(graph, CFG)
    fast = compile_plan(graph, plan, CFG)
    small = compile_plan(graph, plan, replace(CFG, weight_words=len(fast.program.contents.weights) - 1))
    return fast, small


def fillers(compiled):
    return sum(encoded.fillers for encoded in compiled.program.encoded.values())


def cycles(compiled):
    plan = compiled.plan
    return frame_cost(plan.network, plan.steps, plan.wait_load, compiled.cfg, compiled.program.encoded,
                      plan.beside).total


def test_a_weight_memory_with_room_saves_cycles(compiled):
    fast, small = compiled
    assert len(small.program.contents.weights) < len(fast.program.contents.weights)
    assert fillers(small) > fillers(fast)
    assert cycles(small) > cycles(fast)


def test_both_compute_the_same(compiled):
    for one in compiled:
        check_against_reference(one)


@pytest.mark.parametrize("sizes, lines", [
    ({"weight_words": 512}, [r"weight_words: the network needs (\d+), the engine has 512; firelane compress MODEL "
                             r"--calib DIR -o SMALLER --budget 2304 or an engine with --weight-words \1"]),
    ({"program_words": 64}, [r"program_words: the network needs (\d+), the engine has 64; an engine with "
                             r"--program-words \1 or more --banks or a smaller input, for fewer tiles"]),
    ({"weight_words": 16, "program_words": 32}, ["program_words: .*", "weight_words: .* --budget 72 .*"])])
def test_memories_that_are_too_small(graph, sizes, lines):
    cfg = replace(CFG, **sizes)
    with pytest.raises(CapacityError) as caught:
        compile_plan(graph, make_plan(graph, CFG), cfg)
    found = [re.sub(r"(?<=\d),(?=\d)", "", str(each)) for each in (caught.value, *further(caught.value))]
    assert len(found) == len(lines) and all(re.fullmatch(line, text) for line, text in zip(lines, found)), found


def test_what_is_offered_for_weights_that_no_engine_holds():
    """--budget is in bytes of 36-bit words; the largest engine has 262144 of them."""
    compress = "firelane compress MODEL --calib DIR -o SMALLER --budget"
    assert _ways_for_weights(replace(CFG, weight_words=67_584), 300_000) == [
        f"{compress} 304128", "--budget 1179648 and an engine with --weight-words 262144"]
    assert _ways_for_weights(replace(CFG, weight_words=1 << 18), 300_000) == [f"{compress} 1179648"]


def test_weights_behind_the_last_address_are_counted():
    """They are refused as a whole, with what is needed, not by the first address that has no room."""
    memories = Memories(WeightMemory(), SymbolTable(), SymbolTable())
    memories.weights.words += [0] * (1 << 18)
    build = GraphBuilder(3, 5, 5)
    network = make_plan(build.graph(build.conv("image", 4)), CFG).network
    layer = next(layer for layer in network.layers if isinstance(layer, TileLayer))
    describe(layer, network, CFG, memories, 0)
    assert len(memories.weights.words) > 1 << 18
    with pytest.raises(CapacityError, match=r"^weight_words: the network needs 262,1\d\d, the engine has 8,192; "):
        _check_sizes(CFG, CodedNetwork(network, (), memories, 0))
