"""Ranges of activations, and which activations share one."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from firelane.compiler.quantize.calibration import BINS, Method, calibrate, mse_range, percentile_range
from firelane.compiler.quantize.scale_groups import scale_groups
from firelane.models.squeezenet import Bypass
from tests.compiler.small_networks import SIDE, small_model


def histogram(values: np.ndarray) -> tuple[np.ndarray, float, float]:
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    return np.histogram(values, BINS, (low, high))[0], low, high


def identity_model() -> onnx.ModelProto:
    """y = -x, of any shape (1, 1, 2, 2)."""
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "negative",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 2, 2])])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


def squared_error(values: np.ndarray, low: float, high: float) -> float:
    step = (high - low) / 255
    return float(np.mean((np.clip(np.rint((values - low) / step), 0, 255) * step + low - values) ** 2))


class TestRanges:
    def test_extremes_hold_0_and_cover_input_and_output(self):
        images = [np.float32([[[1, 2], [3, 4]]]), np.float32([[[2, 2], [2, 9]]])]
        assert calibrate(identity_model(), ["x", "y"], images, Method.MINMAX) == {"x": (0.0, 9.0), "y": (-9.0, 0.0)}

    @pytest.mark.parametrize("method", [Method.MSE, Method.PERCENTILE])
    def test_a_tensor_that_is_always_0(self, method):
        images = [np.zeros((1, 2, 2), np.float32)]
        assert calibrate(identity_model(), ["y"], images, method) == {"y": (0.0, 0.0)}

    def test_progress_names_each_pass(self):
        images, seen = [np.ones((1, 2, 2), np.float32)] * 2, []
        calibrate(identity_model(), ["y"], images, Method.MSE, lambda *stage: seen.append(stage))
        assert seen == [("extremes", 1), ("extremes", 2), ("histograms", 1), ("histograms", 2)]

    def test_percentile_leaves_out_outliers_only(self):
        values = np.append(np.linspace(0, 1, 100_000), [50.0])
        low, high = percentile_range(*histogram(values))
        assert low == 0 and 1 <= high < 1.1

    def test_percentile_of_a_relu_does_not_count_zeros(self):
        values = np.append(np.linspace(0.1, 1, 1000), np.zeros(1_000_000))
        assert percentile_range(*histogram(values))[1] == pytest.approx(1, abs=1e-3)

    @pytest.mark.parametrize("values", [
        np.random.default_rng(0).laplace(0, 1, 20_000), np.abs(np.random.default_rng(1).standard_t(3, 20_000)),
        np.random.default_rng(2).uniform(0, 1, 20_000)])
    def test_mse_is_not_worse_than_everything_or_the_percentile(self, values):
        counts, low, high = histogram(values)
        best = squared_error(values, *mse_range(counts, low, high))
        assert best <= squared_error(values, low, high) * 1.001
        assert best <= squared_error(values, *percentile_range(counts, low, high)) * 1.02


class TestGroups:
    def test_parts_of_a_concatenation_share_the_scale_of_what_it_makes(self):
        groups = scale_groups(small_model().graph)
        assert set(groups.of("fire2/concat_out")) == {"fire2/expand1x1/relu_out", "fire2/expand3x3/relu_out",
                                                      "fire2/concat_out"}
        assert set(groups.of("conv1/relu_out")) == {"conv1/relu_out", "pool1_out"}
        assert groups.of("image") == ("image",)

    def test_only_tensors_that_somebody_computes_with_are_calibrated(self):
        computed = scale_groups(small_model().graph).computed_with
        assert {"image", "pool1_out", "fire2/squeeze1x1/relu_out", "fire2/concat_out"} < set(computed)
        assert not {"conv1_out", "conv1/relu_out", "fire2/expand1x1/relu_out", "probabilities"} & set(computed)

    def test_an_addition_joins_nothing(self):
        groups = scale_groups(small_model(bypass=Bypass.SIMPLE).graph)
        assert not {"pool1_out", "fire2/concat_out"} & set(groups.of("fire2/bypass_out"))

    def test_every_tensor_of_a_group_gets_the_range_that_holds_all(self):
        groups = scale_groups(small_model().graph)
        shared = groups.shared({"fire2/concat_out": (-1.0, 2.0), "image": (0.0, 255.0)})
        assert shared["fire2/expand3x3/relu_out"] == shared["fire2/concat_out"] == (-1.0, 2.0)
        assert "conv10/relu_out" not in shared

    def test_calibrating_the_small_network(self):
        model = small_model()
        groups = scale_groups(model.graph)
        images = np.random.default_rng(0).integers(0, 256, (3, 3, SIDE, SIDE)).astype(np.float32)
        ranges = groups.shared(calibrate(model, groups.computed_with, images, Method.MSE))
        assert all(low <= 0 <= high and low < high for low, high in ranges.values())
