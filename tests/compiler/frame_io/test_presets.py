"""What presets say, held against the pipelines that they are called after."""

import doctest

import numpy as np
import onnx
import pytest
from PIL import Image

import firelane
from firelane.cli.main import main
from firelane.compiler.frame_io import presets
from firelane.compiler.frame_io.preprocessing import INPUT_KEY, preprocessing_of
from firelane.compiler.frame_io.presets import PRESETS, preset_record
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import ConfigError
from firelane.models.catalogue import EMBEDDED
from firelane.models.deep_compression import CAFFE_INPUT
from tests.compiler.small_networks import SIDE, small_model, without_record

PHOTO = (3, 224, 224)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 5, 6), dtype=np.uint8)


@pytest.mark.parametrize("name", ["imagenet", "torchvision"])
def test_torchvision(name):
    """ToTensor, then Normalize."""
    mean, deviation = (np.array(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert np.allclose(preset_record(name, PHOTO).real(PIXELS), (PIXELS / 255 - mean) / deviation, atol=1e-6)


def test_caffe():
    """The project's own network of Caffe, which has 256 for crops of 224 and 227 alike."""
    for side in (224, 227):
        record = preset_record("caffe", (3, side, side))
        assert record.resize == CAFFE_INPUT.resize == 256
        assert np.array_equal(record.real(PIXELS), CAFFE_INPUT.real(PIXELS))
    assert np.array_equal(preset_record("caffe", PHOTO).real(PIXELS)[0], PIXELS[2] - np.float32(104))


def test_gray_and_raw():
    assert np.allclose(preset_record("gray", (1, 5, 6)).real(PIXELS[:1]), PIXELS[:1] / 255)
    assert preset_record("raw", (1, 5, 6)).takes_pixels and preset_record("raw", (1, 5, 6)).channels == "gray"
    assert np.array_equal(preset_record("raw", PHOTO).real(PIXELS), PIXELS)


@pytest.mark.parametrize("name, shape, resize", [
    ("imagenet", PHOTO, 256), ("imagenet", (3, 299, 299), 342), ("imagenet", (3, 64, 64), 73),
    ("imagenet", (3, 112, 224), 256), ("caffe", (3, 112, 112), 128), ("raw", (3, 40, 64), 64),
    ("gray", (1, 28, 28), 28)])
def test_the_border_grows_with_the_input(name, shape, resize):
    assert preset_record(name, shape).resize == resize


def test_means_stay_with_their_colours():
    swapped = preset_record("imagenet", PHOTO, channels="BGR")
    assert np.allclose(swapped.real(PIXELS)[::-1], preset_record("imagenet", PHOTO).real(PIXELS))


@pytest.mark.parametrize("name, shape, message", [
    ("imagenet", (1, 8, 8), "imagenet takes 3 channels, the network 1; one of gray, raw, or --mean, .*"),
    ("gray", PHOTO, "gray takes 1 channel, the network 3; one of imagenet, torchvision, caffe, raw, or --mean, .*"),
    ("keras", PHOTO, f"'keras'; one of {', '.join(PRESETS)}")])
def test_refusals(name, shape, message):
    with pytest.raises(ConfigError, match=f"^preset: {message}$"):
        preset_record(name, shape)


def test_the_same_network_as_with_four_options():
    images = np.random.default_rng(0).integers(0, 256, (4, 3, SIDE, SIDE), dtype=np.uint8)
    mean, scale = (",".join(f"{value!r}" for value in values)
                   for values in (PRESETS["imagenet"].mean, PRESETS["imagenet"].scale))
    made = [firelane.quantize(without_record(small_model()), images, check=False, **options) for options in (
        {"preset": "imagenet"}, {"mean": mean, "scale": scale, "channels": "RGB", "resize": 38})]
    assert made[0].model.SerializeToString() == made[1].model.SerializeToString()
    assert preprocessing_of(metadata(made[0].model)).resize == 38


def test_images_of_any_size_are_fitted(tmp_path, capsys):
    """An image of another size is refused with a line that names the preset; with it, it is taken."""
    Image.fromarray(np.full((70, 90), 255, np.uint8)).save(tmp_path / "a.png")
    evaluate = ["evaluate", str(EMBEDDED["digits"]), "--images", str(tmp_path), "--workers", "0"]
    assert main(evaluate) == 2
    assert "the network wants 56 x 56; give --resize or --preset (in Python: resize" in capsys.readouterr().err
    assert main([*evaluate, "--preset", "raw"]) == 0


def test_what_is_compiled_records_it(tmp_path):
    onnx.save(without_record(onnx.load(EMBEDDED["digits"])), tmp_path / "digits.onnx")
    network = firelane.load(tmp_path / "digits.onnx", preset="raw")
    assert INPUT_KEY in metadata(network.model) and network.graph.tensors[network.graph.input].shape == (1, 56, 56)
    assert firelane.compile(network, preset="raw", resize=60, check=False).network.graph.metadata[INPUT_KEY].endswith(
        '"resize": 60, "crop": "centre"}')


def test_the_example():
    assert doctest.testmod(presets).failed == 0
