"""A camera's bytes as the engine's image: what `hw/camera/` must give for them, in NumPy."""

from __future__ import annotations

import numpy as np

from firelane.compiler.frame_io.preprocessing import record_of, stored_input
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.camera import (
    BLUE_OF_U,
    CHROMA_ZERO,
    COLOUR_SHIFT,
    COLUMNS,
    GREEN_OF_U,
    GREEN_OF_V,
    LINES,
    LUMA,
    LUMA_SHIFT,
    RED_OF_V,
    TABLE_ENTRIES,
    CameraInput,
    ChannelOrder,
    PixelFormat,
)

_ORDERS = {"gray": ChannelOrder.GRAY, "RGB": ChannelOrder.RGB, "BGR": ChannelOrder.BGR}


def camera_input(graph: Graph, columns: int = COLUMNS, lines: int = LINES,
                 pixel_format: PixelFormat = PixelFormat.RGB565) -> CameraInput:
    """What a camera of so many `columns` and `lines` must give a quantized network.

    Mean, scale and quantization of a pixel depend on nothing but its value and its channel: they are a table.

    Raises
    ------
    FirelaneError
        If the network takes no pictures, or larger ones than the camera gives.
    """
    record, shape = record_of(graph), graph.tensors[graph.input].shape
    channels, height, width = shape
    if height > lines or width > columns:
        raise FirelaneError(graph.name, f"an input of {width} x {height} pixels, more than the camera's "
                                        f"{columns} x {lines}", hint="firelane quantize can make a smaller input")
    ramp = np.arange(TABLE_ENTRIES, dtype=np.uint8)
    frame = np.zeros(shape, np.uint8)
    tables = []
    for values in np.array_split(ramp, -(-TABLE_ENTRIES // (height * width))):
        flat = frame.reshape(channels, -1)
        flat[:, :len(values)] = values
        tables.append(stored_input(graph, frame).reshape(channels, -1)[:, :len(values)])
    table = np.concatenate(tables, axis=1)
    own = bool(np.array_equal(table, np.broadcast_to(ramp, table.shape)))
    return CameraInput(columns=columns, lines=lines, format=pixel_format, width=width, height=height,
                       order=_ORDERS[record.channels], tables=() if own else tuple(row.tobytes() for row in table))


def rgb_of_frame(frame: np.ndarray, wanted: CameraInput) -> np.ndarray:
    """The colours, uint8 (lines, columns, 3), of a camera's bytes, uint8 (lines, 2 * columns)."""
    if frame.dtype != np.uint8 or frame.shape != (wanted.lines, wanted.line_bytes):
        raise ValueError(f"a frame must be uint8 of shape {(wanted.lines, wanted.line_bytes)}, not {frame.dtype} of "
                         f"{frame.shape}")
    wide = frame.astype(np.int32)
    if wanted.format is PixelFormat.RGB565:
        word = wide[:, 0::2] << 8 | wide[:, 1::2]
        red, green, blue = word >> 11, word >> 5 & 63, word & 31
        return np.stack([red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], -1).astype(np.uint8)
    luma = wide[:, 0::2]
    u, v = (np.repeat(wide[:, first::4] - CHROMA_ZERO, 2, axis=1) for first in (1, 3))
    half = 1 << (COLOUR_SHIFT - 1)
    colours = [luma + (RED_OF_V * v + half >> COLOUR_SHIFT),
               luma - (GREEN_OF_U * u + GREEN_OF_V * v + half >> COLOUR_SHIFT),
               luma + (BLUE_OF_U * u + half >> COLOUR_SHIFT)]
    return np.clip(np.stack(colours, -1), 0, 255).astype(np.uint8)


def image_of_frame(frame: np.ndarray, wanted: CameraInput) -> np.ndarray:
    """The engine's image, uint8 (channels, height, width), of a camera's bytes."""
    step = wanted.step
    rows = slice(wanted.top, wanted.top + step * wanted.height, step)
    columns = slice(wanted.left, wanted.left + step * wanted.width, step)
    pixels: np.ndarray = rgb_of_frame(frame, wanted)[rows, columns].astype(np.int64)
    if wanted.order is ChannelOrder.GRAY:
        pixels = (pixels @ np.array(LUMA) + (1 << (LUMA_SHIFT - 1)) >> LUMA_SHIFT)[:, :, np.newaxis]
    elif wanted.order is ChannelOrder.BGR:
        pixels = pixels[:, :, ::-1]
    if wanted.tables:
        tables = np.frombuffer(b"".join(wanted.tables), np.uint8).reshape(wanted.channels, TABLE_ENTRIES)
        pixels = tables[np.arange(wanted.channels), pixels]
    return np.ascontiguousarray(pixels.astype(np.uint8).transpose(2, 0, 1))


def frame_of_rgb(pixels: np.ndarray, wanted: CameraInput) -> np.ndarray:
    """The bytes that a camera would send for colours, uint8 (lines, columns, 3): what it cannot tell apart is lost."""
    if pixels.shape != (wanted.lines, wanted.columns, 3):
        raise ValueError(f"a picture must have shape {(wanted.lines, wanted.columns, 3)}, not {pixels.shape}")
    frame = np.empty((wanted.lines, wanted.line_bytes), np.uint8)
    red, green, blue = (pixels[:, :, n].astype(np.int32) for n in range(3))
    if wanted.format is PixelFormat.RGB565:
        word = red >> 3 << 11 | green >> 2 << 5 | blue >> 3
        frame[:, 0::2], frame[:, 1::2] = word >> 8, word & 255
        return frame
    luma = np.rint(0.299 * red + 0.587 * green + 0.114 * blue)
    u, v = (blue - luma) / 1.772 + CHROMA_ZERO, (red - luma) / 1.402 + CHROMA_ZERO
    frame[:, 0::2] = luma
    for first, chroma in ((1, u), (3, v)):
        frame[:, first::4] = np.clip(np.rint((chroma[:, 0::2] + chroma[:, 1::2]) / 2), 0, 255)
    return frame
