"""Images as the stored values of a network's input tensor.

A model says how in its metadata, under `firelane.input`, as JSON:

    {"layout": "NHWC", "channels": "RGB", "scale": 1.0, "mean": [0.0, 0.0, 0.0], "resize": 256, "crop": "centre"}

`channels` is gray, RGB or BGR; real input = (pixel - mean) * scale, each one number or one per channel, pixels 0..255.
An image of the network's own size is taken as it is. Another one is scaled to `resize` pixels on its shorter side, and
the centre is taken; without `resize` it is refused. docs/images.md tells what becomes of transparency, animations, ...
"""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from firelane.compiler.ir.graph import PIXEL_MAX, Graph, Tensor
from firelane.compiler.support.errors import ConfigError, FirelaneError, ModelError
from firelane.compiler.support.files import open_file

INPUT_KEY = "firelane.input"
FORMATS = "PNG, JPEG, BMP, GIF, TIFF, WebP, PPM, PGM and others"     # that Pillow reads
MODES = {1: "L", 3: "RGB"}             # Pillow's modes by number of channels
CHANNELS = {"gray": 1, "RGB": 3, "BGR": 3}
WIDE_MODES = ("I", "F")                # Pillow's modes of more than 8 bits begin so
GRAY_16 = "I;16"                       # its modes of 16 bits begin so; 16 bits of a PGM file are of mode I
VALUES_LEAST = 16                      #: of the 256 that a pixel has, which an input must tell apart
RESIZE_MAX = 1 << 13
PIXELS_MAX = 1 << 26                   #: of an image file: less than 1 GB while it is decoded
DRAFT_PIXELS = 1 << 24                 #: of a JPEG, above which it is not decoded in full
UNNAMED_IMAGE = "image"                #: what messages call one that has no path
IMAGE_CHANNELS = ((), (1,), (3,), (4,))     #: the last axes of arrays that are images
TURNED = (5, 6, 7, 8)                  # orientations of EXIF that exchange rows and columns
Model = TypeVar("Model", bound=Any)     # an onnx.ModelProto, which takes a second to import


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How an image becomes the real values of a network's input.

    Parameters
    ----------
    channels : "gray", "RGB" or "BGR"
    mean, scale : tuple of float
        One for all channels, or one per channel in the order of `channels`.
    resize : int or None
        Pixels of the shorter side before the centre is cut out.
    """

    channels: str = "RGB"
    mean: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    resize: int | None = None

    def __post_init__(self) -> None:
        if self.channels not in CHANNELS:
            raise ConfigError("--channels", f"channels {self.channels!r}",
                              hint=f"{', '.join(CHANNELS)} are possible")
        for name, values in (("mean", self.mean), ("scale", self.scale)):
            if len(values) not in (1, CHANNELS[self.channels]) or not np.all(np.isfinite(values)):
                raise ConfigError(f"--{name}", f"{name} {list(values)}",
                                  hint="one finite number, or one per channel")
        if 0 in self.scale:
            raise ConfigError("--scale", "scale 0", hint="real input = (pixel - mean) * scale")
        if self.resize is not None and not (isinstance(self.resize, int) and 1 <= self.resize <= RESIZE_MAX):
            raise ConfigError("--resize", f"resize {self.resize}", hint=f"1 to {RESIZE_MAX} pixels")

    @property
    def takes_pixels(self) -> bool:
        """Whether the network's real input is the pixels themselves, in Pillow's order."""
        return self.channels != "BGR" and set(self.mean) == {0.0} and set(self.scale) == {1.0}

    def per_channel(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and scale, float64 (C,), in the order of `channels`."""
        count = CHANNELS[self.channels]
        return (np.broadcast_to(np.array(self.mean, np.float64), count),
                np.broadcast_to(np.array(self.scale, np.float64), count))

    def real(self, pixels: np.ndarray) -> np.ndarray:
        """The network's input, float32, of pixels: uint8 (..., C, H, W), gray or RGB."""
        mean, scale = (values[:, None, None] for values in self.per_channel())
        ordered = pixels[..., ::-1, :, :] if self.channels == "BGR" else pixels
        return ((ordered - mean) * scale).astype(np.float32)

    def pixels(self, real: np.ndarray) -> np.ndarray:
        """The pixels, float64 and not rounded, gray or RGB, of the network's input: the reverse of `real`."""
        mean, scale = (values[:, None, None] for values in self.per_channel())
        ordered = real / scale + mean
        return ordered[..., ::-1, :, :] if self.channels == "BGR" else ordered

    def to_json(self) -> str:
        """The record as it is stored in a model's metadata."""
        record = {"layout": "NHWC", "channels": self.channels,
                  "scale": self.scale[0] if len(set(self.scale)) == 1 else list(self.scale),
                  "mean": self.per_channel()[0].tolist()}
        if self.resize is not None:
            record |= {"resize": self.resize, "crop": "centre"}
        return json.dumps(record)


