"""Cycles of a frame, from the promises of `hw.contract.timing`.

    TILE     fetch + start + sum over output channels of max(taps, drain_cycles) + tail
    LOAD     a pixel a cycle beside what follows, if the image keeps up; the next load, and who waits, see its end

Image bytes are assumed to be always there, and results to be always taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

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


@dataclass(frozen=True)
class FrameCost:
    """Cycles of one frame.

    `layers`: layer name -> cycles of all its instructions, fetches and waits included; `waiting`: of the total, cycles
    that instructions waited for the image; `end`: the end of the frame; `ends`: for each instruction in order, the
    cycle in which it is through and the next one begins.
    """

    layers: dict[str, int]
    waiting: int
    end: int
    ends: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.layers.values()) + self.end


def taps_of_channels(layer: TileLayer) -> np.ndarray:
    """int64 (O,): taps of each output channel; one of weight 0 where there is none."""
    if layer.weights is None:
        return np.full(layer.channels_out, len(layer.places), np.int64)
    return np.maximum(np.count_nonzero(layer.weights.reshape(layer.channels_out, -1), axis=1), 1)


def layer_taps(layer: Layer) -> int:
    """Taps of one tile with nothing added: weights that are not zero, or places of a window times channels.

    0 for what has none.
    """
    if not isinstance(layer, TileLayer):
        return 0
    return layer.channels_out * len(layer.places) if layer.weights is None else int(np.count_nonzero(layer.weights))


def tile_cycles(layer: TileLayer, cfg: EngineConfig, encoded: EncodedLayer | None = None) -> int:
    """One tile without its fetch, with the weights as they are `encoded`; without that an estimate."""
    streamed, averages = layer.weights is not None, layer.destination is Destination.AVERAGE
    taps = encoded.taps if encoded else taps_of_channels(layer)
    return (timing.tap_path_cycles(cfg, taps.tolist(), streamed=streamed, dense=bool(encoded and encoded.dense))
            + timing.tile_tail_cycles(cfg, averages))


def load_cycles(layer: LoadLayer, rows: int) -> int:
    """Cycles until `rows` rows of the map are loaded."""
    return timing.load_cycles(map_rows=rows, image_columns=layer.width, channels=layer.channels,
                              space_to_depth=layer.space_to_depth)


def frame_cost(network: TiledNetwork, steps: Sequence[Step], wait_load: Sequence[bool], cfg: EngineConfig,
               encoded: Mapping[str, EncodedLayer] | None = None) -> FrameCost:
    """All instructions of a frame in order. `encoded`: weight streams by layer name, if they are there already."""
    encoded = encoded or {}
    layers = dict.fromkeys((layer.name for layer in network.layers), 0)
    body = {layer.name: tile_cycles(layer, cfg, encoded.get(layer.name)) for layer in network.layers
            if isinstance(layer, TileLayer)}
    fetch = {layer.name: timing.fetch_cycles(cfg, _descriptor_words(layer)) for layer in network.layers}
    fetch_again = timing.fetch_cycles(cfg)
    now = load_end = waiting = 0
    ends = []
    previous: AnyLayer | None = None
    for step, waits in zip(steps, wait_load):
        layer, begin = network.layers[step.layer], now
        now += (fetch_again if layer is previous else fetch[layer.name]) + timing.START_LAG
        if waits or isinstance(layer, LoadLayer):
            waiting += max(load_end + 1 - now, 0)
            now = max(now, load_end + 1)
        if isinstance(layer, LoadLayer):
            load_end = now + load_cycles(layer, step.rows) + 1
        now += _body_cycles(layer, step, network, cfg, body) + timing.NEXT_LAG
        layers[layer.name] += now - begin
        ends.append(now)
        previous = layer
    end = fetch_again + max(load_end - now - fetch_again - timing.START_LAG + 1, 0)
    return FrameCost(layers, waiting, end + timing.END_LAG + 1, tuple(ends))


def _body_cycles(layer: AnyLayer, step: Step, network: TiledNetwork, cfg: EngineConfig, tiles: dict[str, int]) -> int:
    match layer:
        case TileLayer():
            return tiles[layer.name]
        case LoadLayer():
            return 1
        case AverageLayer():
            return timing.average_cycles(cfg, layer.channels)
        case OutputLayer():
            return timing.output_cycles(channels=layer.input.channels, rows=step.rows,
                                        columns=network.maps[layer.input.map].width)
        case _:
            assert_never(layer)


def _descriptor_words(layer: AnyLayer) -> int:
    if not isinstance(layer, TileLayer):
        return DESCRIPTOR_WORDS
    return descriptor_total_words(Source.WINDOW if layer.weights is None else Source.STREAM, len(layer.places))
