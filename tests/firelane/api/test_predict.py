"""Network.predict and CompiledNetwork.predict: the same bits, whatever the image is given as."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from PIL import Image

import firelane
from firelane.api import network as network_module
from firelane.models.catalogue import EMBEDDED
from firelane.models.digits import load_split
from firelane.sim import reference
from firelane.sim.emulator import Emulator
from tests.compiler.small_networks import SIDE, small_model

HELD_OUT = load_split()[1]
PIXELS = np.ascontiguousarray(HELD_OUT.images[:6].transpose(0, 3, 1, 2))
LABELS = HELD_OUT.labels[:6].tolist()


@pytest.fixture(scope="module")
def network():
    return firelane.load("digits")


@pytest.fixture(scope="module")
def compiled(network):
    return firelane.compile(network, banks=2, weight_words=6144, program_words=1024, check=False)


@pytest.fixture(scope="module")
def colours():
    """A network of colour images, with mean and scale."""
    pixels = np.random.default_rng(3).integers(0, 256, (8, 3, SIDE, SIDE), np.uint8)
    return firelane.quantize(small_model(), pixels)


def test_equal_to_reference_and_emulator(network, compiled):
    found, emulated = network.predict(PIXELS), compiled.predict(PIXELS)
    expected = reference.run_batch(network.graph, PIXELS)
    emulator = Emulator(compiled.engine, compiled.compiled.program.contents)
    for one, other, result, image in zip(found, emulated, expected, PIXELS, strict=True):
        frame = emulator.run_frame(image.transpose(1, 2, 0))
        assert np.array_equal(one.stored, result) and np.array_equal(other.stored, result)
        assert compiled.compiled.result.pack(other.stored) == frame.result and other.cycles == frame.total_cycles
        assert one.cycles is None and one.classes == other.classes and one.best == int(result.argmax())
        output = network.graph.tensors[network.graph.output]
        assert np.array_equal(one.logits, (result.astype(float) - output.zero_point) * output.scale)
    assert [one.best for one in found] == LABELS


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "Pillow", "rows and columns", "one channel", "three",
                                  "channels first"])
def test_one_image(network, tmp_path, kind):
    path, gray = tmp_path / "digit.png", PIXELS[2, 0]
    Image.fromarray(gray).save(path)
    with Image.open(path) as opened:
        found = network.predict({
            "path": path, "text": str(path), "bytes": path.read_bytes(), "Pillow": opened, "rows and columns": gray,
            "one channel": gray[:, :, None], "channels first": gray[None],
            "three": np.repeat(gray[:, :, None], 3, 2)}[kind])
    assert np.array_equal(found.stored, network.predict(PIXELS[2:3])[0].stored) and found.best == LABELS[2]
    assert found.image == (str(path) if kind in ("path", "text", "Pillow") else "image")


def test_several(network, tmp_path):
    for number, image in enumerate(PIXELS[:3]):
        Image.fromarray(image[0]).save(tmp_path / f"{number}.png")
    whole = network.predict(tmp_path)
    listed = network.predict([tmp_path / "0.png", PIXELS[1, 0], Image.fromarray(PIXELS[2, 0])])
    assert [one.best for one in whole] == [one.best for one in listed] == LABELS[:3]
    assert whole[2].image == str(tmp_path / "2.png") and network.predict([]) == ()


def test_another_size_is_fitted_as_the_network_says(network, colours):
    large = Image.fromarray(PIXELS[0, 0]).resize((140, 112))
    with pytest.raises(firelane.FirelaneError, match="image: 140 x 112 pixels; the network wants 56 x 56; give "):
        network.predict(large)
    assert firelane.load(network, resize=56).predict(large).stored.shape == (10, 1, 1)
    pixels = np.random.default_rng(5).integers(0, 256, (2 * SIDE, 4 * SIDE, 3), np.uint8)
    fitted = firelane.load(colours, resize=SIDE).predict(pixels)
    direct = np.asarray(Image.fromarray(pixels).resize((2 * SIDE, SIDE), Image.Resampling.BILINEAR))
    left = (direct.shape[1] - SIDE) // 2
    assert np.array_equal(fitted.stored, colours.predict(direct[:, left:left + SIDE]).stored)


@pytest.mark.parametrize("image, message", [
    (3, "image: 3; a path, bytes of an image file, "), (b"no image", "image: not an image; PNG, JPEG, "),
    (np.zeros((56, 56), np.float32), r"image: float32 of shape \(56, 56\); uint8 of rows, columns and 1, 3 or 4 "),
    (np.zeros((56, 56, 2), np.uint8), r"image: uint8 of shape \(56, 56, 2\); "),
    (np.zeros((2, 3, 56, 56), np.uint8), r"image: uint8 of shape \(2, 3, 56, 56\); .* are uint8 \(N, 1, 56, 56\)"),
    (np.zeros((1, 1, 56, 56)), r"image: float64 of shape "), ("absent.png", "absent.png: No such file or directory")])
def test_what_is_no_image(network, image, message):
    with pytest.raises(firelane.FirelaneError, match=f"^{message}"):
        network.predict(image)


def test_a_float_network():
    with pytest.raises(firelane.FirelaneError, match="a float model, the engine computes with integers; quantize it"):
        firelane.load(EMBEDDED["digits"].with_name("digits_squeezenet_float.onnx")).predict(PIXELS)


def test_labels_name_the_classes(network, tmp_path):
    file = tmp_path / "labels.txt"
    file.write_text("\n".join(f"n{n}\tdigit {n}" for n in range(10)))
    named = firelane.Network(name="digits", model=network.model, labels=file)
    assert named.predict(PIXELS[:1])[0].classes[0].name == f"digit {LABELS[0]}"
    assert f"{LABELS[0]} digit {LABELS[0]} 0.9" in repr(named.predict(PIXELS[:1])[0])


def test_the_examples_in_docstrings():
    [example] = doctest.DocTestFinder().find(network_module.Network.predict, "predict")
    assert example.examples and doctest.DocTestRunner().run(example).failed == 0
