"""The published layer tables."""


import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from firelane.compiler.support.errors import ConfigError
from firelane.models.squeezenet import NETWORKS, ConvSpec, FireFamily
from firelane.models.squeezenet_graph import build
from tests.models.graphs import LIGHT, SMALL, every_network, run, windows

PUBLISHED_PARAMETERS = {"squeezenet1.0": 1_248_424, "squeezenet1.0-torchvision": 1_248_424, "squeezenet1.1": 1_235_496,
                        "squeezenet1.0-simple-bypass": 1_248_424}



class TestTables:
    @pytest.mark.parametrize("name, count", PUBLISHED_PARAMETERS.items())
    def test_parameter_counts_are_the_published_ones(self, name, count):
        assert NETWORKS[name].parameters == count

    def test_weights_of_v1_0_without_biases(self):
        assert sum(int(np.prod(conv.weight_shape)) for conv in NETWORKS["squeezenet1.0"].convolutions) == 1_244_448

    def test_complex_bypass_adds_four_convolutions(self):
        plain, around = NETWORKS["squeezenet1.0"], NETWORKS["squeezenet1.0-complex-bypass"]
        added = {conv.name: conv.weight_shape for conv in around.convolutions if conv not in plain.convolutions}
        assert added == {"fire2/bypass1x1": (128, 96, 1, 1), "fire4/bypass1x1": (256, 128, 1, 1),
                         "fire6/bypass1x1": (384, 256, 1, 1), "fire8/bypass1x1": (512, 384, 1, 1)}
        assert around.parameters - plain.parameters == 341_248

    def test_v1_1_has_the_shape_of_the_published_exporters_graph(self):
        """`light_squeezenet.onnx` is Caffe2's export of v1.1, its weights replaced by zeros."""
        theirs, ours = onnx.load(LIGHT).graph, build("squeezenet1.1").graph
        shapes = {value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim) for value in theirs.input}
        shapes |= {tensor.name: tuple(tensor.dims) for tensor in theirs.initializer}
        sizes = {tensor.name: tuple(numpy_helper.to_array(tensor)) for tensor in theirs.initializer
                 if tensor.name.endswith("__SHAPE")}
        shapes |= {name.removesuffix("__SHAPE"): size for name, size in sizes.items()}
        found = [shapes[name] for node in theirs.node if node.op_type == "Conv" for name in node.input[1:]]
        wanted = [tuple(tensor.dims) for tensor in ours.initializer]
        assert found == wanted
        assert windows(ours, "Conv", "MaxPool") == windows(theirs, "Conv", "MaxPool")
        kinds = [node.op_type for node in theirs.node if node.op_type != "ConstantOfShape"]
        assert [node.op_type for node in ours.node if node.op_type != "Flatten"] == kinds

    @pytest.mark.parametrize("name, size, sides", [
        ("squeezenet1.0", 224, (109, 54, 27, 13, 15)), ("squeezenet1.0", 227, (111, 55, 27, 13, 15)),
        ("squeezenet1.0-torchvision", 224, (109, 54, 27, 13, 13)), ("squeezenet1.1", 224, (111, 55, 27, 13, 13)),
        ("squeezenet1.0", 56, (25, 12, 6, 3, 5))])
    def test_sides_of_maps(self, name, size, sides):
        found = NETWORKS[name].sides(size)
        assert tuple(side for layer, side in found.items() if not layer.startswith("fire")) == sides

    @every_network
    def test_sides_are_those_that_onnx_infers(self, name):
        model = onnx.shape_inference.infer_shapes(build(name, input_size=SMALL))
        inferred = {value.name: value.type.tensor_type.shape.dim[-1].dim_value for value in model.graph.value_info}
        for layer, side in NETWORKS[name].sides(SMALL).items():
            output = f"{layer}/concat_out" if layer.startswith("fire") else f"{layer}_out"
            assert inferred[output] == side, layer


class TestFireFamily:
    def test_published_metaparameters_are_v1_0(self):
        """Section 5.1: base_e = 128, incr_e = 128, pct_3x3 = 0.5, freq = 2, SR = 0.125."""
        family = FireFamily(base_e=128, incr_e=128, freq=2, squeeze_ratio=0.125, pct_3x3=0.5)
        assert [family.filters(i) for i in range(8)] == [
            (16, 64, 64), (16, 64, 64), (32, 128, 128), (32, 128, 128), (48, 192, 192), (48, 192, 192),
            (64, 256, 256), (64, 256, 256)]

    def test_more_squeeze_filters_and_3x3_filters(self):
        family = FireFamily(squeeze_ratio=0.75, pct_3x3=0.99)
        assert family.filters(0) == (96, 1, 127) and family.filters(7) == (384, 5, 507)

    def test_small_member_runs(self):
        network = FireFamily(base_e=8, incr_e=4, freq=1, modules=3).network(
            "tiny", conv1=ConvSpec("conv1", 3, 6, 3, stride=2), pools_after=("conv1", "fire3"), classes=7)
        assert [layer.name for layer in network.body] == ["pool1", "fire2", "fire3", "pool3", "fire4"]
        assert run(build(network, input_size=33), np.zeros((1, 3, 33, 33))).shape == (1, 7)

    @pytest.mark.parametrize("parameters", [{"base_e": 0}, {"freq": 0}, {"pct_3x3": 1.0}, {"pct_3x3": 0.0},
                                            {"squeeze_ratio": 0.001}, {"incr_e": -128}])
    def test_impossible_members_are_refused(self, parameters):
        with pytest.raises(ConfigError, match="^fire family: "):
            FireFamily(**parameters)
