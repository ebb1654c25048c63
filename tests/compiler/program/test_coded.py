"""compiler.program.coded: what a network takes is known before, and whether or not, it can be packed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph, make_plan
from firelane.compiler.program.coded import code_network, distinct
from firelane.compiler.program.rom_size import coded_size, rom_size
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import WEIGHT_ADDRESS_BITS
from tests.compiler.build import GraphBuilder, chain_of_fires

CFG = EngineConfig()


def coded(graph, cfg=CFG):
    plan = make_plan(graph, cfg)
    return code_network(plan.network, plan, cfg)


def test_it_counts_what_is_emitted():
    graph = chain_of_fires()
    program, found = compile_graph(graph, CFG).program, coded(graph)
    assert found.program_words == len(program.contents.program)
    assert found.memories.weights.words == list(program.contents.weights)
    assert coded_size(found) == rom_size(program)
    assert found.encoded.keys() == program.encoded.keys()


def test_equal_descriptors_count_once():
    build = GraphBuilder(3, 9, 9)
    weight = build.rng.integers(-9, 9, (4, 3, 1, 1))
    names = [build.conv("image", 4, weight=weight, bias=3) for _ in range(2)]
    build.nodes[1] = replace(build.nodes[1], requantize=build.nodes[0].requantize)
    found = coded(build.graph(build.concat(*names)))
    both = [descriptor for descriptor in found.descriptors if descriptor.encoded]
    assert len(both) == 2 and both[0].words == both[1].words and len(distinct(both)) == 1
    assert len(distinct(found.descriptors)) == len(found.descriptors) - 1


def test_addresses_may_be_larger_than_their_fields():
    """Six layers that cannot be coded shorter: refused with the words that they need, and counted all the same."""
    build, rng = GraphBuilder(512, 1, 1), np.random.default_rng(1)
    tensor = "image"
    for _ in range(6):
        tensor = build.conv(tensor, 512, weight=rng.integers(-127, 128, (512, 512, 1, 1)))
    graph = build.graph(tensor)
    found = coded(graph)
    words = len(found.memories.weights.words)
    assert words > 1 << WEIGHT_ADDRESS_BITS
    with pytest.raises(CapacityError, match=f"weight_words: the network needs {words:,}, "):
        compile_graph(graph, CFG)
    with pytest.raises(CapacityError, match="parameter_address is"):
        _ = found.descriptors[-2].words
