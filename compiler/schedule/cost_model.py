"""Cycles of a frame, along `hw.contract.timeline`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np

from firelane.compiler.coding.weight_code import EncodedLayer
from firelane.compiler.schedule.steps import Step
from firelane.compiler.tiles.layers import (
    AnyLayer,
    AverageLayer,
    Layer,
    LoadLayer,
    OutputLayer,
    TiledNetwork,
    TileLayer,
)
from firelane.hw.contract import timing
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR_WORDS, Destination, Source, descriptor_total_words
from firelane.hw.contract.issue import ChannelTaps
from firelane.hw.contract.timeline import Timeline


@dataclass(frozen=True)
class ImageLoad:
    """A part of the image: `share` of it is loaded with this part.

    `asked`: the cycle in which it is asked for; `needed`: the one in which nothing goes on without it.
    """

    share: float
    asked: int
    needed: int


@dataclass(frozen=True)
class FrameCost:
    """Cycles of one frame.

    `layers`: layer name -> cycles of all its instructions, each from the end of the one before to its own; `waiting`:
    of the total, cycles that instructions waited for the image; `end`: what the end of the frame takes; `ends`: for
    each instruction in order, the cycle from which on it is through; `loads`: when the parts of the image are asked for
    and needed.
    """

    layers: dict[str, int]
    waiting: int
    end: int
    ends: tuple[int, ...]
    loads: tuple[ImageLoad, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.layers.values()) + self.end


def layer_taps(layer: Layer) -> int:
    """Taps of one tile with nothing added: weights that are not zero, or places of a window times channels.

    0 for what has none.
    """
    if not isinstance(layer, TileLayer):
        return 0
    return layer.channels_out * len(layer.places) if layer.weights is None else int(np.count_nonzero(layer.weights))


def ideal_cycles(layer: Layer, cfg: EngineConfig) -> int:
    """Cycles of one tile if nothing but its taps took any: as many at a time as the engine takes of its kind."""
    pairs = cfg.taps_per_cycle == 2 and isinstance(layer, TileLayer) and not layer.alone
    return -(-layer_taps(layer) // (2 if pairs else 1))


def tile_cycles(layer: TileLayer, cfg: EngineConfig, encoded: EncodedLayer | None = None) -> int:
    """One tile among others, with the weights as they are `encoded`; without that an estimate."""
    return timing.tile_gap_cycles(cfg) + channel_taps(layer, encoded).cycles(cfg)


def channel_taps(layer: TileLayer, encoded: EncodedLayer | None) -> ChannelTaps:
    """Taps of each output channel, with the weights as they are `encoded`; without that at least so many."""
    return ChannelTaps(tuple(encoded.taps.tolist()), layer.alone) if encoded else layer.channel_taps


def load_cycles(layer: LoadLayer, rows: int, cfg: EngineConfig) -> int:
    """Cycles until `rows` rows of the map are loaded."""
    return timing.load_cycles(cfg, **_load_shape(layer, rows))


def _load_shape(layer: LoadLayer, rows: int) -> dict[str, Any]:
    """What `timing.load_cycles` and `timing.load_requests` ask about a load."""
    return {"map_rows": rows, "image_columns": layer.width, "channels": layer.channels,
            "space_to_depth": layer.space_to_depth}


def frame_cost(network: TiledNetwork, steps: Sequence[Step], wait_load: Sequence[bool], cfg: EngineConfig,
               encoded: Mapping[str, EncodedLayer] | None = None, beside: Sequence[bool] | None = None,
               timeline: Timeline | None = None) -> FrameCost:
    """All instructions of a frame in order, along `timeline`, a fresh one if none is given.

    `encoded`: weight streams by layer name, if they are there already; `beside`: which loads start beside the tile
    before them, all of them if it is not known. Without streams it is an estimate, in which no tile goes slower for
    what is loaded beside it: to follow that tap by tap takes three times as long, for half a percent.
    """
    exact, encoded = encoded is not None, encoded or {}
    layers = dict.fromkeys((layer.name for layer in network.layers), 0)
    tiles = {layer.name: _tile_options(layer, encoded.get(layer.name)) for layer in network.layers
             if isinstance(layer, TileLayer)}
    words = {layer.name: _descriptor_words(layer, cfg) for layer in network.layers}
    timeline = timeline or Timeline(cfg)
    previous: AnyLayer | None = None
    for number, (step, waits) in enumerate(zip(steps, wait_load)):
        layer = network.layers[step.layer]
        timeline.fetch(0 if layer is previous else words[layer.name])
        if waits or isinstance(layer, LoadLayer):
            timeline.wait_for_load()
        match layer:
            case TileLayer():
                timeline.tile(**tiles[layer.name])
            case LoadLayer():
                timeline.load(load_cycles(layer, step.rows, cfg), beside=beside is None or beside[number],
                              requests=timing.load_requests(cfg, **_load_shape(layer, step.rows)) if exact else ())
            case AverageLayer():
                timeline.spend(timing.average_cycles(cfg, layer.channels))
            case OutputLayer():
                timeline.spend(timing.output_cycles(channels=layer.input.channels, rows=step.rows,
                                                    columns=network.maps[layer.input.map].width))
            case _:
                assert_never(layer)
        timeline.finish(number)
        previous = layer
    total = timeline.finish_frame()
    for step, done in zip(steps, timeline.done):
        layers[network.layers[step.layer].name] += done.end - done.start
    ends = tuple(done.end for done in timeline.done)
    waiting = sum(done.waited for done in timeline.done)
    return FrameCost(layers, waiting, total - ends[-1], ends,
                     tuple(_image_loads(network, steps, wait_load, ends)))


def _image_loads(network: TiledNetwork, steps: Sequence[Step], wait_load: Sequence[bool],
                 ends: Sequence[int]) -> Iterator[ImageLoad]:
    """The loads of a frame, by when instructions are through that nothing delays."""
    loads = [number for number, step in enumerate(steps) if isinstance(network.layers[step.layer], LoadLayer)]
    waits = sorted({*loads, *(number for number, waiting in enumerate(wait_load) if waiting)})
    rows, total = 0, sum(steps[number].rows for number in loads)
    for number in loads:
        rows += steps[number].rows
        needed = waits[place] if (place := bisect_right(waits, number)) < len(waits) else len(steps)
        yield ImageLoad(rows / total, ends[number - 1] if number else 0, ends[needed - 1])


def _tile_options(layer: TileLayer, encoded: EncodedLayer | None) -> dict[str, Any]:
    """What `Timeline.tile` asks about a layer."""
    return {"channels": channel_taps(layer, encoded), "streamed": layer.source is Source.STREAM,
            "dense": bool(encoded and encoded.dense), "averages": layer.destination is Destination.AVERAGE}


def _descriptor_words(layer: AnyLayer, cfg: EngineConfig) -> int:
    if not isinstance(layer, TileLayer):
        return DESCRIPTOR_WORDS
    return descriptor_total_words(cfg, layer.source, len(layer.places))