def preprocessing_of(metadata: Mapping[str, str]) -> Preprocessing | None:
    """What a model's metadata say; None if they say nothing.

    Raises
    ------
    ModelError
        If they cannot be understood.
    """
    if INPUT_KEY not in metadata:
        return None
    where = f"metadata {INPUT_KEY}"
    try:
        record = json.loads(metadata[INPUT_KEY])
        resize = record.get("resize")
        if resize is not None and type(resize) is not int:
            raise TypeError("resize is not a whole number")
        return Preprocessing(channels=record["channels"], mean=_floats(record.get("mean", 0.0)),
                             scale=_floats(record.get("scale", 1.0)), resize=resize)
    except ConfigError as error:
        raise ModelError(where, error.found, hint=error.hint) from None
    except RecursionError:
        raise ModelError(where, "is nested too deeply", hint="docs/images.md says what it holds") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ModelError(where, f"cannot be understood ({error})",
                         hint="docs/images.md says what it holds") from None


def _floats(values: float | list[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in (values if isinstance(values, list) else [values]))


def record_preprocessing(model: Model, preprocessing: Preprocessing) -> Model:
    """A copy of an `onnx.ModelProto` whose metadata say so."""
    copy = type(model)()
    copy.CopyFrom(model)
    entry = next((entry for entry in copy.metadata_props if entry.key == INPUT_KEY), None)
    entry = entry if entry is not None else copy.metadata_props.add(key=INPUT_KEY)
    entry.value = preprocessing.to_json()
    return copy


Picture = str | Path | bytes | Image.Image | np.ndarray
"""An image: the path of a file, what is in one, an image of Pillow's, uint8 (H, W) or uint8 (H, W, 1 or 3 or 4)."""


def read_pixels(source: Picture, channels: int, height: int, width: int, resize: int | None = None) -> np.ndarray:
    """An image as uint8 (channels, height, width), gray or RGB; its centre, if `resize` says how to scale it."""
    where = name_of(source)
    try:
        with warnings.catch_warnings(), contextlib.ExitStack() as stack:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _opened(source, stack)
            _check(image, where, (width, height), resize)
            if resize is not None and image.width * image.height > DRAFT_PIXELS:
                image.draft(None, (2 * resize, 2 * resize))         # a JPEG is then decoded at 1/2, 1/4 or 1/8
            deep, upright = _has_16_bits(image), ImageOps.exif_transpose(image)
            upright = _upper_8_bits(upright) if deep else upright
            pixels = np.array(_fit(_opaque(upright, MODES[channels]), (width, height), resize))
    except FirelaneError:
        raise
    except UnidentifiedImageError:
        raise FirelaneError(where, "not an image", hint=f"{FORMATS} are possible") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(where) from None
    except Exception as error:      # whatever Pillow's readers make of a damaged file
        reason = getattr(error, "strerror", None) or "a damaged image"
        raise FirelaneError(where, reason, hint="give the path of an image file") from None
    return np.ascontiguousarray(pixels.reshape(height, width, channels).transpose(2, 0, 1))


def name_of(source: Picture) -> str:
    """What messages call an image: its path, if it has one."""
    return str(source) if isinstance(source, str | Path) else getattr(source, "filename", "") or UNNAMED_IMAGE


def _opened(source: Picture, stack: contextlib.ExitStack) -> Image.Image:
    """The image, which is closed with `stack` if it was opened here."""
    match source:
        case Image.Image():
            return source.copy()
        case np.ndarray():
            if source.dtype != np.uint8 or source.ndim not in (2, 3) or source.shape[2:] not in IMAGE_CHANNELS:
                raise FirelaneError(UNNAMED_IMAGE, f"{source.dtype} of shape {source.shape}",
                                    hint="uint8 of rows, columns and 1, 3 or 4 channels are possible")
            return Image.fromarray(source[:, :, 0] if source.shape[2:] == (1,) else source)
        case bytes():
            return stack.enter_context(Image.open(io.BytesIO(source)))
        case _:
            return stack.enter_context(Image.open(stack.enter_context(open_file(source))))


def _check(image: Image.Image, where: str, size: tuple[int, int], resize: int | None) -> None:
    """Refuse, by what the file's header says, an image that cannot become one of `size` (width, height)."""
    if image.mode.startswith(WIDE_MODES) and not _has_16_bits(image):
        raise FirelaneError(where, f"an image of mode {image.mode}", hint="save it with 8 or 16 bits per channel")
    if image.width * image.height > PIXELS_MAX:
        raise _too_large(where)
    turned = image.getexif().get(ExifTags.Base.Orientation) in TURNED
    width, height = image.size[::-1] if turned else image.size
    if (width, height) == size:
        return
    if resize is None:
        raise FirelaneError(where, f"{width} x {height} pixels",
                            hint=f"the network wants {size[0]} x {size[1]}; give --resize or --preset (in Python: "
                                 "resize, preset), or resize the image")
    if resize < max(size):
        raise FirelaneError(where, f"resize {resize} for an input of {size[0]} x {size[1]}",
                            hint=f"{max(size)} at least is needed, with --resize (in Python: resize)")
    if max(width, height) * resize * resize > PIXELS_MAX * min(width, height):
        raise FirelaneError(where, f"{width} x {height} pixels: too long for its shorter side to become {resize}",
                            hint="cut it")


def _too_large(where: str) -> FirelaneError:
    return FirelaneError(where, f"has more than {PIXELS_MAX // 1_000_000} million pixels", hint="make it smaller first")


def _has_16_bits(image: Image.Image) -> bool:
    """Whether it is gray, with 65535 for white."""
    return image.mode.startswith(GRAY_16) or (image.mode, image.format) == ("I", "PPM")


def _upper_8_bits(image: Image.Image) -> Image.Image:
    """A gray image of 16 bits, the upper 8 of them, as Pillow takes of 16-bit colours; what is transparent is white."""
    values = np.asarray(image)
    upper = (values >> 8).astype(np.uint8)
    upper[values == image.info.get("transparency", -1)] = PIXEL_MAX
    return Image.fromarray(upper)


def _opaque(image: Image.Image, mode: str) -> Image.Image:
    """The image in `mode`; what is transparent is white, as on a page."""
    if not image.has_transparency_data:
        return image.convert(mode)
    colours = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(colours, mask=colours)
    return page.convert(mode)


def _fit(image: Image.Image, size: tuple[int, int], resize: int | None) -> Image.Image:
    """The image at `size` (width, height)."""
    if image.size == size or resize is None:
        return image
    shorter = min(image.size)
    if shorter != resize:
        width, height = (max(round(side * resize / shorter), resize) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = ((have - want) // 2 for have, want in zip(image.size, size))
    return image.crop((left, top, left + size[0], top + size[1]))


def quantize_input(graph: Graph, images: np.ndarray) -> np.ndarray:
    """Stored values of the network's input by ONNX QuantizeLinear, in float32 as ONNX Runtime computes it.

    Parameters
    ----------
    images : float32 (N, C, H, W) or (C, H, W)
        Real values, as the ONNX model's input takes them.

    Returns
    -------
    uint8 of the same shape, for `sim.reference`.
    """
    tensor = graph.tensors[graph.input]
    if images.ndim not in (3, 4) or images.shape[-3:] != tensor.shape:
        wanted = f"(N, C, H, W) = (N, {', '.join(map(str, tensor.shape))})"
        raise FirelaneError("image", f"shape {images.shape}", hint=f"the network {graph.name!r} wants {wanted}")
    codes = _codes(tensor, images)
    if not np.all(np.isfinite(images)):
        raise FirelaneError("image", "values that are not finite", hint="check how it was normalised")
    return codes.astype(np.uint8)


def read_image(graph: Graph, source: Picture) -> np.ndarray:
    """An image as the stored values of the network's input, uint8 (C, H, W): see `record_of` and `read_pixels`."""
    record = record_of(graph)
    return stored_input(graph, read_pixels(source, *graph.tensors[graph.input].shape, record.resize))


def known_record(graph: Graph) -> Preprocessing | None:
    """How a quantized network takes pixels, by its metadata; without them raw pixels, if they can be its input.

    None if nobody knows.
    """
    tensor, recorded = graph.tensors[graph.input], preprocessing_of(graph.metadata)
    raw = tensor.channels in MODES and stores_pixels(tensor)
    return recorded or (Preprocessing(channels="gray" if tensor.channels == 1 else "RGB") if raw else None)


def record_of(graph: Graph) -> Preprocessing:
    """How a quantized network takes pixels: `known_record`, if images can become its input so.

    Raises
    ------
    FirelaneError
        If they cannot, or nobody knows how.
    """
    tensor, record = graph.tensors[graph.input], known_record(graph)
    if tensor.channels not in MODES:
        raise FirelaneError(graph.name, f"an input of {tensor.channels} channels", hint="images have 1 or 3")
    if record is None:
        raise FirelaneError(graph.name, f"how it takes pixels is not known: its input has scale {tensor.scale:.6g} and "
                                        f"zero point {tensor.zero_point}, and it has no metadata {INPUT_KEY}",
                            hint="give --preset, or --mean, --scale, --channels, --resize")
    if CHANNELS[record.channels] != tensor.channels:
        raise ModelError(f"metadata {INPUT_KEY}", f"channels {record.channels}, the input has {tensor.channels}",
                         hint="correct it with --channels")
    _check_values(graph.name, tensor, record)
    return record


def stores_pixels(tensor: Tensor) -> bool:
    """Whether pixels, as real values, are the stored values of a tensor."""
    return (tensor.scale, tensor.zero_point) == (1.0, 0)


def stored_input(graph: Graph, pixels: np.ndarray) -> np.ndarray:
    """Pixels of the network's size, uint8 (C, H, W), gray or RGB, as the stored values of its input."""
    record = record_of(graph)
    if record.takes_pixels and stores_pixels(graph.tensors[graph.input]):
        return pixels
    return quantize_input(graph, record.real(pixels))


def stored_values(graph: Graph, image: np.ndarray) -> np.ndarray:
    """Values of the input (float32 (C, H, W)) as the engine takes them: uint8."""
    tensor = graph.tensors[graph.input]
    return np.clip(np.rint(image / tensor.scale) + tensor.zero_point, 0, PIXEL_MAX).astype(np.uint8)


def _check_values(name: str, tensor: Tensor, record: Preprocessing) -> None:
    """Refuse a mean and scale that leave next to nothing of an image: those of another network.

    Of the 256 values of a pixel, few may fall together, or out of what the input can hold.
    """
    ramp = np.broadcast_to(np.arange(PIXEL_MAX + 1, dtype=np.uint8), (tensor.channels, 1, PIXEL_MAX + 1))
    real = record.real(ramp)
    told_apart = max(len(np.unique(codes)) for codes in _codes(tensor, real))
    if told_apart < VALUES_LEAST:
        low, high = ((stored - tensor.zero_point) * tensor.scale for stored in (0, PIXEL_MAX))
        raise FirelaneError(name, f"pixels 0 to 255 become {real.min():.4g} to {real.max():.4g}, its input holds "
                                  f"{low:.4g} to {high:.4g}: {told_apart} of its 256 values would be used",
                            hint="give the --mean and --scale that belong to it")


def _codes(tensor: Tensor, real: np.ndarray) -> np.ndarray:
    steps = np.rint(real.astype(np.float32) / np.float32(tensor.scale)) + np.float32(tensor.zero_point)
    return np.clip(steps, 0, PIXEL_MAX)
