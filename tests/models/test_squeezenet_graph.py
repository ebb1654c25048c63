"""Float graphs of the published networks."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.support.errors import ConfigError
from firelane.models.squeezenet import NETWORKS, Bypass
from firelane.models.squeezenet_graph import build
from firelane.models.squeezenet_weights import random_parameters
from tests.models.graphs import SMALL, constants, every_network, run, windows


class TestGraphs:
    @every_network
    def test_runs_in_onnx_runtime(self, name):
        image = np.random.default_rng(3).integers(0, 256, (1, 3, SMALL, SMALL))
        probabilities = run(build(name, input_size=SMALL, seed=2), image)
        assert probabilities.shape == (1, 1000) and probabilities.sum() == pytest.approx(1, abs=1e-4)

    def test_caffe_form_pads_conv10_and_pools_with_ceil_mode(self):
        graph = build("squeezenet1.0", input_size=SMALL).graph
        assert windows(graph, "Conv")[0] == ("Conv", [7, 7], [2, 2], [0, 0, 0, 0])
        assert windows(graph, "Conv")[-1] == ("Conv", [1, 1], [1, 1], [1, 1, 1, 1])
        assert [a.i for node in graph.node if node.op_type == "MaxPool" for a in node.attribute
                if a.name == "ceil_mode"] == [1, 1, 1]

    @pytest.mark.parametrize("kind, fires", [(Bypass.SIMPLE, "3579"), (Bypass.COMPLEX, "23456789")])
    def test_bypasses(self, kind, fires):
        graph = build(f"squeezenet1.0-{kind.value}-bypass", input_size=SMALL).graph
        assert [node.name for node in graph.node if node.op_type == "Add"] == [f"fire{i}/bypass" for i in fires]

    def test_no_relu_follows_the_convolution_of_a_bypass(self):
        graph = build("squeezenet1.0-complex-bypass", input_size=SMALL).graph
        assert sum(node.op_type == "Conv" for node in graph.node) == 30
        assert sum(node.op_type == "Relu" for node in graph.node) == 26

    def test_given_weights_are_kept(self):
        network = NETWORKS["squeezenet1.1"]
        weights, biases = random_parameters(network.convolutions, seed=9, densities={})
        model = build(network, input_size=SMALL, weights=weights, biases=biases)
        found = constants(model)
        assert all(np.array_equal(found[f"{name}.weight"], values) for name, values in weights.items())
        assert all(np.array_equal(found[f"{name}.bias"], values) for name, values in biases.items())


@pytest.mark.parametrize("arguments, message", [
    ({"network": "squeezenet2"}, "network: no such network: 'squeezenet2'; there are squeezenet1.0, squeeze"),
    ({"network": "squeezenet1.0", "input_size": 20},
     "input size: 20 is too small for squeezenet1.0: pool8 sees a 1 x 1 map; 3 are needed there; the published size"),
    ({"network": "squeezenet1.0", "densities": {"conv2": 0.5}}, "densities: no such convolution: conv2; there are con"),
    ({"network": "squeezenet1.0", "densities": {"conv1": 1.5}}, "densities: 1.5 of conv1; a share from 0 to 1 is want"),
    ({"network": "squeezenet1.0", "weights": {}}, "network: weights without biases, or the reverse; give both or none"),
    ({"network": "squeezenet1.0", "weights": {}, "biases": {}},
     "squeezenet1.0, conv1: weights and biases of shape (), (); (96, 3, 7, 7), (96,) are wanted")])
def test_refused(arguments, message):
    with pytest.raises(ConfigError) as caught:
        build(**arguments)
    assert str(caught.value).startswith(message)
