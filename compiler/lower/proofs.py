"""Proofs that every integer fits: accumulators from the actual weights, biases, channel counts."""

from __future__ import annotations

import numpy as np

from firelane.compiler.ir.graph import PIXEL_MAX
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.compiler.tiles.larger_engine import larger_engine
from firelane.compiler.tiles.layers import AnyLayer, TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import CHANNEL_BITS, Operation


def signed_bits(low: int, high: int) -> int:
    """Bits of a signed number from `low` to `high`."""
    return max(low.bit_length() if low >= 0 else (-low - 1).bit_length(), high.bit_length()) + 1


def accumulator_range(layer: TileLayer) -> tuple[int, int]:
    """Least and largest value that any sum of taps may take on the way, over all channels and any pixels."""
    if layer.operation is Operation.MAXIMUM:
        return 0, PIXEL_MAX
    if layer.weights is None:
        weights = np.array([[place.weight for place in layer.places]], np.int64)
    else:
        weights = layer.weights.reshape(len(layer.weights), -1).astype(np.int64)
    negative, positive = np.minimum(weights, 0).sum(axis=1), np.maximum(weights, 0).sum(axis=1)
    return int(negative.min()) * PIXEL_MAX, int(positive.max()) * PIXEL_MAX


def check_numbers(layer: TileLayer, cfg: EngineConfig) -> list[FirelaneError]:
    """Errors to raise, one for each number that does not fit."""
    where, have, least = f"node '{layer.name}'", cfg.accumulator_bits, int(layer.requantize.bias.min())
    problems: list[FirelaneError] = []
    for what, limits in (("sums", accumulator_range(layer)), ("biases", (least, int(layer.requantize.bias.max())))):
        need = signed_bits(*limits)
        if need > have:
            ways = [*larger_engine(cfg, accumulator_bits=need), f"smaller weights, with which {what} are smaller"]
            problems.append(CapacityError(where, f"{what} need {need} bits, the engine's accumulators have {have}",
                                          hint=" or ".join(ways)))
    return problems


def check_channels(layer: AnyLayer) -> list[FirelaneError]:
    """The error to raise if a layer has more channels than an instruction can name."""
    maps = [*layer.reads, *([layer.writes] if layer.writes else [])]
    channels = max([layer.channels_summed, *(view.channels for view in maps)])
    if channels < 1 << CHANNEL_BITS:
        return []
    return [CapacityError(f"node '{layer.name}'", f"{channels} channels",
                          hint=f"at most {(1 << CHANNEL_BITS) - 1} are possible")]
