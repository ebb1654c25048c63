"""Images to the stored values of the input, and what is refused."""

import os
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from firelane.compiler.artefact.container import read_contents
from firelane.compiler.frame_io import preprocessing
from firelane.compiler.frame_io.classes import read_labels
from firelane.compiler.frame_io.preprocessing import (
    INPUT_KEY,
    Preprocessing,
    quantize_input,
    read_image,
    read_pixels,
    record_of,
    stored_input,
)
from firelane.compiler.ir.graph import IDENTITY, Graph, Rescale, Tensor
from firelane.compiler.onnx_import.reader import read_model
from firelane.compiler.quantize.calibration_images import calibration_images
from firelane.compiler.support.errors import FirelaneError


def graph_for(channels: int = 3, scale: float = 1.0, zero_point: int = 0) -> Graph:
    tensors = {name: Tensor(name, channels, 2, 3, scale, zero_point) for name in "xy"}
    return Graph("net", (Rescale("same", ("x",), "y", IDENTITY),), tensors, "x", "y")


def recording(graph: Graph, **record) -> Graph:
    return replace(graph, metadata={INPUT_KEY: Preprocessing(**record).to_json()})


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
    with pytest.raises(FirelaneError, match=r"image\.png: 5 x 4 pixels; the network wants 3 x 2; give --resize or "
                                            r"--preset \(in Python: resize, preset\), or resize the image$"):
        read_image(graph_for(), tmp_path / "image.png")


@pytest.mark.parametrize("data, message", [
    (None, "No such file or directory; give the path of an image file"),
    (b"no image", "not an image; PNG, JPEG, BMP, GIF, TIFF, WebP, PPM, PGM and others are possible")])
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
    (graph_for(2), "net: an input of 2 channels; images have 1 or 3"),
    (graph_for(3, 0.5), r"net: how it takes pixels is not known: its input has scale 0\.5 and zero point 0, and it has "
                        r"no metadata firelane\.input; give --preset, or --mean, --scale, --channels, --resize"),
    (recording(graph_for(3), channels="gray"),
     r"metadata firelane\.input: channels gray, the input has 3; correct it with --channels"),
    (recording(graph_for(3, 0.5), mean=(120.0,), scale=(0.01,)),
     r"net: pixels 0 to 255 become -1\.2 to 1\.35, its input holds 0 to 127\.5: 4 of its 256 values would be used; "
     r"give the --mean and --scale that belong to it"),
    (recording(graph_for(3, 1 / 255)),
     r"net: pixels 0 to 255 become 0 to 255, its input holds 0 to 1: 2 of its 256 values would be used; give the "
     r"--mean and --scale that belong to it")])
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


def test_a_network_of_raw_pixels_that_was_calibrated_with_dark_images():
    """Its input has another scale than 1, so pixels are not what it stores."""
    graph, pixels = recording(graph_for(scale=0.5)), np.arange(18, dtype=np.uint8).reshape(3, 2, 3) * 9
    assert np.array_equal(stored_input(graph, pixels), np.minimum(2 * pixels.astype(int), 255))


def png(path, array, mode=None, **options):
    Image.fromarray(np.asarray(array, np.uint8), mode).save(path, **options)


def test_what_is_transparent_is_white(tmp_path):
    path = tmp_path / "image.png"
    colours = np.full((2, 3, 4), (200, 100, 0, 0), np.uint8)
    colours[:, 1, 3], colours[:, 2, 3] = 255, 128
    png(path, colours)
    pixels = read_image(graph_for(), path)
    assert pixels[:, 0].T.tolist() == [[255] * 3, [200, 100, 0], [227, 177, 127]]
    palette = Image.new("P", (3, 2), 1)
    palette.putpalette([0, 0, 0, 9, 8, 7])
    palette.putpixel((0, 0), 0)
    palette.save(path, transparency=0)
    assert read_image(graph_for(), path)[:, 0, :2].T.tolist() == [[255] * 3, [9, 8, 7]]
    png(path, np.full((2, 3, 2), (10, 0), np.uint8))
    assert np.all(read_image(graph_for(1), path) == 255)


