"""Row classes: how many banks a row of each map takes.

Every map starts in the narrowest class that holds its rows. A layer wants its inputs in a class in which its kernel is
expressible, all of them in the same, and not narrower than its output; what it does not find it widens, until
nothing changes. Classes only grow, so this ends.
"""

from __future__ import annotations

from dataclasses import replace

from firelane.compiler.lower.emit import explain, feasible_row_classes
from firelane.compiler.lower.widths import image_too_wide, too_wide
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.compiler.support.problems import raise_all
from firelane.compiler.tiles.kernel_table import kernel_table
from firelane.compiler.tiles.layers import LoadLayer, Map, TiledNetwork, TileLayer, narrowest_row_class
from firelane.hw.contract.config import EngineConfig


def assign_row_classes(network: TiledNetwork, cfg: EngineConfig) -> TiledNetwork:
    """`network` with the narrowest row class of each map that every layer can work with.

    Raises
    ------
    CapacityError, ModelError
        If a row is wider than the engine, or if a kernel is expressible only in rows narrower than these.
    """
    narrowest = {name: narrowest_row_class(m.columns, cfg) for name, m in network.maps.items()}
    raise_all([_too_wide(network, network.maps[name], cfg) for name, found in narrowest.items() if found is None])
    classes = {name: found for name, found in narrowest.items() if found is not None}
    tiles = [layer for layer in network.layers if isinstance(layer, TileLayer)]
    feasible = {layer.name: feasible_row_classes(layer, cfg) for layer in tiles}
    problems: dict[str, FirelaneError] = {}
    changed = True
    while changed:
        changed = False
        for layer in reversed(tiles):
            changed |= _widen(layer, classes, feasible[layer.name], problems, cfg)
    raise_all(list(problems.values()))
    maps = {name: replace(m, parts_log2=classes[name]) for name, m in network.maps.items()}
    layers = tuple(_with_table(layer, maps, cfg) if isinstance(layer, TileLayer) else layer
                   for layer in network.layers)
    return replace(network, layers=layers, maps=maps)


def _with_table(layer: TileLayer, maps: dict[str, Map], cfg: EngineConfig) -> TileLayer:
    """`layer` with the kernel table for the row class of its inputs, which all have the same."""
    return replace(layer, table=kernel_table(layer.places, maps[layer.inputs[0].map].rows_per_word(cfg)))


def _widen(layer: TileLayer, classes: dict[str, int], feasible: list[int], problems: dict[str, FirelaneError],
           cfg: EngineConfig) -> bool:
    """Widen the maps that `layer` reads where it must; whether anything changed."""
    names = {view.map for view in layer.inputs}
    least = max(classes[name] for name in names | ({layer.output.map} if layer.output else set()))
    wanted = next((k for k in feasible if k >= least), None)
    if wanted is None:
        problems[layer.name] = explain(layer.name, [layer], cfg, least)
        return False
    changed = any(classes[name] != wanted for name in names)
    classes.update(dict.fromkeys(names, wanted))
    return changed


def _too_wide(network: TiledNetwork, found: Map, cfg: EngineConfig) -> CapacityError:
    """The error for a map whose rows have more pixels than the engine lanes; for an image it names the first reader."""
    loads = [layer for layer in network.layers if isinstance(layer, LoadLayer) and layer.output.map == found.name]
    if not loads:
        return too_wide(f"tensor '{found.name}'", found.width, cfg)
    reader = next((layer.name for layer in network.layers
                   if any(view.map == found.name for view in layer.reads)), loads[0].name)
    return image_too_wide(f"node '{reader}'", loads[0], found.width, cfg)
