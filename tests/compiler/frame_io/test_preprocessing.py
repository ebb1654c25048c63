"""Images to the stored values of the input, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from firelane.compiler.frame_io.preprocessing import (
    INPUT_KEY,
    Preprocessing,
    quantize_input,
    read_image,
    record_of,
    stored_input,
)
from firelane.compiler.ir.graph import IDENTITY, Graph, Rescale, Tensor
from firelane.compiler.support.errors import FirelaneError


def graph_for(channels: int = 3, scale: float = 1.0, zero_point: int = 0) -> Graph:
    tensors = {name: Tensor(name, channels, 2, 3, scale, zero_point) for name in "xy"}
    return Graph("net", (Rescale("same", ("x",), "y", IDENTITY),), tensors, "x", "y")


def test_quantize_input_rounds_half_to_even_and_saturates():
    graph = graph_for(1, 0.5, 10)
    image = np.array([[[0.0, 0.25, 0.75], [-100.0, 1000.0, 1.0]]])
    assert quantize_input(graph, image).tolist() == [[[10, 10, 12], [0, 255, 12]]]
    assert quantize_input(graph, image[None]).shape == (1, 1, 2, 3)


@pytest.mark.parametrize("image, message", [
    (np.zeros((1, 3, 2)), r"image: shape \(1, 3, 2\); the network 'net' wants \(N, C, H, W\) = \(N, 3, 2, 3\)"),
    (np.full((3, 2, 3), np.nan), "image: values that are not finite; check how it was normalised")])
def test_refused_arrays(image, message):
    with pytest.raises(FirelaneError, match=f"^{message}$"):
        quantize_input(graph_for(), image)


@pytest.mark.parametrize("channels, mode", [(3, "RGB"), (3, "L"), (1, "L"), (1, "RGB"), (3, "RGBA"), (3, "P")])
def test_read_image_converts_to_the_channels_of_the_network(tmp_path, channels, mode):
    path = tmp_path / "image.png"
    Image.new(mode, (3, 2), None if mode == "P" else "white").save(path)
    pixels = read_image(graph_for(channels), path)
    assert pixels.shape == (channels, 2, 3) and pixels.dtype == np.uint8
    assert mode == "P" or np.all(pixels == 255)


def test_read_image_keeps_rows_columns_and_channels(tmp_path):
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    assert np.array_equal(read_image(graph_for(), tmp_path / "image.png"), pixels.transpose(2, 0, 1))


def test_wrong_size(tmp_path):
    Image.new("RGB", (5, 4)).save(tmp_path / "image.png")
    with pytest.raises(FirelaneError, match=r"image\.png: 5 x 4 pixels; the network wants 3 x 2; resize the image$"):
        read_image(graph_for(), tmp_path / "image.png")


@pytest.mark.parametrize("data, message", [
    (None, "No such file or directory; give the path of an image file"),
    (b"no image", "not an image; PNG, PPM, PGM, BMP and JPEG are possible")])
def test_files_that_are_not_images(tmp_path, data, message):
    if data is not None:
        (tmp_path / "image.png").write_bytes(data)
    with pytest.raises(FirelaneError, match=rf"image\.png: {message}$"):
        read_image(graph_for(), tmp_path / "image.png")


def test_truncated_image(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FirelaneError, match=r"image\.png: a damaged image; give the path of an image file$"):
        read_image(graph_for(), path)


@pytest.mark.parametrize("graph, message", [
    (graph_for(2), "net: an input of 2 channels; an image file has 1 or 3; give an array"),
    (graph_for(3, 0.5), r"net: an input with scale 0\.5 and zero point 0; image files are for networks that take raw "
                        r"pixels \(scale 1, zero point 0\); normalise the image yourself and use quantize_input")])
def test_networks_that_do_not_take_image_files(tmp_path, graph, message):
    with pytest.raises(FirelaneError, match=f"^{message}$"):
        read_image(graph, tmp_path / "image.png")


def test_pixels_become_stored_values_as_the_record_says():
    pixels = np.arange(18, dtype=np.uint8).reshape(3, 2, 3)
    assert record_of(graph_for()) == Preprocessing() and stored_input(graph_for(), pixels) is pixels
    record = Preprocessing(channels="BGR", mean=(1.0, 2.0, 3.0), scale=(0.5,))
    graph = replace(graph_for(scale=0.25, zero_point=100), metadata={INPUT_KEY: record.to_json()})
    assert record_of(graph) == record
    expected = [2 * (pixels[channel].astype(int) - mean) + 100 for channel, mean in ((2, 1), (1, 2), (0, 3))]
    assert np.array_equal(stored_input(graph, pixels), expected)
