"""Finding the scores, tensors that belong together, and the float graph inside a quantized one."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from firelane.compiler.onnx_import import load_graph
from firelane.compiler.onnx_import.kind import is_quantized
from firelane.compiler.support.errors import ModelError
from firelane.sim.evaluate.graphs import derived_float, own_pairs, pairs, with_scores
from tests.float_models import small_squeezenet

SIDE = 32


class Noise(CalibrationDataReader):
    def __init__(self):
        rng = np.random.default_rng(0)
        self._feeds = iter([{"image": rng.uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)} for _ in range(4)])

    def get_next(self):
        return next(self._feeds, None)


@pytest.fixture(scope="module", params=[QuantFormat.QDQ, QuantFormat.QOperator], ids=["qdq", "qoperator"])
def models(request, tmp_path_factory):
    """A float model, its quantized one as ONNX Runtime writes it, and the graph of that."""
    folder = tmp_path_factory.mktemp("models")
    onnx.save(small_squeezenet(side=SIDE), folder / "f.onnx")
    quantize_static(folder / "f.onnx", folder / "q.onnx", Noise(), quant_format=request.param, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return onnx.load(folder / "f.onnx"), onnx.load(folder / "q.onnx"), load_graph(folder / "q.onnx")


def test_quantized_or_not(models):
    assert [is_quantized(model.graph) for model in models[:2]] == [False, True]


def test_scores_stand_before_the_softmax(models):
    original, quantized, graph = models
    assert with_scores(original) == (original, "flatten_out")
    extended, name = with_scores(quantized)
    feed = {"image": np.random.default_rng(1).uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)}
    extended.graph.output.append(onnx.ValueInfoProto(name=name))
    probabilities, scores = onnxruntime.InferenceSession(extended.SerializeToString(),
                                                         providers=["CPUExecutionProvider"]).run(None, feed)
    assert probabilities == pytest.approx(np.exp(scores) / np.exp(scores).sum(), abs=0.01)
    steps = scores / graph.tensors[graph.output].scale
    assert steps == pytest.approx(np.rint(steps), abs=1e-3)


def test_without_a_softmax_the_output_has_the_scores(models):
    plain = onnx.ModelProto()
    plain.CopyFrom(models[0])
    del plain.graph.node[-1]
    plain.graph.output[0].name = "flatten_out"
    assert with_scores(plain) == (plain, "flatten_out")


def test_pairs_are_behind_clamps_that_the_quantizer_took_in(models):
    """ONNX Runtime drops each ReLU whose tensor has the zero point 0: its Conv's tensor then belongs to the ReLU's."""
    original, quantized, graph = models
    found = dict(pairs(quantized.graph, original.graph, graph.tensors))
    assert len(found) >= 10
    assert sum(name.endswith("/relu_out") for name in found.values()) >= 8
    convolutions = {node.output[0] for node in original.graph.node if node.op_type == "Conv"}
    assert not convolutions & set(found.values())


def test_a_clamp_that_was_kept_keeps_its_tensors_apart(models):
    """A quantized Conv's tensor before a ReLU of its own belongs to the Conv's."""
    original, _, _ = models
    quantizer = onnx.helper.make_node("QuantizeLinear", ["conv1_out", "scale"], ["codes"])
    absorbed = onnx.GraphProto(node=[quantizer])
    kept = onnx.GraphProto(node=[quantizer, onnx.helper.make_node("Relu", ["conv1_out"], ["conv1/relu_out"])])
    assert pairs(absorbed, original.graph, ["codes"]) == (("codes", "conv1/relu_out"),)
    assert pairs(kept, original.graph, ["codes"]) == (("codes", "conv1_out"),)


def test_derived_float_is_the_original_but_for_its_weights(models):
    original, quantized, graph = models
    if any(node.op_type.startswith("QLinear") for node in quantized.graph.node):
        with pytest.raises(ModelError, match="QLinear operators: there is no float graph in it; give the float model"):
            derived_float(quantized)
        return
    plain, image = derived_float(quantized), np.random.default_rng(5).uniform(0, 1, (1, 3, SIDE, SIDE))
    assert "QuantizeLinear" not in {node.op_type for node in plain.graph.node}
    assert len(own_pairs(quantized.graph, graph.tensors)) == len(dict(pairs(quantized.graph, original.graph,
                                                                            graph.tensors)))
    results = [onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        None, {"image": image.astype(np.float32)})[0] for model in (original, plain)]
    assert results[1] == pytest.approx(results[0], rel=0.05)     # weights of 8 bits
    assert with_scores(plain)[1] == with_scores(quantized)[1] == plain.graph.node[-2].input[0]
