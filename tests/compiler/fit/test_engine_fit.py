"""The engine grows as far as a network needs, where it may."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.fit import engine_fit
from firelane.compiler.fit.engine_fit import ACTIVATION_WORDS, GROWING, MEMORIES, compile_fitting
from firelane.compiler.ir.graph import Conv
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.schedule.search import ActivationCapacityError
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED
from tests.compiler.build import GraphBuilder, check_against_reference

DEFAULT = EngineConfig()
SMALL = replace(DEFAULT, weight_words=64, program_words=64)


@pytest.fixture(scope="module")
def graph():
    return load_graph(EMBEDDED["digits"])


def with_large_weights(graph):
    """All weights of the last convolution at their largest, so that its sums need more bits."""
    last = [node for node in graph.nodes if isinstance(node, Conv)][-2]
    return graph.with_nodes(replace(node, weight=np.full_like(node.weight, 127)) if node is last else node
                            for node in graph.nodes)


def pooled_sum():
    """It fits 352 words in small chunks, 416 in larger ones (9 % faster), and 576 without any (4 % more)."""
    build = GraphBuilder(3, 27, 27)
    first = build.conv("image", 4)
    tensor = build.pool(build.add(build.fire(first, 4, 64), build.conv(first, 128)))
    return build.graph(build.average(build.conv(tensor, 10)))


def test_what_fits_stays(graph):
    assert compile_fitting(graph, DEFAULT).cfg == DEFAULT


def test_memories_grow_together(graph):
    found = compile_fitting(graph, SMALL).cfg
    assert found == replace(SMALL, **{name: max(size, getattr(SMALL, name)) for name, size in MEMORIES[0].items()})


def test_activation_memory_takes_the_first_depth_that_is_enough(graph):
    found = compile_fitting(graph, replace(DEFAULT, activation_words=16))
    assert found.cfg.activation_words == ACTIVATION_WORDS[0]
    assert found.program.cfg == found.cfg


@pytest.mark.parametrize("sizes, taken", [
    ((352, 416, 576), 416),             # worth it; and 576 is too much more
    ((416, 480, 576), 416),             # 480 saves nothing
    ((480, 576), 576),                  # 3.6 %
    ((352, 576), 352),                  # too much more
])
def test_a_little_more_depth_is_taken_where_it_is_worth_it(monkeypatch, sizes, taken):
    monkeypatch.setattr(engine_fit, "ACTIVATION_WORDS", sizes)
    small = EngineConfig(banks=4, activation_words=64)
    assert compile_fitting(pooled_sum(), small).cfg.activation_words == taken


def test_a_depth_without_room_for_placement_is_not_tried(graph, monkeypatch):
    tried, make_plan = [], engine_fit.make_plan

    def plan(graph, cfg, progress):
        tried.append(cfg.activation_words)
        if cfg.activation_words < 600:
            raise ActivationCapacityError("layer", "needs 590 words", 590)
        return make_plan(graph, cfg, progress)
    monkeypatch.setattr(engine_fit, "make_plan", plan)
    monkeypatch.setattr(engine_fit, "ACTIVATION_WORDS", (592, 640))
    assert compile_fitting(graph, replace(DEFAULT, activation_words=64)).cfg.activation_words == 640
    assert 592 not in tried


def test_no_depth_is_added_where_it_is_not_free(monkeypatch):
    monkeypatch.setattr(engine_fit, "ACTIVATION_WORDS", (416,))
    found = compile_fitting(pooled_sum(), EngineConfig(banks=4, activation_words=352), ["weight_words"])
    assert found.cfg.activation_words == 352


def test_accumulators_grow(graph):
    large = with_large_weights(graph)
    narrow = replace(DEFAULT, accumulator_bits=20)
    with pytest.raises(CapacityError, match="accumulators have 20; an engine with --accumulator-bits 2"):
        compile_fitting(large, narrow, free=())
    assert compile_fitting(large, narrow).cfg.accumulator_bits == 24


@pytest.mark.parametrize("side, high, bits", [(32, 255, 18), (33, 255, 20), (33, 100, 18), (80, 255, 23)])
def test_sums_of_averages_grow(side, high, bits):
    build = GraphBuilder(1, side, side)
    build.conv("image", 2)
    build.nodes[0] = replace(build.nodes[0], requantize=replace(build.nodes[0].requantize, high=high))
    graph = build.graph(build.average("conv0"))
    found = compile_fitting(graph, DEFAULT)
    assert found.cfg == replace(DEFAULT, average_bits=bits)
    check_against_reference(found)
    if bits > DEFAULT.average_bits:
        with pytest.raises(CapacityError, match=r"need \d+ bits, the engine has 18; an engine with --average-bits"):
            compile_fitting(graph, DEFAULT, [name for name in GROWING if name != "average_bits"])


def test_what_is_not_free_stays(graph):
    free = [name for name in GROWING if name != "weight_words"]
    with pytest.raises(CapacityError, match=r"^weight_words: the network needs [\d,]+, the engine has 64"):
        compile_fitting(graph, SMALL, free)
    with pytest.raises(CapacityError, match="needs .* words of activation memory"):
        compile_fitting(graph, replace(DEFAULT, activation_words=16), free=())
