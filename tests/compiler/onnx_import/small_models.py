"""Small QDQ models for the tests of the importer, written node by node."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import FirelaneError

SCALE = 0.05


class Model:
    """Writes a small QDQ model: `quantized` puts QuantizeLinear and DequantizeLinear behind a value."""

    def __init__(self, channels: int = 3, height: int = 8, width: int = 9, *, kind=np.uint8, zero_point: int = 7,
                 batch: int | str = 1, input_type: int = TensorProto.FLOAT):
        self.kind, self.zero_point = kind, zero_point
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.input = helper.make_tensor_value_info("image", input_type, [batch, channels, height, width])
        self.rng = np.random.default_rng(5)

    def constant(self, array, name: str | None = None) -> str:
        name = name or f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op_type: str, *inputs: str, domain: str = "", **attributes) -> str:
        output = f"{op_type.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=f"node_{output}", domain=domain,
                                           **attributes))
        return output

    def parameters(self, scale: float = SCALE, zero_point: int | None = None) -> list[str]:
        zero_point = self.zero_point if zero_point is None else zero_point
        return [self.constant(np.float32(scale)), self.constant(self.kind(zero_point))]

    def quantized(self, value: str, scale: float = SCALE, zero_point: int | None = None) -> str:
        parameters = self.parameters(scale, zero_point)
        return self.node("DequantizeLinear", self.node("QuantizeLinear", value, *parameters), *parameters)

    def weight(self, *shape: int, kind=np.int8, zero_point: int | None = None, per_channel: bool = False,
               axis: int = 0) -> str:
        centre = zero_point or 0
        integers = self.rng.integers(centre - 100, centre + 101, shape).astype(kind)
        count = shape[axis] if per_channel else 1
        scale = np.float32(self.rng.uniform(0.005, 0.01, count))
        inputs = [self.constant(integers), self.constant(scale if per_channel else scale[0])]
        if zero_point is not None:
            inputs.append(self.constant(np.full(count, centre, kind) if per_channel else kind(centre)))
        return self.node("DequantizeLinear", *inputs, axis=axis)

    def conv(self, value: str, *shape: int, bias: str | None = None, **attributes) -> str:
        return self.node("Conv", value, self.weight(*shape), *([bias] if bias else []), **attributes)

    def proto(self, output: str, opset: int = 13, **metadata: str) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "tested", [self.input],
                                  [helper.make_empty_tensor_value_info(output)], self.constants)
        model = helper.make_model(graph, ir_version=8, opset_imports=[
            helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
        helper.set_model_props(model, metadata)
        return model


def kinds(graph: Graph) -> list[str]:
    return [type(node).__name__ for node in graph.nodes]


def refusal(model: onnx.ModelProto, folder) -> str:
    onnx.save(model, folder / "m.onnx")
    with pytest.raises(FirelaneError) as caught:
        load_graph(folder / "m.onnx")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def int8_weight(model: Model, *shape: int) -> str:
    return model.constant(model.rng.integers(-100, 101, shape).astype(np.int8))
