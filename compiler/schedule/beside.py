"""Which loads may start beside the tile before them, because they touch nothing that it reads or writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from firelane.compiler.schedule.lifetimes import Lifetime
from firelane.compiler.schedule.steps import Block, Step
from firelane.compiler.tiles.layers import LoadLayer, TiledNetwork, TileLayer


def beside_flags(network: TiledNetwork, order: Sequence[Step], addresses: Mapping[Block, int]) -> tuple[bool, ...]:
    """A flag for each step: a load whose words are not among those of the tile before it, which may still run.

    Between the two there are other loads at most: whatever else there is has waited for the tile. Without `addresses`
    of its blocks, a load is taken to have a place of its own.
    """
    flags, tile = [], None
    for step in order:
        layer = network.layers[step.layer]
        loads = isinstance(layer, LoadLayer)
        flags.append(loads and not (tile and _share_words(network, tile, step, addresses)))
        if not loads:
            tile = step if isinstance(layer, TileLayer) else None
    return tuple(flags)


def loads_early(network: TiledNetwork, order: Sequence[Step], lives: Sequence[Lifetime]) -> list[Lifetime]:
    """Lifetimes with which no load shares words with the tile before it: what is loaded lives from that tile on."""
    tile: int | None = None
    starts: dict[Block, int] = {}
    for time, step in enumerate(order):
        layer = network.layers[step.layer]
        if not isinstance(layer, LoadLayer):
            tile = time if isinstance(layer, TileLayer) else None
        elif tile is not None and step.output is not None:
            starts[step.output] = tile
    return [replace(life, start=min(life.start, starts.get(life.block, life.start))) for life in lives]


def _share_words(network: TiledNetwork, tile: Step, load: Step, addresses: Mapping[Block, int]) -> bool:
    """Whether a block of one step has a word of a block of the other."""
    loaded = load.output
    assert loaded is not None, "a load without a block"
    for block in (*tile.blocks_read, *filter(None, [tile.output])):
        if block == loaded:
            return True
        if block in addresses and loaded in addresses:
            first, other = addresses[block], addresses[loaded]
            if first < other + _words(network, loaded) and other < first + _words(network, block):
                return True
    return False


def _words(network: TiledNetwork, block: Block) -> int:
    return network.maps[block.map].channels
