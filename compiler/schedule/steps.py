"""Steps: one for each instruction of a frame, and which others each one needs first.

This is geometry alone; `compiler.schedule.search` chooses the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, assert_never

from firelane.compiler.tiles.layers import (
    AnyLayer,
    AverageLayer,
    LoadLayer,
    Map,
    OutputLayer,
    TiledNetwork,
    TileLayer,
    View,
)
from firelane.hw.contract.config import EngineConfig


class Block(NamedTuple):
    """One row group of a map: `channels` consecutive words of activation memory."""

    map: str
    group: int
    copy: int = 0       #: of a block that is computed more than once


@dataclass(frozen=True)
class Read:
    """Rows [first, last] of a tensor."""

    view: View
    first: int
    last: int


@dataclass(frozen=True)
class Step:
    """One instruction of a frame, but for its addresses.

    A TILE makes output rows [first_row, first_row + rows); its slots count from row group `base` of its inputs.
    """

    number: int                 #: place in the list of all steps
    layer: int                  #: place in `TiledNetwork.layers`
    index: int                  #: which tile, load, ... of the layer
    reads: tuple[Read, ...]
    blocks_read: tuple[Block, ...]
    output: Block | None
    first_row: int
    rows: int
    base: int = 0
    needs: tuple[int, ...] = ()     #: numbers of the steps that must run before


def rows_of_tile(layer: TileLayer, network: TiledNetwork, cfg: EngineConfig) -> int:
    """Output rows that one tile makes."""
    rows = network.maps[layer.inputs[0].map].rows_per_word(cfg)
    return max(rows // layer.stride, 1)


def all_steps(network: TiledNetwork, cfg: EngineConfig) -> list[Step]:
    """Every step of a frame, layer by layer, rows in order."""
    steps: list[Step] = []
    writers: dict[Block, list[Step]] = {}
    by_layer: dict[str, list[int]] = {}
    for number, layer in enumerate(network.layers):
        by_layer[layer.name] = []
        for fields in _layer_steps(layer, network, cfg):
            needs = (*_writers_needed(fields["reads"], writers, network, cfg), *_steps_before(layer, by_layer))
            step = Step(number=len(steps), layer=number, needs=needs, **fields)
            steps.append(step)
            by_layer[layer.name].append(step.number)
            if step.output:
                writers.setdefault(step.output, []).append(step)
    return steps


def _steps_before(layer: AnyLayer, by_layer: dict[str, list[int]]) -> tuple[int, ...]:
    """The steps that a step of `layer` needs although it reads nothing of theirs from memory."""
    match layer:
        case AverageLayer():
            return tuple(tile for source in layer.sources for tile in by_layer[source])
        case LoadLayer() | OutputLayer():
            return tuple(by_layer[layer.name][-1:])         # rows arrive, and leave, in order
        case TileLayer():
            return ()
        case _:
            assert_never(layer)


def _writers_needed(reads: tuple[Read, ...], writers: dict[Block, list[Step]], network: TiledNetwork,
                    cfg: EngineConfig) -> tuple[int, ...]:
    """The steps that write what is read, in the order in which to run them."""
    found = set()
    for read in reads:
        rows = network.maps[read.view.map].rows_per_word(cfg)
        groups = range(read.first // rows, read.last // rows + 1)
        for step in (step for group in groups for step in writers.get(Block(read.view.map, group), ())):
            written = network.layers[step.layer].writes
            overlaps = step.first_row <= read.last and read.first < step.first_row + step.rows
            if overlaps and written is not None and read.view.overlaps(written):
                found.add((production_order(step, network), step.number))
    return tuple(number for _, number in sorted(found))


def production_order(step: Step, network: TiledNetwork) -> tuple[int, ...]:
    """Row groups from the top; in each, chunks and rows in the order that the layer wants."""
    group = step.output.group if step.output else step.index
    return (group, *network.layers[step.layer].rank(step.first_row), step.number)


def _layer_steps(layer: AnyLayer, network: TiledNetwork, cfg: EngineConfig) -> Iterator[dict[str, Any]]:
    """The members of each step of a layer, but for its number and what it needs."""
    match layer:
        case TileLayer():
            return _tile_steps(layer, network, cfg)
        case AverageLayer():
            block = Block(layer.output.map, 0) if layer.output else None
            return iter([{"index": 0, "reads": (), "blocks_read": (), "output": block, "first_row": 0, "rows": 1}])
        case LoadLayer():
            return _whole_groups(layer.output, network, cfg, loads=True)
        case OutputLayer():
            return _whole_groups(layer.input, network, cfg, loads=False)
        case _:
            assert_never(layer)


def _whole_groups(view: View, network: TiledNetwork, cfg: EngineConfig, loads: bool) -> Iterator[dict[str, Any]]:
    target = network.maps[view.map]
    rows = target.rows_per_word(cfg)
    for group in range(target.groups(cfg)):
        first, block = group * rows, Block(target.name, group)
        count = min(rows, target.height - first)
        yield {"index": group, "first_row": first, "rows": count, "output": block if loads else None,
               "reads": () if loads else (Read(view, first, first + count - 1),),
               "blocks_read": () if loads else (block,)}


def _tile_steps(layer: TileLayer, network: TiledNetwork, cfg: EngineConfig) -> Iterator[dict[str, Any]]:
    sources = [network.maps[view.map] for view in layer.inputs]
    word_rows, rows = sources[0].rows_per_word(cfg), rows_of_tile(layer, network, cfg)
    target_rows = network.maps[layer.output.map].rows_per_word(cfg) if layer.output else 1
    for index, first in enumerate(range(0, layer.out_height, rows)):
        count = min(rows, layer.out_height - first)
        lane = layer.stride * first
        base = lane // word_rows if word_rows > 1 else lane + layer.row_phase
        reads = tuple(read for operand, view in enumerate(layer.inputs)
                      for read in _rows_read(layer, operand, view, sources[operand], first, count))
        blocks = {Block(read.view.map, row // word_rows) for read in reads for row in range(read.first, read.last + 1)}
        output = Block(layer.output.map, first // target_rows) if layer.output else None
        yield {"index": index, "reads": reads, "blocks_read": tuple(sorted(blocks)), "output": output,
               "first_row": first, "rows": count, "base": base}


def _rows_read(layer: TileLayer, operand: int, view: View, source: Map, first: int, count: int) -> list[Read]:
    """The rows of one input that the output rows [first, first + count) depend on."""
    offsets = [place.dy for place in layer.places if place.operand == operand]
    top = layer.stride * first + layer.row_phase + min(offsets)
    bottom = layer.stride * (first + count - 1) + layer.row_phase + max(offsets) + max(layer.block_rows - 1, 0)
    top, bottom = max(top, 0), min(bottom, source.height - 1)
    return [Read(view, top, bottom)] if top <= bottom else []
