"""Float models to QDQ models: numbers, structure, command, and everything that is refused."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from firelane.cli.main import main
from firelane.compiler.frame_io.preprocessing import INPUT_KEY, Preprocessing, read_image
from firelane.compiler.ir.graph import Rescale
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.calibration import Method
from firelane.compiler.quantize.calibration_images import calibration_images
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.quantize import quantize
from firelane.models.squeezenet import Bypass
from firelane.sim.onnx_session import OnnxSession
from firelane.sim.reference import run_batch
from tests.compiler.small_networks import SIDE, small_model, without_record
from tests.onnx_comparison import compare_layers
from tests.published_data import IMAGES, NET_FILE, accuracy, images, needs_images, needs_net, slow
from tests.quantized_file import quantize_file

IMAGENET = Preprocessing(channels="RGB", mean=(123.675, 116.28, 103.53), scale=(1 / 58.395, 1 / 57.12, 1 / 57.375),
                         resize=40)


def pixels(count: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, SIDE, SIDE), dtype=np.uint8)


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def quantized_small(tmp_path, model: onnx.ModelProto | None = None, **options) -> onnx.ModelProto:
    onnx.save(model or small_model(), tmp_path / "float.onnx")
    return quantize(read_float_model(tmp_path / "float.onnx"), pixels().astype(np.float32), **options)


@pytest.fixture
def folder(tmp_path):
    """A folder with a float model and a folder of images of another size."""
    onnx.save(small_model(), tmp_path / "float.onnx")
    (tmp_path / "images").mkdir()
    for index in range(5):
        noise = np.random.default_rng(index).integers(0, 256, (50, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "images" / f"{index}.{'png' if index % 2 else 'jpg'}")
    (tmp_path / "images" / "labels.txt").write_text("not an image")
    return tmp_path


class TestNumbers:
    @pytest.mark.parametrize("method", Method)
    def test_zeros_stay_zeros_and_weights_are_symmetric_per_channel(self, tmp_path, method):
        floats, found = constants(small_model()), constants(quantized_small(tmp_path, method=method))
        weights = [name for name in floats if name.endswith(".weight")]
        assert len(weights) == 8
        for name in weights:
            stored, scale = found[f"{name}_quantized"], found[f"{name}_scale"]
            assert stored.dtype == np.int8 and scale.shape == (len(stored),)
            assert not found[f"{name}_zero_point"].any() and np.abs(stored.astype(int)).max() == 127
            assert not stored[floats[name] == 0].any()
            assert np.abs(stored * scale[:, None, None, None] - floats[name]).max() <= scale.max() / 2 * 1.001

    def test_input_is_raw_pixels_whatever_the_images_show(self, tmp_path):
        onnx.save(small_model(), tmp_path / "float.onnx")
        dark = np.full((2, 3, SIDE, SIDE), 17, np.float32)
        onnx.save(quantize(read_float_model(tmp_path / "float.onnx"), dark), tmp_path / "q.onnx")
        tensor = load_graph(tmp_path / "q.onnx").tensors[load_graph(tmp_path / "q.onnx").input]
        assert (tensor.scale, tensor.zero_point) == (1.0, 0)

    @pytest.mark.parametrize("bypass", Bypass)
    def test_reference_follows_onnx_runtime(self, tmp_path, bypass):
        onnx.save(quantized_small(tmp_path, small_model(bypass=bypass)), tmp_path / "q.onnx")
        graph = load_graph(tmp_path / "q.onnx")
        differences = compare_layers(graph, OnnxSession(tmp_path / "q.onnx"), pixels(3, seed=1))
        assert max(difference.most_lsb for difference in differences.values()) <= 1
        assert max(difference.share for difference in differences.values()) <= 0.02          # ties, in additions mostly

    def test_concatenation_costs_no_second_rounding(self, tmp_path):
        onnx.save(quantized_small(tmp_path), tmp_path / "q.onnx")
        assert not [node.name for node in load_graph(tmp_path / "q.onnx").nodes if isinstance(node, Rescale)]

    def test_bias_of_a_channel_without_weights_is_kept(self, tmp_path):
        model = small_model()
        for tensor in model.graph.initializer:
            values = numpy_helper.to_array(tensor).copy()
            if tensor.name == "fire2/expand1x1.weight":
                values[1] = 0
            if tensor.name == "fire2/expand1x1.bias":
                values[1] = 0.3
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        found = constants(quantized_small(tmp_path, model))
        scale = found["fire2/expand1x1.bias_quantized_scale"]
        assert (found["fire2/expand1x1.bias_quantized"] * scale)[1] == pytest.approx(0.3, rel=0.01)
        assert found["fire2/expand1x1.weight_scale"][1] == found["fire2/expand1x1.weight_scale"].max()

    @pytest.mark.parametrize("kinds, layers", [(["Mul"], 0), (["Mul", "Relu"], 1), (["Mul", "Add", "Relu"], 1)])
    def test_constants_of_channels(self, tmp_path, kinds, layers):
        """Put in after the first pool: part of the convolution behind it, or one layer of their own with the clamp."""
        model, rng = small_model(), np.random.default_rng(3)
        pool = next(node for node in model.graph.node if node.op_type == "MaxPool")
        value, pool.output[0] = pool.output[0], "pooled"
        names = ["pooled", *(f"between{index}" for index in range(1, len(kinds))), value]
        for kind, source, target in zip(kinds, names, names[1:]):
            inputs = [source]
            if kind != "Relu":
                inputs.append(f"{kind}_constant")
                model.graph.initializer.append(numpy_helper.from_array(rng.normal(0, 1, (8, 1, 1)).astype(np.float32),
                                                                       inputs[1]))
            model.graph.node.append(helper.make_node(kind, inputs, [target], name=f"{kind}_of_channels"))
        onnx.save(quantized_small(tmp_path, model), tmp_path / "q.onnx")
        graph = load_graph(tmp_path / "q.onnx")
        onnx.save(quantized_small(tmp_path), tmp_path / "without.onnx")
        assert len(graph.nodes) == len(load_graph(tmp_path / "without.onnx").nodes) + layers
        differences = compare_layers(graph, OnnxSession(tmp_path / "q.onnx"), pixels(3, seed=1))
        assert max(difference.most_lsb for difference in differences.values()) <= 1
        assert not any(isinstance(node, Rescale) for node in graph.nodes)

    def test_preprocessing_is_recorded(self, tmp_path):
        found = {entry.key: entry.value for entry in quantized_small(tmp_path).metadata_props}
        assert json.loads(found[INPUT_KEY]) == {"layout": "NHWC", "channels": "RGB", "scale": 1.0,
                                                "mean": [0.0, 0.0, 0.0], "resize": 38, "crop": "centre"}


class TestFile:
    def test_folder_of_images_of_another_size(self, folder):
        stages = []
        summary = quantize_file(folder / "float.onnx", folder / "images", folder / "q.onnx", limit=3,
                                progress=lambda *stage: stages.append(stage))
        assert summary == "calibrated with 3 images (mse); the input takes raw pixels"
        assert stages[:9] == [(name, done, 3) for name in ("channels", "extremes", "histograms") for done in (1, 2, 3)]
        assert stages[9:] == [("comparing with ONNX Runtime", 0, None)]
        assert read_image(load_graph(folder / "q.onnx"), folder / "images" / "1.png").shape == (3, SIDE, SIDE)

    def test_same_bytes_every_time(self, folder):
        for name in ("a.onnx", "b.onnx"):
            quantize_file(folder / "float.onnx", folder / "images", folder / name)
        assert (folder / "a.onnx").read_bytes() == (folder / "b.onnx").read_bytes()

    def test_arrays_in_every_form_are_the_same_images(self, folder):
        onnx.save(small_model(record=IMAGENET), folder / "float.onnx")
        raw = pixels()
        for name, array in (("a", raw), ("b", raw.transpose(0, 2, 3, 1)), ("c", IMAGENET.real(raw))):
            np.save(folder / f"{name}.npy", array)
            quantize_file(folder / "float.onnx", folder / f"{name}.npy", folder / f"{name}.onnx")
        found = [constants(onnx.load(folder / f"{name}.onnx")) for name in "abc"]
        assert (folder / "a.onnx").read_bytes() == (folder / "b.onnx").read_bytes()
        for name, values in found[0].items():
            assert np.allclose(values, found[2][name], rtol=1e-4, atol=1), name

    def test_mean_and_scale_are_folded_where_that_is_exact(self, folder):
        onnx.save(without_record(small_model()), folder / "float.onnx")
        np.save(folder / "x.npy", pixels())
        record = {"mean": "123.675,116.28,103.53", "scale": "0.0171,0.0175,0.0174", "channels": "BGR"}
        summary = quantize_file(folder / "float.onnx", folder / "x.npy", folder / "q.onnx", **record)
        assert summary.endswith("raw pixels")
        assert load_graph(folder / "q.onnx").tensors["image_QuantizeLinear_Output"].scale == 1.0

    def test_padded_first_layer_leaves_the_input_to_the_host(self, folder):
        onnx.save(small_model(pad=1, record=IMAGENET), folder / "float.onnx")
        summary = quantize_file(folder / "float.onnx", folder / "images", folder / "q.onnx")
        assert summary.endswith("values that the host quantizes")
        graph = load_graph(folder / "q.onnx")
        stored = read_image(graph, folder / "images" / "1.png")
        tensor = graph.tensors[graph.input]
        real = (stored.astype(float) - tensor.zero_point) * tensor.scale
        assert real.min() < -1.5 and real.max() > 1.5

    def test_batch_normalization_is_folded(self, folder):
        rng, model = np.random.default_rng(0), small_model()
        parameters = [rng.uniform(0.5, 1.5, 8).astype(np.float32) for _ in range(4)]
        names = [f"bn.{i}" for i in range(4)]
        model.graph.initializer.extend(numpy_helper.from_array(p, n) for p, n in zip(parameters, names))
        model.graph.node.insert(1, helper.make_node("BatchNormalization", ["conv1_out", *names], ["bn_out"], name="bn"))
        model.graph.node[2].input[0] = "bn_out"
        onnx.save(model, folder / "float.onnx")
        quantize_file(folder / "float.onnx", folder / "images", folder / "q.onnx")
        found = onnx.load(folder / "q.onnx")
        assert "BatchNormalization" not in {node.op_type for node in found.graph.node}
        assert INPUT_KEY in {entry.key for entry in found.metadata_props}
        load_graph(folder / "q.onnx")

    def test_graph_of_an_old_exporter(self, folder):
        """Opset 9, weights made by ConstantOfShape and listed as inputs (v1.1, all of them 0)."""
        path = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
        np.save(folder / "x.npy", np.zeros((1, 3, 224, 224), np.float32))
        quantize_file(path, folder / "x.npy", folder / "q.onnx")
        assert [node.name for node in load_graph(folder / "q.onnx").nodes if isinstance(node, Rescale)] == []


def spoilt(kind: str) -> onnx.ModelProto:
    """A model that cannot be quantized."""
    model = small_model()
    shape = model.graph.input[0].type.tensor_type
    if kind == "nan":
        values = numpy_helper.to_array(model.graph.initializer[2]).copy()
        values.flat[3] = np.nan
        model.graph.initializer[2].CopyFrom(numpy_helper.from_array(values, model.graph.initializer[2].name))
    elif kind == "unfixed":
        shape.shape.dim[2].dim_param = "h"
    elif kind == "uint8":
        shape.elem_type = TensorProto.UINT8
    elif kind == "record":
        onnx.helper.set_model_props(model, {INPUT_KEY: '{"channels": "CMYK"}'})
    elif kind == "silent":
        without_record(model)
    elif kind == "gray":
        onnx.helper.set_model_props(model, {INPUT_KEY: '{"channels": "gray"}'})
    elif kind == "broken":
        model.graph.node[0].op_type = "Convolute"
    return model


class TestCommand:
    def run(self, folder, *arguments: str) -> int:
        return main(["quantize", str(folder / "float.onnx"), "-o", str(folder / "q.onnx"), *arguments])

    def test_writes_the_model(self, folder, capsys):
        assert self.run(folder, "--calib", str(folder / "images"), "--method", "mse") == 0
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "calibrated with 5 images (mse); the input takes raw pixels"
        assert said[1].startswith("equals ONNX Runtime: 13 tensors of 4 images, ")
        assert said[2:] == [f"written: {folder / 'q.onnx'}"]
        onnx.checker.check_model(folder / "q.onnx", full_check=True)

    @pytest.mark.parametrize("kind, message", [
        ("nan", "error: initializer fire2/squeeze1x1.weight: 1 of 32 values are not finite numbers; train or export"),
        ("unfixed", "error: input image: shape [1, 3, 'h', 33] is not fixed; export with fixed channels"),
        ("uint8", "error: input image: is uint8; float32, or uint8 with a Cast to float32 behind it, is possible"),
        ("record", f"error: metadata {INPUT_KEY}: channels 'CMYK'; gray, RGB, BGR are possible"),
        ("silent", "error: {folder}/images: how the network takes pixels is not known; the model has no metadata"),
        ("gray", f"error: metadata {INPUT_KEY}: channels gray, the input has 3; correct it with --channels"),
        ("broken", "error: conv1 (Convolute): ONNX does not allow it: No Op registered for Convolute")])
    def test_models_that_are_refused(self, folder, capsys, kind, message):
        onnx.save(spoilt(kind), folder / "float.onnx")
        assert self.run(folder, "--calib", str(folder / "images")) == 2
        printed = capsys.readouterr().err
        assert printed.startswith(message.format(folder=folder)) and printed.count("\n") == 1
        assert not (folder / "q.onnx").exists()

    def test_quantized_already(self, folder, capsys):
        assert self.run(folder, "--calib", str(folder / "images")) == 0
        assert main(["quantize", str(folder / "q.onnx"), "-o", str(folder / "r.onnx"), "--calib", "x"]) == 2
        assert "q.onnx: is quantized already; compile" in capsys.readouterr().err

    def test_a_network_by_name_is_called_by_it(self, folder, capsys):
        assert main(["quantize", "digits", "-o", str(folder / "r.onnx"), "--calib", str(folder / "images")]) == 2
        assert capsys.readouterr().err == "error: digits: is quantized already; compile it as it is\n"

    @pytest.mark.parametrize("make, message", [
        (lambda path: path.mkdir(), "no images in it; PNG, JPEG, BMP, GIF, TIFF, WebP, PPM, PGM and others are"),
        (lambda path: None, "no such file or folder; give a folder of images, or an .npy file"),
        (lambda path: path.write_text("x"), "neither a folder nor an .npy file; give a folder of images"),
        (lambda path: np.save(path, np.zeros((2, 3, 5, 5), np.uint8)),
         "uint8 of shape (2, 3, 5, 5); (N, 3, 33, 33) or (N, 33, 33, 3) is wanted"),
        (lambda path: np.save(path, np.zeros((0, 3, 33, 33), np.uint8)), "no images in it; one at least is needed"),
        (lambda path: np.save(path, np.zeros((1, 3, 33, 33), complex)), "holds complex128; uint8 pixels or float32"),
        (lambda path: np.save(path, np.full((1, 3, 33, 33), np.inf)), "image 0 has values that are not finite; check"),
        (lambda path: np.save(path, np.array([{}]), allow_pickle=True), "not an .npy file of numbers, or a damaged"),
        (lambda path: path.with_suffix(".npy").write_bytes(b"junk"), "not an .npy file of numbers, or a damaged")])
    def test_images_that_are_refused(self, folder, capsys, make, message):
        path = folder / "calibration"
        make(path)
        path = path if path.exists() or not path.with_suffix(".npy").exists() else path.with_suffix(".npy")
        assert self.run(folder, "--calib", str(path)) == 2
        printed = capsys.readouterr().err
        assert printed.startswith(f"error: {path}: {message}") and printed.count("\n") == 1

    def test_images_in_folders_of_classes_are_found_and_hidden_ones_not(self, tmp_path):
        for place, value in (("cat/a.png", 3), ("dog/b.png", 5), (".thumbnails/c.png", 7)):
            (tmp_path / place).parent.mkdir()
            Image.fromarray(np.full((SIDE, SIDE, 3), value, np.uint8)).save(tmp_path / place)
        found = calibration_images(tmp_path, (3, SIDE, SIDE), Preprocessing(), Preprocessing(), 9)
        assert [float(image.mean()) for image in found] == [3, 5]

    @pytest.mark.parametrize("kind", [np.uint8, np.float32])
    @pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
    def test_channels_first_or_last(self, kind, last):
        """Both are taken, of a model with either order."""
        images = pixels(2).astype(kind)
        given = images.transpose(0, 2, 3, 1) if last else images
        found = calibration_images(given, (3, SIDE, SIDE), Preprocessing(), Preprocessing(), 9)
        assert np.array_equal(np.stack(list(found)), images)

    def test_channels_that_the_input_has_not(self, folder, capsys):
        """The message is of the option, not of the metadata that it counts before."""
        assert self.run(folder, "--calib", str(folder / "images"), "--channels", "gray") == 2
        assert capsys.readouterr().err.splitlines()[-1] == (
            "error: --channels: gray, the input has 3; RGB or BGR, or leave it out")

    def test_damaged_image(self, folder, capsys):
        (folder / "images" / "3.png").write_bytes((folder / "images" / "3.png").read_bytes()[:200])
        assert self.run(folder, "--calib", str(folder / "images")) == 2
        assert capsys.readouterr().err == (f"error: {folder}/images/3.png: a damaged image; give the path of an image "
                                           "file\n")

    @pytest.mark.parametrize("option, message", [
        (("--mean", "1,2"), "error: --mean: mean [1.0, 2.0]; one finite number, or one per channel\n"),
        (("--scale", "0"), "error: --scale: scale 0; real input = (pixel - mean) * scale\n"),
        (("--scale", "a"), "error: --scale: 'a'; one number, or several with commas between\n"),
        (("--resize", "0"), "error: --resize: resize 0; 1 to 8192 pixels\n"),
        (("--resize", "20"), "error: {folder}/images/0.jpg: resize 20 for an input of 33 x 33; 33 at least is "
                               "needed, with --resize (in Python: resize)\n")])
    def test_options_that_are_refused(self, folder, capsys, option, message):
        assert self.run(folder, "--calib", str(folder / "images"), *option) == 2
        *notes, error = capsys.readouterr().err.splitlines(keepends=True)
        assert error == message.format(folder=folder) and all(note.startswith("note: ") for note in notes)

    def test_failure_leaves_an_older_result_alone(self, folder, capsys):
        (folder / "q.onnx").write_text("older")
        (folder / "images" / "0.jpg").write_bytes(b"junk")
        assert self.run(folder, "--calib", str(folder / "images")) == 2
        assert (folder / "q.onnx").read_text() == "older"
        assert sorted(path.name for path in folder.iterdir()) == ["float.onnx", "images", "q.onnx"]

    def test_output_that_is_a_folder(self, folder, capsys):
        assert main(["quantize", str(folder / "float.onnx"), "--calib", str(folder / "images"), "-o", str(folder)]) == 2
        assert capsys.readouterr().err == f"error: {folder}: is a folder; name a file with -o\n"


@needs_net
@needs_images
class TestDeepCompression:
    @pytest.mark.parametrize("count", [5, pytest.param(100, marks=slow)])
    def test_integer_reference_names_images(self, tmp_path, count):
        assert main(["import", "deep-compression", str(NET_FILE), "-o", str(tmp_path / "f.onnx")]) == 0
        quantize_file(tmp_path / "f.onnx", IMAGES[0].parent, tmp_path / "q.onnx", limit=min(count, 20))
        graph = load_graph(tmp_path / "q.onnx")
        shown, labels = images(224, count)
        top1, top5 = accuracy(run_batch(graph, shown).reshape(count, -1), labels)
        assert top5 >= 0.8 and (count < 100 or (top1 >= 0.68 and top5 >= 0.88))
        if count < 100:
            differences = compare_layers(graph, OnnxSession(tmp_path / "q.onnx"), shown[:1])
            assert max(difference.most_lsb for difference in differences.values()) <= 1
