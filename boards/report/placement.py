"""placement.json: which instance of the design has which places of the device, for pictures of it.

The placed netlist itself is fifty times as large, and says much that no picture shows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.place.netlist.instances import cell_instances
from firelane.boards.place.netlist.placed_netlist import PlacedNetlist
from firelane.compiler.support.errors import ConfigError

PLACEMENT_FILE = "placement.json"
LUT, FLIP_FLOP, BLOCK_RAM, MULTIPLIER = KINDS = ("LUT", "FF", "EBR", "DSP")
_KIND_OF_TYPE = {"TRELLIS_COMB": LUT, "TRELLIS_FF": FLIP_FLOP, "DP16KD": BLOCK_RAM, "MULT18X18D": MULTIPLIER}

Place = tuple[int, int, int]
"""Column and row of the tile, and which of its 8 LUTs or flip-flops; 0 for blocks."""


@dataclass(frozen=True)
class Placement:
    """Places by instance and kind of cell.

    Parameters
    ----------
    cells : {instance: {kind: places}}
        Instances are paths such as "linked.engine.sequencer", kinds those of KINDS.
    """

    cells: dict[str, dict[str, list[Place]]]

    def count(self, kind: str) -> int:
        return sum(len(places.get(kind, ())) for places in self.cells.values())


def placement_of(netlist: PlacedNetlist) -> Placement:
    """What is where in a netlist that nextpnr has placed; pads, clocks and distributed RAM are left out."""
    cells: dict[str, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for number, instance in enumerate(cell_instances(netlist)):
        kind = _KIND_OF_TYPE.get(netlist.cells[number].type)
        if kind and netlist.x[number] >= 0:
            place = int(netlist.x[number]), int(netlist.y[number]), max(int(netlist.lut[number]), 0)
            cells[instance][kind].append(place)
    return Placement({instance: {kind: sorted(kinds[kind]) for kind in KINDS if kind in kinds}
                      for instance, kinds in sorted(cells.items())})


def write_placement(netlist: Path, target: Path) -> None:
    """Write `target` from nextpnr's JSON of a placed netlist."""
    target.write_text(json.dumps(placement_of(PlacedNetlist(netlist)).cells, separators=(",", ":")) + "\n")


def read_placement(folder: Path) -> Placement:
    """The placement of the build in `folder`.

    Raises
    ------
    ConfigError
        If it is missing, or is something else.
    """
    path = folder / PLACEMENT_FILE
    try:
        found = json.loads(path.read_text())
        return Placement({instance: {kind: [(int(x), int(y), int(z)) for x, y, z in kinds[kind]] for kind in kinds}
                          for instance, kinds in found.items()})
    except FileNotFoundError:
        raise ConfigError(str(path), "there is no such file",
                          hint="name the folder of a finished `firelane bitstream`; old builds must be made again") \
            from None
    except (OSError, ValueError, TypeError, AttributeError):
        raise ConfigError(str(path), "cannot be read as the placement of a build",
                          hint="make the bitstream again") from None
