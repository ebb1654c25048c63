"""What no engine does is found before it is written."""

import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from firelane.cli.main import main
from firelane.compiler.fit import possible
from firelane.compiler.fit.possible import check_possible
from firelane.compiler.support.errors import CapacityError, ModelError
from tests.compiler.build import GraphBuilder

SIDE = 20


def convolution(kernel: int = 3, stride: int = 1, pad: int = 1, width: int = SIDE):
    build = GraphBuilder(1, SIDE, width)
    weight = np.ones((1, 1, kernel, kernel), np.int8)
    return build.graph(build.conv("image", 1, kernel=kernel, stride=stride, pad=pad, weight=weight))


@pytest.mark.parametrize("graph, error, message", [
    (convolution(stride=3), ModelError, r"node 'conv0': stride 3; 1, 2, 4, 8, \.\.\. are possible"),
    (convolution(kernel=7, pad=3), ModelError, r"node 'conv0': reads rows -3\.\.3 and .* is possible there"),
    (convolution(width=230), CapacityError, "node 'conv0': rows of 230 .* 224 lanes; a smaller input is needed")])
def test_what_no_engine_does(graph, error, message):
    with pytest.raises(error) as caught:
        check_possible(graph)
    assert re.fullmatch(message, str(caught.value))


def test_any_engine_will_do(monkeypatch):
    check_possible(convolution())
    check_possible(convolution(width=200))                # 16 banks
    monkeypatch.setattr(possible, "BANKS", (1, 2))
    check_possible(convolution())                        # 2 banks: 28 lanes
    with pytest.raises(CapacityError):
        check_possible(convolution(width=30))


def float_model(stride: int) -> onnx.ModelProto:
    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    size = (SIDE - 3) // stride + 1
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w"], ["map"], name="conv", strides=[stride, stride])], "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, [1, 4, size, size])],
        [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


@pytest.mark.parametrize("stride, code", [(2, 0), (3, 2)])
@pytest.mark.parametrize("command", ["quantize", "compress"])
def test_what_is_written_can_be_compiled(tmp_path, capsys, command, stride, code):
    onnx.save(float_model(stride), tmp_path / "f.onnx")
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (8, 3, SIDE, SIDE), dtype=np.uint8))
    more = ["--budget", "2KB", "--effort", "fast", "--no-mirror"] if command == "compress" else []
    arguments = [command, str(tmp_path / "f.onnx"), "--calib", str(tmp_path / "images.npy"), "--mean", "0", "-o",
                 str(tmp_path / "q.onnx"), *more]
    assert main(arguments) == code
    assert (tmp_path / "q.onnx").exists() == (code == 0)
    if code:
        assert capsys.readouterr().err.splitlines()[-1] == "error: node 'conv': stride 3; 1, 2, 4, 8, ... are possible"
    else:
        assert main(["compile", str(tmp_path / "q.onnx"), "-o", str(tmp_path / "out")]) == 0
