"""The least that a network takes: below what a schedule takes, and near it; weights as they are coded."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.fit import workload as module
from firelane.compiler.fit.estimate import at_least, estimate
from firelane.compiler.fit.workload import workload
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.program.rom_size import RomSize
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED
from tests.compiler.build import GraphBuilder

ENGINE = EngineConfig()


@pytest.mark.parametrize("name", ["digits", "digits-bypass"])
@pytest.mark.parametrize("banks", [2, 4, 8, 16])
def test_it_is_a_lower_bound(name, banks):
    graph, engine = load_graph(EMBEDDED[name]), EngineConfig(banks=banks, weight_words=1 << 14)
    found, least = estimate(graph, engine), at_least(workload(graph, engine), engine, ())
    cycles = {line.name: line.cycles for line in found.report.layers}
    for line in least.report.layers:
        assert line.ideal <= line.cycles <= cycles[line.name]
    assert 0.1 * found.report.cost.total < least.report.cost.total < found.report.cost.total
    assert least.used["weight_words"] == pytest.approx(found.used["weight_words"], rel=0.03)
    assert not least.fits and not least.problems


def test_taps_times_passes():
    """100 x 100 pixels for 112 lanes: 90 passes; the second layer halves its result, and takes twice the lanes."""
    build = GraphBuilder(3, 100, 100)
    first = build.conv("image", 4)
    graph = build.graph(build.conv(first, 5, stride=2))
    one, two = workload(graph, ENGINE).report(ENGINE).layers
    assert one.instructions == -(-100 * 100 // 112) and one.ideal == one.taps * one.instructions
    rows = graph.tensors[graph.output].height
    assert two.instructions == -(-rows * (2 * rows - 1) // 112)


def test_rows_that_are_too_wide():
    build = GraphBuilder(3, 30, 300)
    [problem] = workload(build.graph(build.conv("image", 4)), ENGINE).too_wide(ENGINE)
    assert problem.found == "rows of 300 pixels, the engine has 112 lanes"


def test_weights_without_a_code(monkeypatch):
    """Of very many weights the entropy is taken, which no code for single weights beats."""
    graph = load_graph(EMBEDDED["digits"])
    coded = workload(graph, ENGINE)
    monkeypatch.setattr(module, "MOST_CODED", 0)
    monkeypatch.setattr(module, "STEP", 100)
    counted = workload(graph, ENGINE)
    assert (counted.weights, counted.nonzero, counted.macs) == (coded.weights, coded.nonzero, coded.macs)
    for few, many in zip(counted.layers, coded.layers):
        assert (np.array_equal(few.taps, many.taps) and few.rom != RomSize(0, 0, 0, 0, 0)) or not few.weights
