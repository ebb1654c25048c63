"""Activations that the engine does not have, as float and as quantized models: one line says which, and what to do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from firelane.compiler.onnx_import import load_graph
from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.support.errors import FirelaneError
from tests.compiler.onnx_import.small_models import Model
from tests.compiler.quantize.test_canonical import FloatModel

Writer = Callable[..., str]            # of a node: kind, inputs, attributes
WAY_OUT = "train or fine-tune the network with ReLU, ReLU6 (Clip), LeakyReLU or PReLU in its place"


def silu(node: Writer, number: Writer, x: str) -> str:
    return node("Mul", x, node("Sigmoid", x))


def swish_with_a_factor(node: Writer, number: Writer, x: str) -> str:
    return node("Mul", node("Sigmoid", node("Mul", x, number(1.7))), x)


def hard_swish(node: Writer, number: Writer, x: str) -> str:
    return node("Mul", x, node("HardSigmoid", x, alpha=1 / 6))


def hard_swish_of_relu6(node: Writer, number: Writer, x: str) -> str:
    return node("Div", node("Mul", x, node("Clip", node("Add", x, number(3)), number(0), number(6))), number(6))


def gelu(node: Writer, number: Writer, x: str) -> str:
    erf = node("Erf", node("Div", x, number(1.4142135)))
    return node("Mul", node("Mul", x, node("Add", erf, number(1))), number(0.5))


def gelu_halved_first(node: Writer, number: Writer, x: str) -> str:
    return node("Mul", node("Mul", x, number(0.5)), node("Add", node("Erf", node("Mul", x, number(0.7071))), number(1)))


def gelu_by_tanh(node: Writer, number: Writer, x: str) -> str:
    cube = node("Mul", node("Mul", node("Mul", x, x), x), number(0.044715))
    tanh = node("Tanh", node("Mul", node("Add", x, cube), number(0.79788)))
    return node("Mul", x, node("Mul", node("Add", tanh, number(1)), number(0.5)))


def mish(node: Writer, number: Writer, x: str) -> str:
    return node("Mul", x, node("Tanh", node("Softplus", x)))


PRODUCTS = {silu: "SiLU (Swish), x * Sigmoid(x)", swish_with_a_factor: "SiLU (Swish), x * Sigmoid(x)",
            hard_swish: "HardSwish, x * HardSigmoid(x)", hard_swish_of_relu6: "HardSwish, x * HardSigmoid(x)",
            gelu: "GELU", gelu_halved_first: "GELU", gelu_by_tanh: "GELU", mish: "Mish, x * Tanh(Softplus(x))"}


def problems_of(model: onnx.ModelProto, read: Callable) -> list[str]:
    with pytest.raises(ModelErrors) as caught:
        read(model)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("write", PRODUCTS)
def test_in_pieces_of_a_float_model(write):
    model = FloatModel()
    value = write(model.node, lambda value: model.constant(np.float32(value)), model.conv("image", 6, 3, 3, 3))
    (found,) = problems_of(model.proto(model.head(value, 6)), read_float_model)
    assert " (Mul): " in found and found.endswith(f"is {PRODUCTS[write]}, which the engine does not have; {WAY_OUT}")


@pytest.mark.parametrize("write", PRODUCTS)
@pytest.mark.parametrize("between", [False, True])
def test_in_pieces_of_a_quantized_model(write, between):
    """Quantizers stand around each piece, or around the whole."""
    model = Model()

    def node(kind: str, *inputs: str, **attributes) -> str:
        value = model.node(kind, *inputs, **attributes)
        return model.quantized(value) if between else value

    value = write(node, lambda value: model.constant(np.float32(value)),
                  model.quantized(model.conv(model.quantized("image"), 6, 3, 3, 3)))
    value = model.quantized(model.conv(model.quantized(value), 2, 6, 1, 1))
    (found,) = problems_of(model.proto(value), load_graph)
    assert found.endswith(f"is {PRODUCTS[write]}, which the engine does not have; {WAY_OUT}")


def test_in_qoperator_form():
    model = Model()
    stored, numbers = model.node("QuantizeLinear", "image", *model.parameters()), [*model.parameters()]
    gate = model.node("QLinearSigmoid", stored, *numbers, *model.parameters(1 / 256, 0), domain="com.microsoft")
    value = model.node("QLinearMul", stored, *numbers, gate, *model.parameters(1 / 256, 0), *numbers,
                       domain="com.microsoft")
    (found,) = problems_of(model.proto(model.node("DequantizeLinear", value, *numbers)), load_graph)
    assert found.endswith(f"(QLinearMul): is {PRODUCTS[silu]}, which the engine does not have; {WAY_OUT}")


@pytest.mark.parametrize("kind, opset", [("HardSwish", 17), ("Elu", 17), ("Selu", 17), ("Celu", 17), ("Gelu", 20),
                                         ("Mish", 18), ("Softplus", 17), ("Softsign", 17), ("Tanh", 17),
                                         ("ThresholdedRelu", 17), ("Swish", 24)])
@pytest.mark.parametrize("quantized", [False, True])
def test_as_an_operator(kind, opset, quantized):
    if quantized:
        model = Model()
        value = model.node(kind, model.quantized(model.conv(model.quantized("image"), 6, 3, 3, 3)))
        found = problems_of(model.proto(model.quantized(value), opset), load_graph)
    else:
        model = FloatModel()
        value = model.node(kind, model.conv("image", 6, 3, 3, 3))
        found = problems_of(model.proto(model.head(value, 6), opset), read_float_model)
    assert found[0].endswith(f"({kind}): the engine has no such operator; {WAY_OUT}") and len(found) == 1


@pytest.mark.parametrize("kind", ["Sigmoid", "HardSigmoid"])
def test_squeeze_and_excitation(kind):
    model = FloatModel()
    value = model.node("Relu", model.conv("image", 6, 3, 3, 3))
    gate = model.node(kind, model.conv(model.node("GlobalAveragePool", value), 6, 6, 1, 1))
    found = problems_of(model.proto(model.head(model.node("Mul", value, gate), 6)), read_float_model)
    assert found == ["Mul5 (Mul): multiplies a map with the Sigmoid of another, as squeeze and excitation does; the "
                     "engine multiplies maps with constants only; train the network without such blocks"]


def test_other_products():
    model = FloatModel()
    parts = [model.conv("image", 6, 3, 3, 3) for _ in range(2)]
    proto = model.proto(model.head(model.node("Mul", *parts), 6))
    read_float_model(proto)
    quantized = Model()
    source = quantized.quantized("image")
    parts = [quantized.quantized(quantized.conv(source, 6, 3, 3, 3)) for _ in range(2)]
    with pytest.raises(FirelaneError, match=r"\(Mul\): multiplies two maps; a map times a constant is possible"):
        load_graph(quantized.proto(quantized.quantized(quantized.node("Mul", *parts))))
