"""compiler.fit.estimate: what fits costs what the compiler says; what does not has figures all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.boards import all_boards
from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.estimate import estimate
from firelane.compiler.fit.report import make_report
from firelane.compiler.ir.graph import Conv
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED, find
from tests.compiler.build import GraphBuilder, chain_of_fires

CFG = EngineConfig()
LARGE = EngineConfig(weight_words=1 << 17, program_words=1 << 13)


def same(graph, cfg):
    """The estimate, which must be what the compiler reports."""
    found, compiled = estimate(graph, cfg), make_report(compile_graph(graph, cfg))
    assert found.fits and found.report is not None
    assert found.report.cost == compiled.cost and found.report.rom == compiled.rom
    assert found.report.layers == compiled.layers and found.report.usage == compiled.usage
    return found


@pytest.mark.parametrize("cfg", dict.fromkeys(board.engine for board in all_boards()))
def test_digits_on_every_engine(cfg):
    same(load_graph(EMBEDDED["digits"]), cfg)


def test_squeezenet():
    same(load_graph(find("squeezenet1.1", input_size=64).path), LARGE)


def test_bits_that_are_dearer_than_cycles():
    """The weight memory lacks a word for the fastest codes: the estimate has the same slower ones as the compiler."""
    graph = load_graph(EMBEDDED["digits"])
    fast = same(graph, CFG)
    slow = same(graph, replace(CFG, weight_words=fast.used["weight_words"] - 1))
    assert slow.report.cost.total > fast.report.cost.total
    assert not estimate(graph, replace(CFG, weight_words=slow.used["weight_words"] - 1)).fits


def test_weights_that_are_too_large():
    found = estimate(load_graph(EMBEDDED["digits"]), replace(CFG, weight_words=1024))
    [short] = found.short
    assert not found.fits and short.name == "weight memory (words)" and short.used > short.available == 1024
    with pytest.raises(CapacityError, match=f"weight_words: the network needs {short.used:,}, the engine has 1,024"):
        compile_graph(load_graph(EMBEDDED["digits"]), replace(CFG, weight_words=1024))


def test_too_little_activation_memory():
    """Cycles are those of an engine with room for the order from end to end."""
    graph = chain_of_fires(8)
    found, roomy = estimate(graph, replace(CFG, activation_words=16)), estimate(graph, CFG)
    [short] = found.short
    assert short.name == "activation memory (words)" and 16 < short.used <= roomy.used["activation_words"]
    assert found.report.cost.total == pytest.approx(roomy.report.cost.total, rel=0.01)      # addresses are shorter
    assert found.report.rom == roomy.report.rom


def test_far_too_many_weights():
    """More weights than bits: the figures are there, and so is what they need."""
    graph = chain_of_fires(8)
    cfg = replace(CFG, weight_words=16, activation_words=16)
    assert sum(int(np.count_nonzero(node.weight)) for node in graph.nodes if isinstance(node, Conv)) > 16 * 36
    found = estimate(graph, cfg)
    assert [line.name for line in found.short] == ["activation memory (words)", "weight memory (words)"]
    assert found.report.cost.total == pytest.approx(estimate(graph, CFG).report.cost.total, rel=0.01)


def test_rows_that_are_too_wide():
    build = GraphBuilder(3, 40, 40)
    found = estimate(build.graph(build.conv(build.conv("image", 4), 4)), replace(CFG, banks=1))
    assert found.report is None and not found.fits and found.memories == ()
    assert found.problems and "rows of 40 pixels" in found.problems[0].found


def test_more_channels_than_an_instruction_can_name():
    build = GraphBuilder(64, 1, 1)
    found = estimate(build.graph(build.conv(build.conv("image", 2500), 10)), LARGE)
    assert not found.fits and {problem.found for problem in found.problems} == {"2500 channels"}
    assert found.report.rom.bytes > 2500 * 32 and found.report.cost.total > 2500 * 30


def test_sums_that_are_too_large():
    build = GraphBuilder(1024, 1, 1)
    graph = build.graph(build.conv("image", 4, weight=np.full((4, 1024, 1, 1), 127)))
    found = estimate(graph, CFG)
    assert not found.fits and "sums need 26 bits" in found.problems[0].found
    assert found.report.cost == estimate(graph, replace(CFG, accumulator_bits=28)).report.cost
