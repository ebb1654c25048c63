"""Fix the sites of block RAMs and multipliers in a netlist, where the device is large enough for it to matter."""

from __future__ import annotations

import json
from pathlib import Path

from boards.block_placement import NoSiteError, place_blocks
from boards.block_sites import BlockSites
from boards.netlist_graph import netlist_graph
from compiler.errors import ConfigError
from compiler.progress import Progress, silent


def fix_blocks(netlist: Path, device: BlockSites, *, progress: Progress = silent) -> float:
    """Give every block RAM and multiplier in Yosys' JSON the attribute by which nextpnr places it.

    Takes some 40 s for 50 000 cells. The same netlist gets the same places.

    Returns
    -------
    float
        The wire length that is at least to be expected, in tiles.

    Raises
    ------
    ConfigError
        If there are more blocks than sites.
    """
    document = json.loads(netlist.read_text())
    module = document["modules"]["top"]
    graph = netlist_graph(module)
    try:
        placed = place_blocks(graph, device, progress=progress)
    except NoSiteError as error:
        raise ConfigError("the engine", f"does not fit the device: {error}",
                          hint="give it fewer banks or weight words") from error
    for block, site in placed.sites.items():
        cell = module["cells"][graph.names[block]]
        cell["attributes"] = cell.get("attributes", {}) | {"BEL": device.sites[cell["type"]][site].bel}
    netlist.write_text(json.dumps(document))
    return placed.wire_length
