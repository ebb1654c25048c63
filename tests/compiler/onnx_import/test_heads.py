"""What stands behind the logits, and is computed by the host: Softmax and Sigmoid, as quantizers write them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from firelane.compiler.frame_io.classes import best_classes
from firelane.compiler.ir.graph import HOST_OPERATORS, Graph
from firelane.sim.reference import run
from tests.compiler.onnx_import.small_models import SCALE, Model, refusal


def qlinear_head(op_type: str, read: tuple[float, int], made: tuple[float, int]) -> onnx.ModelProto:
    """Logits of scale 0.5 and zero point 7, and a QLinear head that reads and makes these scales and zero points."""
    model = Model(10, 1, 1)
    value = model.node("Flatten", model.conv(model.quantized("image"), 10, 10, 1, 1))
    value = model.node("QuantizeLinear", value, *model.parameters(0.5))
    ends = model.parameters(*made)
    attributes = {"axis": 1, "opset": 13} if op_type == "QLinearSoftmax" else {}
    value = model.node(op_type, value, *model.parameters(*read), *ends, domain="com.microsoft", **attributes)
    return model.proto(model.node("DequantizeLinear", value, *ends))


def quantized_head(op_type: str, kind: type, made: tuple[float, int], read: tuple[float, int]) -> onnx.ModelProto:
    """A head whose result is quantized with one scale and zero point, and dequantized with another."""
    model = Model(10, 1, 1)
    value = model.quantized(model.conv(model.quantized("image"), 10, 10, 1, 1))
    value = model.node(op_type, model.node("Flatten", value))
    ends = [[model.constant(np.float32(scale)), model.constant(kind(zero_point))] for scale, zero_point in (made, read)]
    return model.proto(model.node("DequantizeLinear", model.node("QuantizeLinear", value, *ends[0]), *ends[1]))


class TestHeads:
    def head(self, load, op_type: str, shape=(1, 10), opset: int = 13, **attributes) -> Graph:
        model = Model(10, 1, 1)
        value = model.quantized(model.node("GlobalAveragePool", model.quantized("image")), 0.04)
        value = model.node("Reshape", value, model.constant(np.int64(shape)))
        return load(model.proto(model.node(op_type, value, **attributes), opset))

    @pytest.mark.parametrize("op_type, attributes, host", [
        ("Softmax", {"axis": 1}, "Softmax"), ("LogSoftmax", {"axis": -1}, "LogSoftmax"), ("Sigmoid", {}, "Sigmoid"),
        ("HardSigmoid", {"alpha": 0.25}, "HardSigmoid:0.25:0.5")])
    def test_is_left_to_the_host(self, load, op_type, attributes, host):
        assert self.head(load, op_type, **attributes).metadata[HOST_OPERATORS] == host

    def test_softmax_of_old_opsets_begins_at_axis_1(self, load):
        assert self.head(load, "Softmax", (1, 10, 1, 1), 11).metadata[HOST_OPERATORS] == "Softmax"

    def test_qlinear_softmax_and_sigmoid(self, load):
        for op_type, host in (("QLinearSoftmax", "Softmax"), ("QLinearSigmoid", "Sigmoid")):
            assert load(qlinear_head(op_type, (0.5, 7), (1 / 256, 0))).metadata[HOST_OPERATORS] == host

    @pytest.mark.parametrize("op_type", ["QLinearSoftmax", "QLinearSigmoid"])
    @pytest.mark.parametrize("scale, zero_point", [(0.25, 7), (0.5, 8)])
    def test_qlinear_heads_read_what_was_made(self, op_type, scale, zero_point, tmp_path):
        found = refusal(qlinear_head(op_type, (scale, zero_point), (1 / 256, 0)), tmp_path)
        assert f"({op_type}): reads quantizelinear" in found and found.endswith(
            f" with scale {scale} and zero point {zero_point}, but it was made with 0.5 and 7; both must be the same")

    def test_qlinear_head_that_saturates(self, load):
        graph = load(qlinear_head("QLinearSigmoid", (0.5, 7), (1 / 512, 0)))
        assert graph.metadata[HOST_OPERATORS] == "Sigmoid,Clip:0:0.498046875"

    @pytest.mark.parametrize("op_type, kind, made", [
        ("Softmax", np.uint8, (1 / 256, 0)), ("Softmax", np.int8, (1 / 256, -128)), ("Sigmoid", np.int8, (1 / 128, 0)),
        ("HardSigmoid", np.uint8, (1 / 64, 100)), ("LogSoftmax", np.uint8, (0.05, 255))])
    def test_quantized_result_that_is_only_rounded(self, op_type, kind, made, load):
        assert "Clip" not in load(quantized_head(op_type, kind, made, made)).metadata[HOST_OPERATORS]

    @pytest.mark.parametrize("op_type, made", [
        ("Softmax", (1 / 4096, 0)), ("Sigmoid", (1 / 512, 0)), ("Softmax", (1 / 256, 77)),
        ("HardSigmoid", (1 / 300, 3)), ("LogSoftmax", (1 / 256, 255))])
    def test_quantized_result_that_saturates(self, op_type, made, load):
        """A calibration ends at its largest value: the host's shares are what ONNX Runtime gives, but not rounded."""
        proto = quantized_head(op_type, np.uint8, made, made)
        graph, image = load(proto), np.random.default_rng(3).integers(0, 256, (10, 1, 1), dtype=np.uint8)
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        theirs = session.run(None, {"image": (image[None] - np.float32(7)) * np.float32(SCALE)})[0].reshape(-1)
        theirs = np.exp(theirs) if op_type == "LogSoftmax" else theirs
        found = best_classes(graph, run(graph, image)[graph.output], count=10)
        assert ",Clip:" in graph.metadata[HOST_OPERATORS]
        for guess in found:
            assert guess.share == pytest.approx(theirs[guess.index], abs=made[0] / 2 + 1e-6)

    @pytest.mark.parametrize("read, said", [((1 / 64, 0), "scale 0.015625 and zero point 0"),
                                            ((1 / 256, 77), "scale 0.00390625 and zero point 77")])
    def test_quantized_result_that_is_read_otherwise(self, read, said, tmp_path):
        found = refusal(quantized_head("Softmax", np.uint8, (1 / 256, 0), read), tmp_path)
        assert f"(DequantizeLinear): reads the result of a Softmax with {said}, but it was made with 0.0039" in found

    def test_sigmoid_in_the_middle(self, tmp_path):
        model = Model()
        value = model.quantized(model.node("Sigmoid", model.quantized("image")))
        found = refusal(model.proto(model.quantized(model.conv(value, 2, 3, 1, 1))), tmp_path)
        assert found.endswith("reads the result of a Sigmoid; Sigmoid is possible only at the end of the network")
