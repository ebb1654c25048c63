"""Proofs that every integer fits: accumulators from the actual weights, biases, channel counts."""

from __future__ import annotations

import numpy as np

from firelane.compiler.ir.graph import PIXEL_MAX
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.compiler.tiles.layers import TileLayer
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
    problems: list[FirelaneError] = []
    where, have = f"node '{layer.name}'", cfg.accumulator_bits
    need = signed_bits(*accumulator_range(layer))
    if need > have:
        problems.append(CapacityError(where, f"sums need {need} bits, accumulator_bits is {have}",
                                      hint=f"an engine with accumulator_bits={need}"))
    need = signed_bits(int(layer.requantize.bias.min()), int(layer.requantize.bias.max()))
    if need > have:
        problems.append(CapacityError(where, f"biases need {need} bits, accumulator_bits is {have}",
                                      hint=f"an engine with accumulator_bits={need}"))
    channels = max(layer.channels_out, *(view.channels for view in layer.inputs))
    if channels >= 1 << CHANNEL_BITS:
        problems.append(CapacityError(where, f"{channels} channels", hint=f"at most {(1 << CHANNEL_BITS) - 1}"))
    return problems
