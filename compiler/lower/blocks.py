"""Maxima by blocks: what an engine that merges lanes makes of a maximum with a stride of 2.

Of each block of 2 x 2 lanes one is kept. An engine with `cfg.merges_blocks` keeps the maximum of all four, or of two
where a row takes the whole word; so each lane needs a window that is a column and a row smaller. Channels are drained
two banks a cycle: one of a 3x3 maximum takes 4 cycles, or 6, where it took 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

from firelane.compiler.ir.graph import IDENTITY
from firelane.compiler.tiles.kernel_table import Place, kernel_table
from firelane.compiler.tiles.layers import TiledNetwork, TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Operation


def merge_blocks(network: TiledNetwork, cfg: EngineConfig) -> TiledNetwork:
    """`network`, whose maps have row classes, with maxima by blocks wherever the engine can do them."""
    if not cfg.merges_blocks:
        return network
    layers = tuple(_by_blocks(layer, network.maps[layer.inputs[0].map].rows_per_word(cfg), cfg)
                   if isinstance(layer, TileLayer) and _halves_maxima(layer) else layer for layer in network.layers)
    return replace(network, layers=layers)


def _halves_maxima(layer: TileLayer) -> bool:
    return (layer.subsample and layer.operation is Operation.MAXIMUM and layer.weights is None
            and layer.output is not None and layer.requantize is IDENTITY
            and len({place.operand for place in layer.places}) == 1)


def _by_blocks(layer: TileLayer, rows: int, cfg: EngineConfig) -> TileLayer:
    """`layer` by blocks in words of `rows` rows; as it is if its window is too narrow or not a whole rectangle."""
    tall = _merged(layer.row_phase + place.dy for place in layer.places) if rows > 1 else (
        sorted({layer.row_phase + place.dy for place in layer.places}))
    wide = _merged(layer.column_phase + place.dx for place in layer.places)
    places = tuple(replace(layer.places[0], dy=dy, dx=dx) for dy, dx in product(tall, wide))
    table = kernel_table(places, rows)
    if not places or not table or _area(layer.places) != len(layer.places) or not set(wide) <= set(cfg.column_moves):
        return layer
    return replace(layer, places=places, table=table, block_rows=2 if rows > 1 else 1, row_phase=0, column_phase=0)


def _merged(offsets: Iterable[int]) -> list[int]:
    """What both lanes of a pair look at, so that together they see all offsets from the first; nothing for one."""
    return sorted(set(offsets))[:-1]


def _area(places: Iterable[Place]) -> int:
    """Places of the rectangle around those of a kernel."""
    rows, columns = ({getattr(place, axis) for place in places} for axis in ("dy", "dx"))
    return (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1)
