"""The write log of testbench.v, as the writes of each instruction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firelane.hw.contract.config import BANK_PIXELS
from firelane.sim.emulator import Writes
from firelane.sim.judge.compare import Step


def read_write_log(path: Path) -> list[Step]:
    """(program word, writes) of each instruction that ran to its end, over all frames, in order.

    Raises
    ------
    ValueError
        If there are writes outside any instruction.
    """
    steps: list[Step] = []
    lines: list[list[str]] = []
    under_way: list[int] = []           # in order; writes are those of the first
    through: set[int] = set()           # a LOAD beside a tile, whose own writes are not shown
    for line in path.read_text().splitlines():
        name, _cycle, *fields = line.split()
        if name == "tile_start":
            under_way.append(int(fields[0]))
        elif name == "tile_done":
            through.add(int(fields[0]))
            while under_way and under_way[0] in through:
                steps.append((under_way[0], _writes(lines)))
                through.remove(under_way.pop(0))
                lines = []
        elif under_way:
            lines.append(fields)
        else:
            raise ValueError(f"{path}: a write after the end of an instruction: {line}")
    return steps


def _writes(lines: Sequence[Sequence[str]]) -> Writes:
    """Writes from lines of bank, address (decimal), enable and data (hexadecimal, pixel 0 last)."""
    bank, address = (np.array([int(fields[index]) for fields in lines], np.int64) for index in (0, 1))
    enable = np.array([int(fields[2], 16) for fields in lines], np.int64)
    octets = bytes.fromhex("".join(fields[3] for fields in lines))
    data = np.frombuffer(octets, np.uint8).reshape(-1, BANK_PIXELS)[:, ::-1]
    return Writes(address, bank, enable, np.ascontiguousarray(data))
