"""Settings of nextpnr's router that have no option of their own: nextpnr reads them from the netlist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def set_router(netlist: Path, settings: Mapping[str, str]) -> None:
    """Write `settings` into Yosys' JSON, in place; a netlist without them is left as it is.

    Source of the names: `Router2Cfg` in nextpnr's common/route/router2.cc.
    """
    if not settings:
        return
    document = json.loads(netlist.read_text())
    document["modules"]["top"].setdefault("settings", {}).update(settings)
    netlist.write_text(json.dumps(document))
