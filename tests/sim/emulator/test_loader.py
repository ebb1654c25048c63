"""LOAD and OUTPUT of the emulator, and which accesses beside a load it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import Opcode
from firelane.sim.emulator import Emulator, EngineError
from tests.sim.emulator.assembler import Assembler
from tests.sim.emulator.test_tile import CLASSES, config, fetched


def load_program(cfg: EngineConfig, k: int, image: np.ndarray, *, split: int, pad: int = 0) -> Assembler:
    """An image (H, W, C) into words from 16 on, a LOAD and then an OUTPUT for each row group."""
    program, rows = Assembler(cfg), cfg.banks >> k
    height, width, channels = image.shape
    map_height, map_width, map_channels = -(-height >> split), -(-width >> split), channels << 2 * split
    load = program.layer(space_to_depth=split, parts_log2=k, image_columns=width, channels_in=channels, pad=pad)
    out = program.layer(parts_log2=k, columns=map_width, channels_out=map_channels)
    for group, start in enumerate(range(0, map_height, rows)):
        map_rows = min(rows, map_height - start)
        image_rows = min(map_rows << split, height - (start << split))
        last = int(start + rows >= map_height)
        address = 16 + group * map_channels
        program.emit(Opcode.LOAD, load, [(0, map_rows)], address=address, rows=image_rows, last=last)
        program.emit(Opcode.OUTPUT, out, [(address, map_rows)], wait_load=1, last=last)
    return program


@pytest.mark.parametrize(("banks", "k"), CLASSES)
@pytest.mark.parametrize("split", [0, 1])
def test_image_comes_back(banks, k, split):
    rng = np.random.default_rng(banks + k)
    width = int(rng.integers(1, (BANK_PIXELS << k) + 1)) * (1 + split) - int(rng.integers(0, 1 + split))
    image = rng.integers(0, 256, (int(rng.integers(1, 2 * banks + 4)), width, 3), np.uint8)
    cfg = config(banks)
    program = load_program(cfg, k, image, split=split, pad=9)
    result = Emulator(cfg, program.contents()).run_frame(image).result
    even = np.pad(image, ((0, image.shape[0] % 2), (0, width % 2), (0, 0)), constant_values=9) if split else image
    blocks = [even[y::2, x::2] for y in (0, 1) for x in (0, 1)] if split else [even]
    whole = np.concatenate(blocks, axis=2).transpose(2, 0, 1)
    rows = banks >> k
    expected = b"".join(whole[:, start:start + rows].tobytes() for start in range(0, whole.shape[1], rows))
    assert result == expected


def test_load_to_a_row_inside_the_word():
    image = np.arange(5 * 2, dtype=np.uint8).reshape(1, 5, 2)
    program = Assembler(config(8))
    layer = program.layer(parts_log2=1, image_columns=5, channels_in=2)
    program.emit(Opcode.LOAD, layer, [(0, 1)], address=16, row=3, rows=1, last=1)
    emulator = Emulator(program.cfg, program.contents())
    frame = emulator.run_frame(image, trace=True)
    np.testing.assert_array_equal(fetched(emulator.memories.activations, 16, (2, 1, 5), 1, row=3),
                                  image.transpose(2, 0, 1))
    writes = frame.trace[0].writes
    assert writes.address.tolist() == [16, 17] * 5 and set(writes.bank.tolist()) == {3}
    assert writes.enable.tolist() == [1 << column for column in range(5) for _ in range(2)]


@pytest.mark.parametrize(("pixels", "code"), [(9, "IMAGE_SHORT"), (11, "IMAGE_LONG"), (0, "IMAGE_SHORT")])
def test_length_of_the_image(pixels, code):
    program = load_program(config(8), 0, np.zeros((1, 10, 1), np.uint8), split=0)
    with pytest.raises(EngineError, match=f"^{code} at program word 8: "):
        Emulator(program.cfg, program.contents()).run_frame(np.zeros(pixels, np.uint8))


def test_image_that_ends_one_load_too_early():
    program = load_program(config(1), 0, np.zeros((2, 4, 1), np.uint8), split=0)
    with pytest.raises(EngineError, match="^IMAGE_SHORT"):
        Emulator(program.cfg, program.contents()).run_frame(np.zeros(4, np.uint8))
