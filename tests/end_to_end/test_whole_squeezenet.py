"""All of SqueezeNet v1.0, every layer with all its channels and the published densities, at a reduced resolution.

The full frames take minutes: `make sim MODEL=squeezenet1.0` and `make bench` run them, docs/benchmarks.md records them.
"""

from __future__ import annotations

import pytest

from firelane.compiler.compile import compile_model
from firelane.models.catalogue import find
from firelane.sim.judge.images import choose_images
from firelane.sim.judge.report import SimulationReport
from firelane.sim.judge.trial import check_outcome
from tests.simulators import roomy_engine, trial

SIZE = 64                   # the last maps are 3 x 3
CYCLES_TOLERANCE = 0.005    # of each layer
CONVOLUTIONS = 26


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> SimulationReport:
    """One frame in the Verilog; that all 1000 values are those of the reference is checked on the way."""
    entry = find("squeezenet1.0", input_size=SIZE)
    compiled = compile_model(entry.path, roomy_engine(4))
    return check_outcome(trial(compiled, tmp_path_factory.mktemp("whole")), choose_images(compiled.graph, ())).report


def test_every_layer_ran_and_every_value_is_right(report):
    assert report.values == 1000
    assert sum(layer.convolution and layer.macs > 0 for layer in report.layers) == CONVOLUTIONS


def test_prediction_of_each_layer(report):
    wrong = {layer.name: (layer.predicted, layer.measured) for layer in report.layers
             if abs(layer.predicted - layer.measured) > CYCLES_TOLERANCE * layer.measured}
    assert not wrong, "predicted and measured cycles differ"


def test_prediction_of_the_frame(report):
    assert abs(report.predicted_frame_cycles - report.frame_cycles) <= CYCLES_TOLERANCE * report.frame_cycles