def test_the_first_picture_counts(tmp_path):
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("white", "black")]
    for name in ("image.gif", "image.png", "image.tiff"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with Image.open(tmp_path / name) as image:
            assert image.n_frames == 2
        assert np.all(read_image(graph_for(), tmp_path / name) == 255)


def test_an_image_is_turned_before_its_size_counts(tmp_path):
    exif, path = Image.Exif(), tmp_path / "image.png"
    exif[ExifTags.Base.Orientation] = 6
    stored = np.arange(6, dtype=np.uint8).reshape(3, 2)
    png(path, stored, exif=exif)
    assert read_image(graph_for(1), path)[0].tolist() == np.rot90(stored, -1).tolist()
    png(path, stored.T, exif=exif)
    with pytest.raises(FirelaneError, match="2 x 3 pixels; the network wants 3 x 2"):
        read_image(graph_for(1), path)


def test_cmyk_and_deep_colours(tmp_path):
    Image.new("CMYK", (3, 2), (0, 255, 255, 0)).save(tmp_path / "image.tiff")
    assert read_image(graph_for(), tmp_path / "image.tiff")[:, 0, 0].tolist() == [255, 0, 0]
    rows = b"".join(b"\0" + b"\x12\x34\x56\x78\x9a\xbc" * 3 for _ in range(2))
    (tmp_path / "image.png").write_bytes(png_file(3, 2, rows, depth=16))
    assert read_image(graph_for(), tmp_path / "image.png")[:, 0, 0].tolist() == [0x12, 0x56, 0x9A]


@pytest.mark.parametrize("name", ["image.png", "image.tiff", "image.pgm"])
def test_16_bits_of_gray_lose_the_lower_8(tmp_path, name):
    values = np.array([[0, 255, 256], [0x1234, 65535, 40000]], np.uint16)
    Image.fromarray(values).save(tmp_path / name)
    assert read_image(graph_for(1), tmp_path / name)[0].tolist() == [[0, 0, 1], [0x12, 255, 156]]
    assert np.array_equal(read_image(graph_for(), tmp_path / name)[1], values >> 8)


def test_16_bits_of_gray_are_turned_and_lose_what_is_transparent(tmp_path):
    values = np.array([[0, 255], [256, 0x1234], [65535, 40000]], np.uint16)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(values).save(tmp_path / "image.png", exif=exif, transparency=256)
    assert read_image(graph_for(1), tmp_path / "image.png")[0].tolist() == [[255, 255, 0], [156, 0x12, 0]]


@pytest.mark.parametrize("array", [np.zeros((2, 3), np.int32), np.zeros((2, 3), np.float32)])
def test_gray_whose_white_nobody_knows(tmp_path, array):
    Image.fromarray(array).save(tmp_path / "image.tiff")
    with pytest.raises(FirelaneError, match=r"\.tiff: an image of mode [IF]; save it with 8 or 16 bits per channel$"):
        read_image(graph_for(1), tmp_path / "image.tiff")


def png_file(width, height, rows, depth=8):
    def chunk(kind, content):
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
    head = width.to_bytes(4) + height.to_bytes(4) + bytes((depth, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("width, height", [(8193, 8192), (13_000, 13_000), (30_000, 30_000), (1 << 30, 1 << 30)])
def test_huge_images_are_refused_by_their_header(tmp_path, width, height, recwarn):
    (tmp_path / "image.png").write_bytes(png_file(width, height, b""))
    with pytest.raises(FirelaneError, match=r"image\.png: has more than 67 million pixels; make it smaller first$"):
        read_pixels(tmp_path / "image.png", 3, 2, 3, 5)
    assert not recwarn.list


def test_a_strip_that_would_become_huge(tmp_path):
    Image.new("L", (60_000, 1)).save(tmp_path / "image.png")
    with pytest.raises(FirelaneError, match="60000 x 1 pixels: too long for its shorter side to become 224; cut it"):
        read_pixels(tmp_path / "image.png", 1, 224, 224, 224)


def test_a_large_jpeg_is_decoded_smaller(tmp_path, monkeypatch):
    path = tmp_path / "image.jpg"
    ramp = np.add.outer(np.arange(640), np.arange(480)) * 255 // 1118
    png(path, ramp, quality=95)
    whole = read_pixels(path, 1, 32, 32, 40)
    monkeypatch.setattr(preprocessing, "DRAFT_PIXELS", 1 << 10)
    loaded, load = [], Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda image, *given: loaded.append(image.size) or load(image, *given))
    assert np.abs(read_pixels(path, 1, 32, 32, 40).astype(int) - whole).max() <= 2
    assert loaded == [(120, 160)]


def test_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for path, found in ((tmp_path / "pipe.png", "is no regular file"), (tmp_path / "folder.png", "is a folder"),
                        (Path("/dev/zero"), "is no regular file")):
        with pytest.raises(FirelaneError, match=f"^{path}: {found}; give the path of an image file$"):
            read_image(graph_for(), path)
        with pytest.raises(FirelaneError, match=f"^{path}: {found}; give the path of an .onnx file$"):
            read_model(path)
        with pytest.raises(FirelaneError, match=f"^labels: {path}: {found}; "):
            read_labels(path, 3)
        with pytest.raises(FirelaneError, match=f"^{path}: {found}; give the program.bin that"):
            read_contents(path)
    for name in ("pipe.png", "folder.png"):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "images" / name)
        images = calibration_images(tmp_path / "images", (3, 2, 3), Preprocessing(), Preprocessing(), 9)
        with pytest.raises(FirelaneError, match=f"{name}: is "):
            list(images)
        (tmp_path / "images" / name).rename(tmp_path / name)
    (tmp_path / "pipe.png").rename(tmp_path / "pipe.npy")
    with pytest.raises(FirelaneError, match="pipe.npy: is no regular file"):
        calibration_images(tmp_path / "pipe.npy", (3, 2, 3), None, None, 9)


def test_a_model_file_that_is_too_large(tmp_path):
    with open(tmp_path / "large.onnx", "wb") as file:
        file.truncate((1 << 28) + 1)
    with pytest.raises(FirelaneError, match=r"large\.onnx: has 268,435,457 bytes, 268,435,456 are possible; keep the "
                                            r"weights beside it: onnx.save"):
        read_model(tmp_path / "large.onnx")
