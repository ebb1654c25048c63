"""LOAD and OUTPUT: between the byte streams and the activation memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.sim.emulator.decode import DescriptorFields, Instruction
from firelane.sim.emulator.faults import EngineError
from firelane.sim.emulator.memory import Writes, word_rows


@dataclass
class ImageStream:
    """The bytes of one frame's image (row, column, channel order); the end of the array is the stream's `last`."""

    pixels: np.ndarray          #: uint8 (n,)
    taken: int = 0

    def take(self, count: int, ends: bool, pc: int) -> np.ndarray:
        """The next `count` bytes; `ends`: the image must end with them, otherwise it must not.

        Raises
        ------
        EngineError
            IMAGE_SHORT, IMAGE_LONG.
        """
        end = self.taken + count
        if end > len(self.pixels) or (end == len(self.pixels) and count and not ends):
            raise EngineError(ErrorCode.IMAGE_SHORT, pc, f"the image ends after {len(self.pixels)} bytes")
        if ends and end < len(self.pixels):
            raise EngineError(ErrorCode.IMAGE_LONG, pc, f"the image goes on after {end} bytes: {len(self.pixels)}")
        taken = self.pixels[self.taken:end]
        self.taken = end
        return taken


def load(image: ImageStream, instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> Writes:
    """The pixel writes of one LOAD: `slots[0].rows` map rows, `rows` image rows really arrive.

    With `space_to_depth` the four pixels of a 2x2 block of image channel c become map channels
    (2 * (row mod 2) + column mod 2) * channels + c; what an odd image lacks in its last block reads as `pad`.
    """
    split = 2 if fields.space_to_depth else 1
    channels, columns = fields.channels_in, fields.image_columns
    taken = image.take(instruction.rows * columns * channels, bool(instruction.last), instruction.pc)
    map_rows, map_columns = instruction.slots[0].rows, -(-columns // split)
    block = np.full((map_rows * split, map_columns * split, channels), fields.pad, np.uint8)
    block[:instruction.rows, :columns] = taken.reshape(instruction.rows, columns, channels)
    y, x, c = (axis.reshape(-1) for axis in np.indices(block.shape))
    channel = (y % split * split + x % split) * channels + c
    return _pixel_writes(instruction, fields, cfg, channel, y // split, x // split, block.reshape(-1))


def _pixel_writes(instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig, channel: np.ndarray,
                  row: np.ndarray, column: np.ndarray, value: np.ndarray) -> Writes:
    """A write of one pixel each."""
    rows_per_word = cfg.banks >> fields.parts_log2
    part, pixel = np.divmod(column, BANK_PIXELS)
    data = np.zeros((len(value), BANK_PIXELS), np.uint8)
    data[np.arange(len(value)), pixel] = value
    return Writes(instruction.address + channel, instruction.row + row + part * rows_per_word, 1 << pixel, data)


def loaded_words(fields: DescriptorFields) -> int:
    """Channels, and so words, that a LOAD of this layer writes."""
    return fields.channels_in * (4 if fields.space_to_depth else 1)


def output(memory: np.ndarray, instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> bytes:
    """The bytes of one OUTPUT: `slots[0].rows` rows of each channel from row `row` on."""
    slot = instruction.slots[0]
    rows = word_rows(memory[slot.address:slot.address + fields.channels_out], cfg.banks >> fields.parts_log2)
    return rows[:, instruction.row:instruction.row + slot.rows, :fields.columns].tobytes()
