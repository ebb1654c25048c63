"""Blocks and their lifetimes, for a given order of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from compiler.layers import LoadLayer, Network, TileLayer
from compiler.steps import Block, Step


@dataclass
class Lifetime:
    """A block from the step that first writes it to the step that last reads it, both included.

    Members
    -------
    above : blocks that may overlap this one although they live at its first step: their last step is this one's first,
        in which output channel o is written after input channel o has been read. block -> slack: this block's address
        is at most the other's plus the slack, or they are disjoint.
    """

    block: Block
    words: int
    start: int
    end: int
    above: dict[Block, int] = field(default_factory=dict)


def lifetimes(network: Network, order: Sequence[Step]) -> list[Lifetime]:
    """Lifetimes of all blocks, by first step. Times are positions in `order`."""
    found: dict[Block, Lifetime] = {}
    for time, step in enumerate(order):
        for block in step.blocks_read:
            found[block].end = time
        if step.output is not None:
            block = step.output
            if block not in found:
                found[block] = Lifetime(block, network.maps[block.map].channels, time, time)
            found[block].end = time
    _keep_unread_loads(network, order, found)
    for time, step in enumerate(order):
        layer = network.layers[step.layer]
        if isinstance(layer, TileLayer) and layer.weights is None and step.output is not None:
            _allow_in_place(layer, step, found, time)
    return list(found.values())


def _keep_unread_loads(network: Network, order: Sequence[Step], found: dict[Block, Lifetime]) -> None:
    """A load runs on after its instruction: what nobody reads lives until the next load, or to the end."""
    until = len(order) - 1
    for time in range(len(order) - 1, -1, -1):
        step = order[time]
        if isinstance(network.layers[step.layer], LoadLayer):
            life = found[step.output]
            if life.end == time:
                life.end = until
            until = time


def _allow_in_place(layer: TileLayer, step: Step, found: dict[Block, Lifetime], time: int) -> None:
    """A WINDOW layer reads channel o only for output channel o: its output may replace inputs that die with it."""
    target = found[step.output]
    if target.start != time:
        return
    for block in step.blocks_read:
        if found[block].end == time and found[block].start < time:
            channels = [view.channel for view in layer.inputs if view.map == block.map]
            target.above[block] = min(channels) - layer.output.channel


def live_words(lives: Sequence[Lifetime], steps: int) -> np.ndarray:
    """int64 (steps,): words that live at each step, each pair that may share words counted once."""
    change = np.zeros(steps + 1, np.int64)
    words = {life.block: life.words for life in lives}
    shared = np.zeros(steps, np.int64)
    for life in lives:
        change[life.start] += life.words
        change[life.end + 1] -= life.words
        if life.above:
            shared[life.start] += min(life.words, max(words[block] for block in life.above))
    return np.cumsum(change)[:steps] - shared
