"""The bytes of the result stream, made from the output tensor and read back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.compiler.tiles.layers import OutputLayer, TiledNetwork
from firelane.hw.contract.config import EngineConfig


@dataclass(frozen=True)
class ResultFormat:
    """Row groups one after the other; in a group channel, row, column order.

    An averaged result has one row group of one row: its bytes are the channels.
    """

    channels: int
    height: int
    width: int
    group_rows: int         #: rows of a row group; the last group may have fewer

    @property
    def size(self) -> int:
        """Bytes of a frame's result."""
        return self.channels * self.height * self.width

    def pack(self, tensor: np.ndarray) -> bytes:
        """The bytes of a tensor, uint8 (channels, height, width)."""
        starts = range(0, self.height, self.group_rows)
        return b"".join(tensor[:, row:row + self.group_rows].tobytes() for row in starts)

    def unpack(self, octets: bytes) -> np.ndarray:
        """The tensor, uint8 (channels, height, width), of the bytes."""
        flat, start = np.frombuffer(octets, np.uint8), 0
        parts: list[np.ndarray] = []
        for row in range(0, self.height, self.group_rows):
            rows = min(self.group_rows, self.height - row)
            size = self.channels * rows * self.width
            parts.append(flat[start:start + size].reshape(self.channels, rows, self.width))
            start += size
        return np.concatenate(parts, axis=1)


def result_format(network: TiledNetwork, shape: tuple[int, int, int], cfg: EngineConfig) -> ResultFormat:
    """The format for a network whose output tensor has `shape` (channels, height, width)."""
    output = next((layer for layer in network.layers if isinstance(layer, OutputLayer)), None)
    rows = network.maps[output.input.map].rows_per_word(cfg) if output else 1
    return ResultFormat(*shape, group_rows=rows)
