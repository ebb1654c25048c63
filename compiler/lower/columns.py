"""Columns: where in its words each map begins, and which of two columns a halving layer keeps.

A lane sees columns a little to its left and right, `cfg.column_moves`. A kernel that reaches further to the right and
less to the left is computed in lanes to the right: its output is stored some columns further on, behind garbage.
Readers must not look to the left of such a map, where they would find the garbage in place of `pad`. So conv1 of
SqueezeNet v1.0, whose kernel is its lane's column and three more, does with an engine that moves columns by -1 .. 2, if
pool1, which has no padding, takes the odd columns of every two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from firelane.compiler.lower.emit import most_columns
from firelane.compiler.support.errors import CapacityError, FirelaneError, ModelError
from firelane.compiler.support.problems import raise_all
from firelane.compiler.tiles.kernel_table import Place
from firelane.compiler.tiles.larger_engine import larger_engine
from firelane.compiler.tiles.layers import AnyLayer, TiledNetwork, TileLayer
from firelane.hw.contract.config import MAX_COLUMNS, MAX_KERNEL_TAPS, EngineConfig

MAX_SHIFT = MAX_KERNEL_TAPS     #: more columns than a kernel has


def assign_columns(network: TiledNetwork, cfg: EngineConfig) -> TiledNetwork:
    """`network` with first columns and column phases with which the engine's moves are enough.

    Raises
    ------
    CapacityError, ModelError
        If there are none for a layer.
    """
    columns = _Columns(network, cfg)
    raise_all(_explain(columns, network, cfg))
    return columns.network()


def can_reach(places: Iterable[Place], cfg: EngineConfig) -> bool:
    """Whether the engine can see the columns of a kernel, if need be from lanes to the right of its output's."""
    offsets = [place.dx for place in places]
    return -cfg.columns_left <= min(offsets) and max(offsets) - min(offsets) < len(cfg.column_moves)


class _Columns:
    """The layers and maps of a network, assigned in their order; `missed` are those that the engine cannot do."""

    def __init__(self, network: TiledNetwork, cfg: EngineConfig):
        self._network, self._cfg = network, cfg
        self._maps = dict(network.maps)
        self._may_shift = _maps_that_may_shift(network)
        self.missed: list[TileLayer] = []
        self._layers = [self._assign(layer) if isinstance(layer, TileLayer) else layer for layer in network.layers]

    def network(self) -> TiledNetwork:
        """The network with what was assigned."""
        return replace(self._network, layers=tuple(self._layers), maps=self._maps)

    def _assign(self, layer: TileLayer) -> AnyLayer:
        """The layer, as near to what it was as it can be; its output's map follows."""
        for candidate in self.candidates(layer):
            if _sees(candidate, self._cfg):
                if layer.output and candidate.first_column:
                    name = layer.output.map
                    self._maps[name] = replace(self._maps[name], first_column=candidate.first_column)
                return candidate
        self.missed.append(layer)
        return layer

    def candidates(self, layer: TileLayer) -> Iterator[TileLayer]:
        """The layer at either phase, and with its output ever further to the right where it may be and has lanes."""
        shifts = layer.output is not None and layer.output.map in self._may_shift
        for first in range(MAX_SHIFT + 1 if shifts else 1):
            for phase in (layer.column_phase, 1 - layer.column_phase) if layer.subsample else (0,):
                candidate = self._placed(layer, first, phase)
                if not first or candidate.lane_width <= self._cfg.lanes:
                    yield candidate

    def _placed(self, layer: TileLayer, first: int, phase: int) -> TileLayer:
        """The layer with its output stored from column `first` on, and with a phase."""
        begins = self._maps[layer.inputs[0].map].first_column
        shift = begins + layer.column_phase - phase - layer.stride * first
        places = tuple(replace(place, dx=place.dx + shift) for place in layer.places)
        return replace(layer, places=places, column_phase=phase, first_column=first)


def _sees(layer: TileLayer, cfg: EngineConfig) -> bool:
    """Whether the engine can see the columns that the layer reads."""
    return all(place.dx in cfg.column_moves for place in layer.places)


def _maps_that_may_shift(network: TiledNetwork) -> set[str]:
    """Maps that one layer makes, and others read that look at no other map and never to the left of this one."""
    writers = [layer.writes.map for layer in network.layers if layer.writes]
    made = {layer.output.map for layer in network.layers
            if isinstance(layer, TileLayer) and layer.output and writers.count(layer.output.map) == 1}
    return made - {view.map for layer in network.layers if not _bears_garbage_beside(layer) for view in layer.reads}


def _bears_garbage_beside(layer: AnyLayer) -> bool:
    return (isinstance(layer, TileLayer) and len({view.map for view in layer.inputs}) == 1
            and min(place.dx for place in layer.places) + layer.column_phase >= 0)


def _explain(columns: _Columns, network: TiledNetwork, cfg: EngineConfig) -> list[FirelaneError]:
    """The errors about layers that the engine cannot do, with the engine that could do all of them, if there is one."""
    if not columns.missed:
        return []
    wanted = [min(columns.candidates(layer), key=_farthest) for layer in columns.missed]
    offsets = [place.dx for layer in wanted for place in layer.places]
    sizes = {"columns_left": max([cfg.columns_left, *(-dx for dx in offsets)]),
             "columns_right": max([cfg.columns_right, *offsets])}
    larger: dict[str, Any] = {name: size for name, size in sizes.items() if size > getattr(cfg, name)}
    helps = max(sizes.values()) <= MAX_COLUMNS and not _Columns(network, replace(cfg, **larger)).missed
    engine = larger_engine(cfg, **larger) if larger and helps else []
    kernel = f"a kernel of up to {most_columns(cfg)} columns, padded on all sides, is possible"
    kind = CapacityError if engine else ModelError
    return [kind(f"node '{layer.name}'", f"{_seen(layer)}, the engine sees {cfg.column_moves[0]}.."
                 f"{cfg.column_moves[-1]}", hint=" or ".join([*engine, kernel])) for layer in columns.missed]


def _farthest(layer: TileLayer) -> int:
    return max(abs(place.dx) for place in layer.places)


def _seen(layer: TileLayer) -> str:
    offsets = [place.dx + layer.column_phase for place in layer.places]
    return f"reads columns {min(offsets)}..{max(offsets)} around a pixel"
