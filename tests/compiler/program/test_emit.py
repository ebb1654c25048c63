"""compiler.program.emit: weight streams that are fast where there is room, and small where there is not."""

from dataclasses import replace

import pytest

from firelane.compiler.compile import compile_plan, make_plan
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.schedule.cost_model import frame_cost
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED
from tests.compiler.build import check_against_reference

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
    return frame_cost(plan.network, plan.steps, plan.wait_load, compiled.cfg, compiled.program.encoded).total


def test_a_weight_memory_with_room_saves_cycles(compiled):
    fast, small = compiled
    assert len(small.program.contents.weights) < len(fast.program.contents.weights)
    assert fillers(small) > fillers(fast)
    assert cycles(small) > cycles(fast)


def test_both_compute_the_same(compiled):
    for one in compiled:
        check_against_reference(one)
