"""Blocks and their lifetimes, for a given order of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from firelane.compiler.schedule.steps import Block, Step
from firelane.compiler.tiles.layers import LoadLayer, TiledNetwork, TileLayer, View


@dataclass
class Lifetime:
    """A block from the step that first writes it to the step that last reads it, both included.

    Members
    -------
    above : blocks that may overlap this one although they still live when it is first written: block -> slack. This
        block's address is at most the other's plus the slack, or they are disjoint.
    uses : the steps that write or read it, in order
    """

    block: Block
    words: int
    start: int
    end: int
    above: dict[Block, int] = field(default_factory=dict)
    uses: list[int] = field(default_factory=list)


def lifetimes(network: TiledNetwork, order: Sequence[Step]) -> list[Lifetime]:
    """Lifetimes of all blocks, by first step. Times are positions in `order`."""
    found: dict[Block, Lifetime] = {}
    for time, step in enumerate(order):
        for block in step.blocks_read:
            found[block].uses.append(time)
        written = step.output
        if written is not None:
            if written not in found:
                found[written] = Lifetime(written, network.maps[written.map].channels, time, time)
            found[written].uses.append(time)
    for life in found.values():
        life.end = life.uses[-1]
    _keep_unread_loads(network, order, found)
    for time, step in enumerate(order):
        if step.output is not None and _is_channel_wise(network, step):
            target = found[step.output]
            for block in step.blocks_read:
                if found[block].end == time and found[block].start < target.start:
                    _allow_in_place(network, order, target, found[block])
    return list(found.values())


def _keep_unread_loads(network: TiledNetwork, order: Sequence[Step], found: dict[Block, Lifetime]) -> None:
    """A load runs on after its instruction: what nobody reads lives until the next load, or to the end."""
    until = len(order) - 1
    for time in range(len(order) - 1, -1, -1):
        step = order[time]
        if step.output is not None and isinstance(network.layers[step.layer], LoadLayer):
            life = found[step.output]
            if life.end == time:
                life.end = until
            until = time


def _is_channel_wise(network: TiledNetwork, step: Step) -> bool:
    """Whether it is a tile of a WINDOW layer, which reads channel o for output channel o, before it writes it."""
    layer = network.layers[step.layer]
    return isinstance(layer, TileLayer) and layer.weights is None


def _allow_in_place(network: TiledNetwork, order: Sequence[Step], target: Lifetime, source: Lifetime) -> None:
    """Note in `target` that it may take the words of `source` while that dies, within the limits in which this is safe.

    Whatever a step writes of `target`, nobody may read of `source` afterwards; in the step itself only a channel-wise
    layer may read it. So the words of sums may replace an operand chunk by chunk.
    """
    if all(order[time].output == source.block for time in source.uses if time <= target.start):
        return                                          # nobody has read it yet: it may still be being loaded
    slack = target.words
    for written, output in _written(network, order, target, source.end):
        for time in source.uses:
            if time < written:
                continue
            if order[time].output == source.block:
                return
            if time == written and not _is_channel_wise(network, order[time]):
                return
            for view in network.layers[order[time].layer].reads:
                if view.map == source.block.map:
                    room = view.channel - output.channel
                    slack = min(slack, room if time == written else room - output.channels)
    if slack > -target.words:
        target.above[source.block] = slack


def _written(network: TiledNetwork, order: Sequence[Step], life: Lifetime, until: int) -> Iterator[tuple[int, View]]:
    """Steps up to `until` that write `life`, and the channels that they write."""
    for time in life.uses:
        view = network.layers[order[time].layer].writes
        if time <= until and view is not None and order[time].output == life.block:
            yield time, view


def live_words(lives: Sequence[Lifetime], steps: int) -> np.ndarray:
    """int64 (steps,): words that live at each step; of words that may be shared, as many as one sharing saves."""
    change = np.zeros(steps + 1, np.int64)
    by_block = {life.block: life for life in lives}
    for life in lives:
        change[life.start] += life.words
        change[life.end + 1] -= life.words
        if life.above:
            saved, until = max((min(by_block[block].words, life.words + min(slack, 0)), by_block[block].end)
                               for block, slack in life.above.items())
            change[life.start] -= saved
            change[until + 1] += saved
    return np.cumsum(change)[:steps]
