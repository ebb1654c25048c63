"""What an evaluation says, against numbers worked out another way, on small networks."""

import json
import random

import numpy as np
import onnx
import pytest

from firelane.compiler.compress.quality import compare
from firelane.compiler.frame_io.preprocessing import Preprocessing, stored_input
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.quantize import quantize
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.evaluate import evaluate
from firelane.sim.evaluate.plan import DERIVED
from firelane.sim.onnx_session import OnnxSession
from firelane.sim.reference import run, run_batch
from tests.compiler.small_networks import SIDE, small_model, without_record
from tests.networks import random_graph, random_image
from tests.onnx_models import qdq_model, qoperator_model

COUNT = 7
IMAGENET = Preprocessing(channels="BGR", mean=(103.53, 116.28, 123.675), scale=(0.0174, 0.0175, 0.0171), resize=40)


def noise(count: int = COUNT, seed: int = 1) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, 3, SIDE, SIDE), dtype=np.uint8))


def saved_pair(folder, **options) -> dict:
    """Paths of a small float model and of its quantized one."""
    onnx.save(small_model(**options), folder / "f.onnx")
    model = read_float_model(folder / "f.onnx")
    record = options.get("record") or Preprocessing()
    onnx.save(quantize(model, [record.real(image) for image in noise(seed=0)]), folder / "q.onnx")
    return {"model": folder / "q.onnx", "float_model": folder / "f.onnx"}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return saved_pair(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def scores(small):
    """Scores of the reference and of ONNX Runtime on the float graph, (COUNT, classes), as other code computes them."""
    import onnxruntime
    graph = load_graph(small["model"])
    tensor = graph.tensors[graph.output]
    ours = (run_batch(graph, np.stack(noise())).reshape(COUNT, -1).astype(float) - tensor.zero_point) * tensor.scale
    session = onnxruntime.InferenceSession(small["float_model"], providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    theirs = np.concatenate([session.run(None, {source: image[None].astype(np.float32)})[0] for image in noise()])
    return ours, theirs.reshape(COUNT, -1)


class TestNumbers:
    def test_accuracy_of_the_reference(self, small, scores):
        order = np.argsort(-scores[0], axis=1, kind="stable")
        best, fifth, sixth = order[:, 0].tolist(), order[:, 4].tolist(), order[:, 5].tolist()
        shares = [(found.top1, found.top5) for labels in (best, fifth, sixth)
                  for found in evaluate(small["model"], noise(), labels=labels).scores]
        assert shares == [(1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]

    def test_agreement_and_divergence_with_the_float_graph(self, small, scores):
        ours, probabilities = scores
        found = evaluate(**small, images=noise(), labels=probabilities.argmax(axis=1).tolist())
        agreeing = ours.argmax(axis=1) == probabilities.argmax(axis=1)
        assert found.score("reference").agreement == agreeing.mean() == found.score("reference").top1
        assert found.score("float").top1 == 1.0 and found.score("float").agreement is None
        assert (found.score("reference").lost, found.score("reference").gained) == (COUNT - agreeing.sum(), 0)
        softmax = np.exp(ours) / np.exp(ours).sum(axis=1, keepdims=True)
        expected = (probabilities * np.log(probabilities / softmax)).sum(axis=1).mean()
        assert 0 < found.score("reference").divergence == pytest.approx(expected, rel=1e-3, abs=1e-6)

    def test_expected_loss_needs_no_labels(self, small, scores):
        """As `compress` finds it of the same probabilities."""
        ours, probabilities = scores
        softmax = np.exp(ours) / np.exp(ours).sum(axis=1, keepdims=True)
        wanted = compare(probabilities, softmax, ours.argmax(axis=1))
        found = evaluate(**small, images=noise())
        assert found.score("float").expected_loss is None and found.score("reference").loss_error > 0
        assert (found.score("reference").expected_loss, found.score("reference").loss_error) == pytest.approx(
            (wanted.drop, wanted.error), rel=1e-3, abs=1e-6)

    def test_gained_is_what_only_the_quantized_network_names_right(self, small, scores):
        ours = scores[0].argmax(axis=1)
        found = evaluate(**small, images=noise(), labels=ours.tolist()).score("reference")
        assert (found.lost, found.gained) == (0, (ours != scores[1].argmax(axis=1)).sum())

    def test_noise_of_layers_by_hand(self, small):
        graph, found = load_graph(small["model"]), evaluate(**small, images=noise(2), onnxruntime=True)
        assert [layer.snr_db for layer in found.layers if not layer.node] == [None]      # the pixels are exact
        assert {layer.node for layer in found.layers} >= {"conv1", "fire2/squeeze1x1", "fire3/concat", "conv10"}
        layer = next(layer for layer in found.layers if layer.node == "conv1")
        weight, bias = (onnx.numpy_helper.to_array(tensor).astype(float) for name in ("conv1.weight", "conv1.bias")
                        for tensor in onnx.load(small["float_model"]).graph.initializer if tensor.name == name)
        signal = error = 0
        for image in noise(2):
            windows = np.lib.stride_tricks.sliding_window_view(image.astype(float), (3, 3), axis=(1, 2))[:, ::2, ::2]
            real = np.maximum(np.einsum("cyxij,ocij->oyx", windows, weight) + bias[:, None, None], 0)
            tensor = graph.tensors[layer.tensor]
            ours = (run(graph, image)[layer.tensor].astype(float) - tensor.zero_point) * tensor.scale
            signal, error = signal + (real ** 2).sum(), error + ((ours - real) ** 2).sum()
        assert layer.snr_db == pytest.approx(10 * np.log10(signal / error), abs=1e-3)

    def test_derived_float_graph_has_no_noise_of_weights(self, small):
        derived = evaluate(small["model"], noise(), float_model=DERIVED)
        given = evaluate(**small, images=noise())
        assert "without quantization of activations" in derived.float_graph
        conv1 = [next(layer.snr_db for layer in found.layers if layer.node == "conv1") for found in (derived, given)]
        assert conv1[0] > conv1[1]
        assert 0 < derived.score("reference").divergence < 2 * given.score("reference").divergence

    @pytest.mark.parametrize("write", [qdq_model, qoperator_model], ids=["qdq", "qoperator"])
    @pytest.mark.parametrize("seed", range(3))
    def test_onnx_runtime_on_random_quantized_graphs(self, tmp_path, write, seed):
        """Its best class is among the best five of the session that the end-to-end tests use, and of the reference."""
        rng = np.random.default_rng(seed)
        graph = next(graph for graph in iter(lambda: random_graph(rng, size="tiny", without=["clamp", "rescale"]), None)
                     if graph.tensors["input"].channels == 3)
        model = write(graph)
        onnx.helper.set_model_props(model, {"firelane.input": Preprocessing(scale=(0.02,)).to_json()})
        onnx.save(model, tmp_path / "random.onnx")
        images = [random_image(rng, graph) for _ in range(3)]
        stored = [stored_input(load_graph(tmp_path / "random.onnx"), image) for image in images]
        for result, name in ((lambda image: OnnxSession(tmp_path / "random.onnx").run(graph, image), "onnxruntime"),
                             (lambda image: run(graph, image), "reference")):
            labels = [int(result(image)[graph.output].ravel().argmax()) for image in stored]
            found = evaluate(model, images, onnxruntime=True, labels=labels)
            assert [score.run for score in found.scores] == ["reference", "onnxruntime"]
            assert found.score(name).top5 == 1.0
        assert found.score("reference").top1 == 1.0

    def test_agrees_with_onnx_runtime_without_optimization(self, small, tmp_path):
        graph, session = load_graph(small["model"]), OnnxSession(small["model"])
        labels = [int(session.run(graph, image)[graph.output].argmax()) for image in noise()]
        found = evaluate(small["model"], noise(), labels=labels, onnxruntime=True, reference=False)
        assert [score.run for score in found.scores] == ["onnxruntime"]
        assert found.score("onnxruntime").top1 >= 1 - 1 / COUNT       # kernels may differ by a step

    def test_float_model_alone_and_against_another(self, small):
        alone = evaluate(small["float_model"], noise())
        assert [score.run for score in alone.scores] == ["onnxruntime"] and alone.layers == ()
        both = evaluate(small["float_model"], noise(), float_model=small["float_model"])
        assert both.score("onnxruntime").agreement == 1.0 and both.score("onnxruntime").divergence == 0.0

    def test_mean_scale_and_order_of_channels(self, tmp_path):
        """A padded first layer keeps them outside the network: both graphs must see the same colours."""
        models = saved_pair(tmp_path, pad=1, record=IMAGENET)
        found = evaluate(**models, images=noise(), onnxruntime=True)
        assert min(layer.snr_db for layer in found.layers if layer.node in ("", "conv1")) > 25
        assert {score.run: score.agreement for score in found.scores}["reference"] >= 0.8

    def test_how_a_float_model_takes_pixels_may_be_said(self, small, tmp_path):
        onnx.save(without_record(small_model()), tmp_path / "silent.onnx")
        found = evaluate(small["model"], noise(), float_model=tmp_path / "silent.onnx", record={"scale": "1"})
        assert found.scores == evaluate(**small, images=noise()).scores
        darker = evaluate(tmp_path / "silent.onnx", noise(), float_model=small["float_model"], record={"scale": "0.5"})
        assert darker.score("onnxruntime").divergence == 0.0             # it is said of both


class TestSameDigits:
    def test_order_of_images(self, small):
        labels, places = [3, 1, 4, 1, 5, 9, 2], list(range(COUNT))
        random.Random(0).shuffle(places)
        images = noise()
        before = evaluate(**small, images=images, labels=labels, onnxruntime=True)
        after = evaluate(**small, images=[images[place] for place in places], onnxruntime=True,
                         labels=[labels[place] for place in places])
        assert after == before and after.to_json() == before.to_json()

    def test_parsed_models_are_the_same_as_files(self, small):
        parsed = evaluate(onnx.load(small["model"]), noise(), float_model=read_float_model(small["float_model"]))
        assert parsed.scores == evaluate(**small, images=noise()).scores

    def test_json(self, small):
        found = json.loads(evaluate(**small, images=noise(2)).to_json())
        assert found["images"] == 2 and found["network"] == "small"
        assert [score["run"] for score in found["scores"]] == ["reference", "float"]
        assert found["layers"][0]["snr_db"] is None and found["layers"][1]["node"] == "conv1"


class TestRefused:
    @pytest.fixture
    def refused(self, small):
        def message(model: str = "model", images=None, **options) -> str:
            options = {name: small.get(value, value) if isinstance(value, str) else value
                       for name, value in options.items()}
            with pytest.raises(FirelaneError) as error:
                evaluate(small[model], noise() if images is None else images, **options)
            return str(error.value)
        return message

    def test_a_float_model_has_no_reference(self, refused):
        assert "a float model, the reference computes with integers; quantize it first: firelane quantize" in refused(
            "float_model", reference=True)
        assert "a float model: there is nothing to derive; give another one" in refused("float_model",
                                                                                       float_model=DERIVED)

    def test_a_quantized_model_is_no_float_model(self, refused):
        assert "q.onnx: is quantized, and a float network is compared with; give the one that was quantized" in refused(
            float_model="model")

    def test_nothing_to_run(self, refused):
        assert refused(reference=False) == "reference: nothing is left to run; add --onnxruntime"

    def test_images_and_labels(self, refused):
        assert refused(images=[]) == "images: there are none; one at least is needed"
        assert refused(labels=[1]) == f"labels: 1 for {COUNT} images; one for each"
        assert refused(images=[noise()[0][:, 1:]]) == ("image 0: uint8 of shape (3, 32, 33); uint8 of shape "
                                                       "(3, 33, 33) is wanted")
        assert refused(images=[noise()[0].astype(float)]).startswith("image 0: float64 of shape (3, 33, 33); ")

    def test_another_network_as_float_model(self, refused, tmp_path):
        onnx.save(without_record(small_model()), tmp_path / "silent.onnx")
        assert "silent.onnx: how the network takes pixels is not known; it has no metadata" in refused(
            float_model=str(tmp_path / "silent.onnx"))
        onnx.save(small_model(record=Preprocessing(resize=99)), tmp_path / "other.onnx")
        assert "other.onnx: resizes images to 99, the evaluated model to 38; correct metadata" in refused(
            float_model=str(tmp_path / "other.onnx"))
        model = small_model()
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = SIDE + 8
        del model.graph.value_info[:]
        onnx.save(model, tmp_path / "larger.onnx")
        assert f"larger.onnx: an input of shape [3, {SIDE + 8}, {SIDE}], the evaluated model's is" in refused(
            float_model=str(tmp_path / "larger.onnx"))

    def test_scores_that_are_no_numbers(self, small):
        model = small_model()
        bias = next(tensor for tensor in model.graph.initializer if tensor.name == "conv10.bias")
        bias.CopyFrom(onnx.numpy_helper.from_array(np.full(10, np.inf, np.float32), bias.name))
        with pytest.raises(FirelaneError, match="scores that are not finite"):
            evaluate(model, noise())
