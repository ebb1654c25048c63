"""Whole networks to compare SqueezeNet with, every layer with all its channels, at a reduced resolution.

Their weights are random and pruned as docs/comparison.md has them. All go through the emulator, a MobileNet and a
ShuffleNet through Verilator, on the engine that tests/end_to_end/test_whole_squeezenet.py builds a simulator of.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from firelane.boards.comparison.cost import pruned
from firelane.compiler.compile import compile_graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.passes import PIPELINE
from firelane.compiler.program.compiled import Compiled
from firelane.models.catalogue import find
from firelane.models.comparison.networks import drawn
from firelane.sim import reference
from firelane.sim.judge.images import choose_images
from firelane.sim.judge.trial import check_outcome
from tests.end_to_end.test_reference_equals_emulator import check
from tests.simulators import roomy_engine, trial

SIZE = 64                   #: the last maps are 2 x 2
IN_VERILOG = ("mobilenet_v2_0.25", "shufflenet_v1_0.25")
NETWORKS = (*IN_VERILOG, "mobilenet_v1_0.25", "shufflenet_v2_0.5")
CYCLES_TOLERANCE = 0.01     #: of each convolution and of the frame
LEAST_VALUES = 20           #: different ones among the 1000 of a result: a network whose values vanish has one


@pytest.fixture(scope="module")
def compiled_network() -> Callable[[str], Compiled]:
    def compiled(name: str) -> Compiled:
        graph = load_graph(find(name, input_size=SIZE).path, [pruned, *PIPELINE])
        return compile_graph(graph, roomy_engine(4))
    return compiled


@pytest.mark.parametrize("name", NETWORKS)
def test_reference_equals_emulator(name, compiled_network):
    """Every row of every tensor, and the result."""
    compiled = compiled_network(name)
    [image] = choose_images(compiled.graph, ()).pixels
    check(compiled, image)
    assert len(np.unique(reference.run(compiled.graph, image)[compiled.graph.output])) >= LEAST_VALUES


@pytest.mark.parametrize("name", IN_VERILOG)
def test_emulator_equals_verilator(name, compiled_network, tmp_path):
    """That all values are those of the reference is checked on the way."""
    compiled = compiled_network(name)
    report = check_outcome(trial(compiled, tmp_path), choose_images(compiled.graph, ())).report
    layers = [layer for layer in report.layers if layer.convolution and layer.macs > 0]
    assert report.values == 1000 and len(layers) == len(drawn(name, SIZE).convolutions)
    wrong = {layer.name: (layer.predicted, layer.measured) for layer in layers
             if abs(layer.predicted - layer.measured) > CYCLES_TOLERANCE * layer.measured}
    assert not wrong, "predicted and measured cycles differ"
    assert abs(report.predicted_frame_cycles - report.frame_cycles) <= CYCLES_TOLERANCE * report.frame_cycles
