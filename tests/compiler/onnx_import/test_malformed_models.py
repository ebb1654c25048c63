"""Broken and unsupported models: one line that names the node, what is wrong and what to do; never a traceback."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from firelane.compiler.ir.graph import HOST_OPERATORS
from firelane.compiler.onnx_import import CHANNELS_LAST, load_graph
from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.onnx_import.reader import read_model
from firelane.compiler.support.errors import FirelaneError, ModelError
from firelane.compiler.support.problems import LISTED_MAX
from tests.compiler.onnx_import.small_models import Model
from tests.networks import random_graph
from tests.onnx_models import qdq_model, qoperator_model


def problems_of(model: onnx.ModelProto | bytes, folder) -> list[str]:
    """The messages of the import, each checked to be one line."""
    path = folder / "broken.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    with pytest.raises(ModelErrors) as caught:
        load_graph(path)
    messages = [str(problem) for problem in caught.value.problems]
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    assert str(caught.value) == messages[0] + more
    assert caught.value.further[:LISTED_MAX - 1] == caught.value.problems[1:LISTED_MAX]
    assert all("\n" not in message and len(message) < 500 for message in messages)
    return [message.replace(str(folder), "") for message in messages]


def one_layer(op_type: str = "Conv", shape=(4, 3, 1, 1), **attributes) -> onnx.ModelProto:
    model = Model()
    operands = [model.weight(*shape)] if op_type == "Conv" else []
    return model.proto(model.quantized(model.node(op_type, model.quantized("image"), *operands, **attributes)))


@pytest.mark.parametrize("model, message", [
    (one_layer("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]),
     r"node_maxpool2 \(MaxPool\): dilations \[2, 2\]; only 1 is possible in a pool"),
    (one_layer(shape=(4, 3, 3, 3), dilations=[100, 100], pads=[100] * 4),
     r"node_conv3 \(Conv\): dilations \[100, 100\] make a kernel of 201 x 201; at most 1024 places are possible"),
    (one_layer(shape=(4, 3, 9, 9), pads=[4] * 4),
     r"node_conv3 \(Conv\): kernel \[9, 9\]; at most 64 places are possible"),
    (one_layer(shape=(4, 2, 1, 1)),
     r"node_conv3 \(Conv\): weights of shape \[4, 2, 1, 1\] in 1 groups do not fit 3 input channels"),
    (one_layer(shape=(4, 3, 1)), r"node_conv3 \(Conv\): ONNX does not allow it: Number of spatial dimensions .*"),
    (one_layer(kernel_shape=[3, 3]), r"node_conv3 \(Conv\): kernel_shape \[3, 3\], but the weights are \[1, 1\]"),
    (one_layer(strides=[0, 1]), r"node_conv3 \(Conv\): ONNX does not allow it: Attribute strides must .* values; .*"),
    (one_layer(strides=2), r"node_conv3 \(Conv\): ONNX does not allow it: Attribute strides has incorrect size; .*"),
    (one_layer(pads=[-1, 0, 0, 0]),
     r"node_conv3 \(Conv\): ONNX does not allow it: Attribute pads must not .* values; .*"),
    (one_layer(auto_pad="SOME"), r"node_conv3 \(Conv\): auto_pad SOME; NOTSET, SAME_UPPER, .* are possible"),
    (one_layer(shape=(4, 3, 3, 3), pads=[0, 0, 0, 0], strides=[1, 1], group=0),
     r"node_conv3 \(Conv\): weights of shape \[4, 3, 3, 3\] in 0 groups do not fit 3 input channels"),
    (one_layer("AveragePool", kernel_shape=[3, 3], pads=[1] * 4),
     r"node_averagepool2 \(AveragePool\): padding that is not counted \(count_include_pad = 0\); AveragePool without "
     "padding, or with count_include_pad = 1, is possible"),
    (one_layer("AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
     r"node_averagepool2 \(AveragePool\): ceil_mode, and its last window .*"),
    (one_layer("MaxPool", kernel_shape=[9, 9]), r"node_maxpool2 \(MaxPool\): kernel \[9, 9\] is larger than its map of "
                                                "8 x 9 with padding"),
    (one_layer("MaxPool"), r"node_maxpool2 \(MaxPool\): ONNX does not allow it: Attribute kernel_shape must be .*"),
    (one_layer("ReduceMean", axes=[1]), r"node_reducemean2 \(ReduceMean\): the mean over axes \[1\]; .*"),
    (one_layer("ReduceMean"), r"node_reducemean2 \(ReduceMean\): the mean over all axes; rows and columns.*"),
    (one_layer("Tanh"), r"node_tanh2 \(Tanh\): the engine has no such operator; train or fine-tune the network .*"),
    (one_layer("Ceil"), r"node_ceil2 \(Ceil\): the engine has no such operator; there are Add, .*"),
    (one_layer("Transpose"), r"node_transpose2 \(Transpose\): perm \[3, 2, 1, 0\] of a feature map of .*"),
    (one_layer("Flatten", axis=2), r"node_flatten2 \(Flatten\): axis 2; axis 1 is possible"),
    (one_layer("Softmax", axis=3), r"node_softmax2 \(Softmax\): over axis 3 of shape \[1, 3, 8, 9\]; over all .*"),
])
def test_what_the_engine_cannot_do(model, message, tmp_path):
    found = problems_of(model, tmp_path)
    assert re.fullmatch(message, found[0]), found[0]
    assert len(found) == 1


def one_constant(op_type: str, *arrays, channels: int = 3) -> onnx.ModelProto:
    """The image, quantized, and constants; none stands for the image once more."""
    model = Model(channels)
    source = model.quantized("image")
    operands = [model.constant(np.float32(array)) for array in arrays] or [source]
    return model.proto(model.quantized(model.node(op_type, *([source, *operands][:2]))))


@pytest.mark.parametrize("model, message", [
    (one_constant("Mul"), r"node_mul2 \(Mul\): multiplies two maps; a map times a constant is possible"),
    (one_constant("Mul", np.ones((8, 9))),
     r"node_mul2 \(Mul\): a constant of shape \[8, 9\] for a map of shape \[1, 3, 8, 9\]; one number, or one for each "
     r"of the 3 channels, is possible"),
    (one_constant("Mul", np.ones(9)), r"node_mul2 \(Mul\): a constant of shape \[9\] for .*"),
    (one_constant("Mul", np.ones((2, 3, 1, 1))), r"node_mul2 \(Mul\): a constant of shape \[2, 3, 1, 1\] for .*"),
    (one_constant("Mul", np.ones((1, 1, 1, 1, 1))), r"node_mul2 \(Mul\): a constant of shape \[1, 1, 1, 1, 1\] for .*"),
    (one_constant("Add", np.ones((3, 8, 9))), r"node_add2 \(Add\): a constant of shape \[3, 8, 9\] for .*"),
    (one_constant("Add", [[[np.nan]]]), r"initializer constant2: 1 of 1 values are not finite numbers; .*"),
    (one_constant("Mul", 1e6), r"node_mul2 \(Mul\): requantization scale 1e\+06 is not below 2\*\*15; calibrate .*"),
])
def test_constants_that_the_engine_cannot_multiply_with_or_add(model, message, tmp_path):
    found = problems_of(model, tmp_path)
    assert re.fullmatch(message, found[0]), found[0]
    assert len(found) == 1


@pytest.mark.parametrize("scale, shown", [(0.0, "0."), (-1.0, "-1.")])
def test_scales(scale, shown, tmp_path):
    model = Model()
    found = problems_of(model.proto(model.quantized("image", scale)), tmp_path)
    assert found == [f"node_quantizelinear0 (QuantizeLinear): scale [{shown}] is not positive; "
                     "calibrate the model again"]


def test_scales_of_each_row(tmp_path):
    """They are positive: it is their shape that is not read."""
    model, matrix = Model(8, 1, 1), np.ones((8, 10), np.int8)
    ends = model.parameters()
    value = model.node("Flatten", model.node("QuantizeLinear", "image", *ends))
    weights = [model.constant(matrix), model.constant(np.full((8, 1), 0.01, np.float32)),
               model.constant(np.zeros((8, 1), np.int8))]
    value = model.node("QLinearMatMul", value, *ends, *weights, *ends)
    assert problems_of(model.proto(model.node("DequantizeLinear", value, *ends)), tmp_path) == [
        "node_qlinearmatmul2 (QLinearMatMul): scales of shape [8, 1]; one, or one for each channel, is possible"]


def test_scale_of_a_wrong_type(tmp_path):
    model = Model()
    parameters = [model.constant(np.int32(1)), model.constant(np.uint8(0))]
    found = problems_of(model.proto(model.node("QuantizeLinear", "image", *parameters)), tmp_path)
    assert found == ["node_quantizelinear0 (QuantizeLinear): ONNX does not allow it: y_scale typestr: tensor(float), "
                     "has unsupported type: tensor(int32); export the model again"]


def test_missing_scale(tmp_path):
    model = Model()
    found = problems_of(model.proto(model.node("QuantizeLinear", "image")), tmp_path)
    assert found == ["node_quantizelinear0 (QuantizeLinear): ONNX does not allow it: Node with schema("
                     "::QuantizeLinear:13) has input size 1 not in range [min=2, max=3]; export the model again"]


def test_activations_of_16_bits(tmp_path):
    model = Model(kind=np.uint16)
    found = problems_of(model.proto(model.quantized("image"), 21), tmp_path)
    assert found[:1] == ["node_quantizelinear0 (QuantizeLinear): activations are uint16; int8 and uint8 are possible"]


def test_weights_that_do_not_fit_int8(tmp_path):
    model = Model()
    weight = model.weight(4, 3, 5, 5, kind=np.uint8, zero_point=100)
    model.constants[-3].CopyFrom(onnx.numpy_helper.from_array(np.full((4, 3, 5, 5), 230, np.uint8),
                                                              model.constants[-3].name))
    found = problems_of(model.proto(model.quantized(model.node("Conv", model.quantized("image"), weight))), tmp_path)
    assert found == ["node_conv3 (Conv): a weight is 130 after its zero point is taken off; "
                     "quantize weights to int8 with zero point 0 (WeightSymmetric)"]


def test_weights_that_are_not_quantized_or_not_constant(tmp_path):
    model = Model()
    source = model.quantized("image")
    float_weight = model.node("Conv", source, model.constant(np.ones((4, 3, 1, 1), np.float32)))
    dynamic = model.node("Conv", source, source)
    both = model.node("Concat", model.node("GlobalAveragePool", model.quantized(float_weight)),
                      model.quantized(dynamic), axis=1)
    assert problems_of(model.proto(model.quantized(both)), tmp_path) == [
        "node_conv2 (Conv): its weights are not quantized; quantize them to int8 (DequantizeLinear of an initializer)",
        "node_conv3 (Conv): its weights are not constant; only constant weights are possible"]


def test_a_layer_without_quantization_between(tmp_path):
    model = Model()
    value = model.conv(model.quantized("image"), 4, 3, 1, 1)
    found = problems_of(model.proto(model.quantized(model.conv(value, 2, 4, 1, 1))), tmp_path)
    assert found == ["node_conv5 (Conv): input conv3 is not quantized; quantize the whole network: firelane quantize "
                     "MODEL --calib IMAGES -o QUANTIZED adds what is missing"]


def test_an_output_without_quantization(tmp_path):
    model = Model()
    found = problems_of(model.proto(model.conv(model.quantized("image"), 4, 3, 1, 1)), tmp_path)
    assert found == ["output conv3: is not quantized; quantize the whole network: "
                     "firelane quantize MODEL --calib IMAGES -o QUANTIZED adds what is missing"]


def test_softmax_in_the_middle(tmp_path):
    model = Model(3, 1, 1)
    value = model.quantized(model.node("Softmax", model.quantized("image"), axis=1))
    found = problems_of(model.proto(model.quantized(model.conv(value, 2, 3, 1, 1))), tmp_path)
    assert found == ["node_conv6 (Conv): reads the result of a Softmax; "
                     "Softmax is possible only at the end of the network"]


@pytest.mark.parametrize("key", [HOST_OPERATORS, CHANNELS_LAST])
@pytest.mark.parametrize("text", ["Softmax", '["image"]', "[[[{"])
def test_metadata_that_only_the_importer_may_write(key, text, tmp_path):
    """They would be obeyed: a Softmax that the model does not have, an input turned round."""
    model = Model()
    proto = model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)), **{key: text})
    assert problems_of(proto, tmp_path) == [
        f"metadata {key}: is in the file, but only the compiler may say it; take it out"]


def test_two_scales_for_one_tensor(tmp_path):
    model = Model()
    stored = model.node("QuantizeLinear", "image", *model.parameters())
    found = problems_of(model.proto(model.node("DequantizeLinear", stored, *model.parameters(0.5))), tmp_path)
    assert found == ["node_dequantizelinear1 (DequantizeLinear): reads quantizelinear0 with scale 0.5 and zero point "
                     "7, but it was made with 0.05 and 7; both must be the same"]


def test_scales_too_far_apart_for_an_addition(tmp_path):
    model = Model()
    source = model.quantized("image")
    branch = model.quantized(model.conv(source, 3, 3, 1, 1), 1e3)
    found = problems_of(model.proto(model.quantized(model.node("Add", source, branch))), tmp_path)
    assert found[0].startswith("node_add6 (Add): scales 0.05 and 1000 are too far apart to be added with int8 factors")


def test_all_problems_are_listed_in_the_order_of_the_graph(tmp_path):
    model = Model()
    source = model.quantized("image")
    bad = model.quantized(model.conv(source, 4, 3, 1, 1, group=2))
    model.quantized(model.conv(bad, 4, 4, 1, 1))                 # depends on the first: not counted
    other = model.quantized(model.conv(source, 4, 3, 1, 1, auto_pad="SOME"))
    found = problems_of(model.proto(model.quantized(model.node("Concat", bad, other, axis=1))), tmp_path)
    assert [message.split(":")[0] for message in found] == ["node_conv3 (Conv)", "node_conv11 (Conv)"]


def edited(edit) -> onnx.ModelProto:
    """A good model after `edit(graph)`."""
    model = one_layer()
    edit(model.graph)
    return model


def add_output(graph):
    graph.output.append(graph.output[0])


def add_input(graph):
    graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def close_cycle(graph):
    graph.node[0].input[0] = graph.output[0].name


def repeat_output(graph):
    graph.node[3].output[0] = graph.node[2].output[0]


def forget_node(graph):
    del graph.node[1]


def free_width(graph):
    graph.input[0].type.tensor_type.shape.dim[3].dim_param = "width"


def other_batch(graph):
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4


def fewer_dimensions(graph):
    del graph.input[0].type.tensor_type.shape.dim[3]


def double_input(graph):
    graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def unknown_output(graph):
    graph.output[0].name = "nowhere"


def cut_weights(graph):
    weight = next(tensor for tensor in graph.initializer if len(tensor.dims) == 4)
    weight.raw_data = weight.raw_data[:5]


def external_weights(graph):
    weight = next(tensor for tensor in graph.initializer if len(tensor.dims) == 4)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "weights.bin"


@pytest.mark.parametrize("edit, start", [
    (add_output, "graph tested: 2 outputs (dequantizelinear5, dequantizelinear5); exactly one is possible"),
    (add_input, "graph tested: 2 inputs (image, more); exactly one image input is possible"),
    (close_cycle, "node_dequantizelinear0 (DequantizeLinear): is in a cycle with 3 other nodes, or "),
    (repeat_output, "tensor dequantizelinear2: is made 2 times; names of tensors must be unique"),
    (forget_node, "node_dequantizelinear2 (DequantizeLinear): reads quantizelinear1, which nothing makes; "),
    (free_width, "input image: shape [1, 3, 8, 'width'] is not fixed; export with fixed channels, "),
    (other_batch, "input image: batch of 4; export with batch 1 or a symbolic batch"),
    (fewer_dimensions, "input image: shape [1, 3, 8]; wanted: (1, channels, height, width)"),
    (double_input, "input image: is float64; float32, uint8 and int8 are possible"),
    (unknown_output, "output nowhere: nothing makes it; export the model again"),
    (cut_weights, "/broken.onnx: ONNX does not allow it: TensorProto (tensor name: constant0) raw_data size (5 bytes)"),
    (external_weights, "/broken.onnx: external data is missing or damaged ("),
])
def test_broken_containers(edit, start, tmp_path):
    found = problems_of(edited(edit), tmp_path)
    assert found[0].startswith(start)


@pytest.mark.parametrize("data, message", [
    (b"", "/broken.onnx: no graph in it; the file is empty, truncated or not ONNX"),
    (b"P5 8 8 255 not a model", "/broken.onnx: not an ONNX file, or a damaged one; give the path of an .onnx file"),
])
def test_files_that_are_not_models(data, message, tmp_path):
    assert problems_of(data, tmp_path) == [message]


@pytest.mark.parametrize("name, hint", [("net.pth", "export the network from PyTorch: torch.onnx.export("),
                                        ("net.TFLITE", "convert it first, with tf2onnx: ")])
def test_models_of_other_kinds(name, hint, tmp_path):
    (tmp_path / name).write_bytes(b"PK8 8 255 not a model")
    with pytest.raises(ModelError, match=f"{name}: not an ONNX file, or a damaged one; {re.escape(hint)}"):
        read_model(tmp_path / name)


def test_names_that_are_not_text(tmp_path):
    data = one_layer().SerializeToString().replace(b"quantizelinear0", b"quantizelinear\xff")
    assert problems_of(data, tmp_path) == ["/broken.onnx: a name in it is not text; the file is damaged"]


def test_names_that_cannot_be_printed(tmp_path):
    data = one_layer("Tanh").SerializeToString().replace(b"node_tanh2", b"node_tan\n\n")
    assert problems_of(data, tmp_path)[0].startswith("node_tan?? (Tanh): the engine has no such operator; ")


def test_no_such_file(tmp_path):
    with pytest.raises(FirelaneError, match=r"nowhere.onnx: No such file or directory; give the path of an .*$"):
        load_graph(tmp_path / "nowhere.onnx")


def assert_loads_or_refuses(data: bytes, path) -> bool:
    """True if it was refused; anything but a FirelaneError goes on as a traceback."""
    path.write_bytes(data)
    try:
        load_graph(path)
    except FirelaneError as error:
        assert "\n" not in str(error)
        return True
    return False


@pytest.mark.parametrize("form", ["qdq", "qoperator"])
def test_truncated_and_flipped_bytes(form, tmp_path):
    rng = np.random.default_rng(11)
    graph = random_graph(rng, size="tiny", without=["clamp"] if form == "qoperator" else [])
    data = (qdq_model if form == "qdq" else qoperator_model)(graph).SerializeToString()
    refused = 0
    for length in rng.integers(0, len(data), 40):
        refused += assert_loads_or_refuses(data[:length], tmp_path / "cut.onnx")
    for place in rng.integers(0, len(data), 160):
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(rng.integers(8))
        refused += assert_loads_or_refuses(bytes(flipped), tmp_path / "flipped.onnx")
    assert refused > 80
