"""How many wires meet in each tile of a routed design: where it is dense, routing was hard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firelane.compiler.support.errors import ConfigError

_TILE = re.compile(r"^\.tile (?:\w+_)?R(\d+)C(\d+):(PLC2|CIB\w*)$")
_SWITCH = "arc: "           #: of a line: one wire drives another


@dataclass(frozen=True, eq=False)
class RoutedWires:
    """Switches that connect wires: `counts` int64 (rows, columns), by tile."""

    counts: np.ndarray

    @property
    def densest(self) -> tuple[int, int, int]:
        """Row, column and switches of the tile that has most."""
        row, column = np.unravel_index(int(self.counts.argmax()), self.counts.shape)
        return int(row), int(column), int(self.counts[row, column])


def read_wires(config: Path) -> RoutedWires:
    """The switches in a routed design, as Project Trellis writes it; of tiles that belong to one place all together.

    Raises
    ------
    ConfigError
        If it is missing, or no such design.
    """
    found: dict[tuple[int, int], int] = {}
    place = None
    try:
        with config.open() as lines:
            for line in lines:
                if line.startswith(".tile "):
                    tile = _TILE.match(line)
                    place = (int(tile[1]), int(tile[2])) if tile else None
                elif place is not None and line.startswith(_SWITCH):
                    found[place] = found.get(place, 0) + 1
    except (OSError, UnicodeDecodeError):
        found = {}
    if not found:
        raise ConfigError(str(config), "cannot be read as a routed design", hint="make the bitstream again")
    counts = np.zeros([1 + max(axis) for axis in zip(*found)], np.int64)
    for (row, column), count in found.items():
        counts[row, column] = count
    return RoutedWires(counts)
