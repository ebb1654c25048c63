"""The reader of the published Deep Compression file: on a made-up file of the same format, and on the real one."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from firelane.cli.main import main
from firelane.compiler.frame_io.preprocessing import INPUT_KEY, preprocessing_of
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.models.deep_compression import CAFFE_INPUT, NETWORK, DecodedLayer, convert, decode, network
from firelane.models.squeezenet_graph import float_onnx
from tests.published_data import NET_FILE, accuracy, images, needs_images, needs_net, slow

HINT = "wanted: compressed_SqueezeNet.net, 675,763 bytes, as published"


def made_up_file(seed: int = 0) -> tuple[bytes, dict[str, np.ndarray]]:
    """A file with one stored entry in 16 places, at most, and the flattened weights that it says."""
    rng = np.random.default_rng(seed)
    counts, body, weights = [], [], {}
    for conv in NETWORK.convolutions:
        size = int(np.prod(conv.weight_shape))
        count = size // 16
        codebook, bias = (rng.normal(0, 0.1, n).astype("<f4") for n in (256, conv.outputs))
        codebook[0] = 0
        indices, runs = rng.integers(0, 256, count, dtype=np.uint8), rng.integers(0, 16, count)
        even = np.append(runs, [0] * (count % 2)).reshape(-1, 2)
        body += [codebook.tobytes(), bias.tobytes(), indices.tobytes(),
                 (even[:, 0] + 16 * even[:, 1]).astype(np.uint8).tobytes()]
        counts.append(count)
        weight, place = np.zeros(size, np.float32), -1
        for index, run in zip(indices, runs):
            place += run + 1
            weight[place] = codebook[index]
        weights[conv.name] = weight
    return np.array(counts, "<u4").tobytes() + b"".join(body), weights


@pytest.fixture(scope="module")
def made_up() -> tuple[bytes, dict[str, np.ndarray]]:
    return made_up_file()


def write(path, octets: bytes):
    path.write_bytes(octets)
    return path


def run(model: onnx.ModelProto, values: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": value[None].astype(np.float32)})[0] for value in values])


class TestMadeUpFile:
    def test_every_weight_is_where_the_file_says(self, tmp_path, made_up):
        octets, weights = made_up
        layers = decode(write(tmp_path / "x.net", octets))
        assert list(layers) == [conv.name for conv in NETWORK.convolutions]
        for name, layer in layers.items():
            assert np.array_equal(layer.weight.reshape(-1), weights[name]), name
            assert layer.entries == layer.weight.size // 16

    @pytest.mark.parametrize("size", [224, 227])
    def test_folding_changes_order_and_bias_of_conv1_only(self, tmp_path, made_up, size):
        layers = decode(write(tmp_path / "x.net", made_up[0]))
        graph = network(layers, input_size=size).graph
        found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for name, layer in layers.items():
            wanted = layer.weight[:, ::-1] if name == "conv1" else layer.weight
            assert np.array_equal(found[f"{name}.weight"], wanted), name
            if name != "conv1":
                assert np.array_equal(found[f"{name}.bias"], layer.bias), name
        mean = np.array([104, 117, 123])[:, None, None]
        offset = np.sum(layers["conv1"].weight * mean, axis=(1, 2, 3), dtype=np.float64)
        assert np.allclose(found["conv1.bias"], layers["conv1"].bias - offset)

    def test_raw_rgb_pixels_do_what_caffes_input_did(self, tmp_path, made_up):
        layers = decode(write(tmp_path / "x.net", made_up[0]))
        caffe = float_onnx(NETWORK, {name: layer.weight for name, layer in layers.items()},
                           {name: layer.bias for name, layer in layers.items()}, input_size=224)
        pixels = np.random.default_rng(1).integers(0, 256, (1, 3, 224, 224))
        wanted = run(caffe, (pixels[:, ::-1] - np.array([104, 117, 123])[:, None, None]))
        assert np.allclose(run(network(layers), pixels), wanted, atol=1e-5)
        assert np.array_equal(CAFFE_INPUT.real(pixels[0]), pixels[0, ::-1] - np.array([104, 117, 123])[:, None, None])

    def test_says_that_it_takes_raw_pixels(self, tmp_path, made_up):
        model = network(decode(write(tmp_path / "x.net", made_up[0])))
        record = preprocessing_of({entry.key: entry.value for entry in model.metadata_props})
        assert record.takes_pixels and (record.channels, record.resize) == ("RGB", 256)
        assert [entry.key for entry in model.metadata_props] == [INPUT_KEY]


@pytest.mark.parametrize("spoil, message", [
    (lambda b: b[:50], "ends after 50 bytes, within the table of entries"),
    (lambda b: b"", "ends after 0 bytes, within the table of entries"),
    (lambda b: b[:104 + 500], "ends after 604 bytes, within the codebook of conv1"),
    (lambda b: b[:104 + 1024 + 8], "ends after 1136 bytes, within the biases of conv1"),
    (lambda b: b[:104 + 1024 + 384 + 9], "ends after 1521 bytes, within the indices of conv1"),
    (lambda b: b[:-1], r"ends after \d+ bytes, within the runs of conv10"),
    (lambda b: b + b"xy", "2 bytes are left over after the last layer"),
    (lambda b: b"\xff" * 4 + b[4:], "conv1: 4,294,967,295 entries for 14,112 weights"),
    (lambda b: b"\0" * 4 + b[4:], "conv1: 0 entries for 14,112 weights"),
    (lambda b: b[:104 + 4] + b"\0\0\xc0\x7f" * 255 + b[104 + 1024:],
     "conv1: a weight or bias is not a finite number"),
    (lambda b: (14112).to_bytes(4, "little") + b[4:104] + b"\0" * 1408 + b"\1" * 40_000,
     r"conv1: an entry at place [\d,]+ of 14,112 weights")])
def test_damaged_files_are_refused(tmp_path, made_up, spoil, message):
    path = write(tmp_path / "x.net", spoil(made_up[0]))
    with pytest.raises(ModelError, match=rf"x\.net: {message}; {HINT}$"):
        decode(path)


def test_other_input_sizes_are_refused(tmp_path, made_up):
    with pytest.raises(ConfigError, match=r"^input_size: 225; 224 and 227 are possible$"):
        convert(write(tmp_path / "x.net", made_up[0]), tmp_path / "x.onnx", input_size=225)


def test_a_start_of_training_may_have_another_size():
    layers = {conv.name: DecodedLayer(np.zeros(conv.weight_shape, np.float32), np.zeros(conv.outputs, np.float32), 1)
              for conv in NETWORK.convolutions}
    record = preprocessing_of(metadata(network(layers, input_size=112)))
    assert record is not None and record.resize == 128


class TestCommand:
    def test_writes_the_model(self, tmp_path, made_up, capsys):
        output = tmp_path / "new" / "net.onnx"
        assert main(["import", "deep-compression", str(write(tmp_path / "x.net", made_up[0])), "-o", str(output),
                     "--input-size", "227"]) == 0
        model = onnx.load(output)
        assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 227, 227]
        assert capsys.readouterr().out.startswith("26 layers, ")

    @pytest.mark.parametrize("arguments, message", [
        (["absent.net"], "error: absent.net: No such file or directory; give the path of compressed_SqueezeNet.net\n"),
        (["short.net"], f"error: short.net: ends after 5 bytes, within the table of entries; {HINT}\n")])
    def test_problems_are_one_line_and_exit_code_2(self, tmp_path, monkeypatch, capsys, arguments, message):
        monkeypatch.chdir(tmp_path)
        write(tmp_path / "short.net", b"short")
        assert main(["import", "deep-compression", *arguments]) == 2
        assert capsys.readouterr().err == message
        assert not (tmp_path / "squeezenet1.0.onnx").exists()


@needs_net
class TestPublishedFile:
    def test_counts(self):
        layers = decode(NET_FILE).values()
        assert sum(layer.entries for layer in layers) == 422_083
        assert sum(np.count_nonzero(layer.weight) for layer in layers) == 415_921
        assert sum(layer.weight.size for layer in layers) == 1_244_448

    @needs_images
    def test_names_a_few_images(self):
        pixels, labels = images(224, 5)
        assert accuracy(run(network(decode(NET_FILE)), pixels), labels)[1] >= 0.8

    @slow
    @needs_images
    @pytest.mark.parametrize("size, top1, top5", [(224, 0.72, 0.92), (227, 0.71, 0.92)])
    def test_accuracy_is_the_published_networks(self, size, top1, top5):
        pixels, labels = images(size)
        assert accuracy(run(network(decode(NET_FILE), input_size=size), pixels), labels) == (top1, top5)
