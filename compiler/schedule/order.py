"""Orders of a frame's steps: depth first, with some maps whole, and loads ahead of who reads them.

Demand driven from the result backwards: a step runs when a step that needs it is about to run, so a row lives as short
as it can. A *whole* map is computed to its last row before anything goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from firelane.compiler.schedule.cost_model import load_cycles, tile_cycles
from firelane.compiler.schedule.steps import Block, Step, production_order
from firelane.compiler.tiles.layers import AverageLayer, LoadLayer, OutputLayer, TiledNetwork, TileLayer
from firelane.hw.contract.config import EngineConfig


def order_steps(network: TiledNetwork, steps: Sequence[Step], whole: Iterable[str] = ()) -> list[Step]:
    """The steps in depth-first order: each goal after all that it needs. Maps in `whole` are goals of their own.

    Chunks that are not kept are computed once for each row group (band) of what is made of them, as copies. Of chunks
    that are kept, a row group is begun when the one above it is there in all of them.
    """
    again = {name for name, chunk in network.chunks.items() if not chunk.kept}
    above = _row_groups_above(network, steps)
    order: list[Step] = []
    done: set[tuple[int, int]] = set()

    def begin(number: int, asked: int) -> tuple[int, int, int, Iterator[int]] | None:
        """Step, copy and row group of what is to run, and what must run before it; None if it has run already."""
        step = steps[number]
        copied = step.output is not None and step.output.map in again
        copy = asked if copied else 0
        if (number, copy) in done:
            return None
        done.add((number, copy))
        band = copy if copied or step.output is None else step.output.group
        return number, copy, band, iter((*above.get(number, ()), *step.needs))

    def run(goal: int) -> None:
        """Depth first, without recursion: a network may be thousands of layers deep."""
        stack = [begun] if (begun := begin(goal, 0)) else []
        while stack:
            number, copy, band, needs = stack[-1]
            need = next(needs, None)
            if need is None:
                stack.pop()
                order.append(_with_copies(steps[number], again, copy, band) if again else steps[number])
            elif begun := begin(need, band):
                stack.append(begun)

    for goal in _goals(network, steps, set(whole)):
        run(goal)
    return order


def _row_groups_above(network: TiledNetwork, steps: Sequence[Step]) -> dict[int, tuple[int, ...]]:
    """The steps that write the row group above, of all chunks of the map, for each step that writes a kept chunk.

    Without them the first row group of a pooled map would be made chunk by chunk of all its rows, and what the chunks
    are made of would live as long.
    """
    written: dict[tuple[str, int], list[int]] = {}
    row_groups: dict[int, tuple[str, int]] = {}
    for step in steps:
        if step.output is None:
            continue
        chunk = network.chunks.get(step.output.map)
        if chunk and chunk.kept:
            row_groups[step.number] = found = (chunk.whole.map, step.output.group)
            written.setdefault(found, []).append(step.number)
    return {number: tuple(written.get((name, group - 1), ())) for number, (name, group) in row_groups.items()}


def _with_copies(step: Step, again: Collection[str], copy: int, band: int) -> Step:
    """`step` on its own copies of the maps in `again`."""
    if not copy and not (band and any(block.map in again for block in step.blocks_read)):
        return step
    reads = tuple(Block(block.map, block.group, band) if block.map in again else block for block in step.blocks_read)
    output = Block(step.output.map, step.output.group, copy) if step.output and copy else step.output
    return replace(step, blocks_read=reads, output=output)


def _goals(network: TiledNetwork, steps: Sequence[Step], whole: set[str]) -> list[int]:
    """Step numbers to reach, in order: whole maps and averages, then the result, then the last row of the image.

    Averages are goals so that no two of them are ever under way together.
    """
    last_writer = {step.output.map: step.layer for step in steps if step.output}
    keyed = []
    for step in steps:
        layer = network.layers[step.layer]
        if step.output and step.output.map in whole:
            keyed.append(((last_writer[step.output.map], *production_order(step, network)), step.number))
        if isinstance(layer, AverageLayer | OutputLayer):
            keyed.append(((step.layer, step.index, step.number), step.number))
        if isinstance(layer, LoadLayer):
            keyed.append(((len(network.layers), step.index, step.number), step.number))
    return [number for _, number in sorted(keyed)]


def prefetched(network: TiledNetwork, cfg: EngineConfig, order: Sequence[Step], ahead: int) -> list[Step]:
    """`order` with loads moved forward: each begins when the one before is complete, while tiles run.

    At most `ahead` loads are issued before the step that first needs one of them; with 0 they stay where they are.
    """
    loads = [(step, layer) for step in order if isinstance(layer := network.layers[step.layer], LoadLayer)]
    cycles = {number: tile_cycles(layer, cfg) if isinstance(layer, TileLayer) else 0
              for number, layer in enumerate(network.layers)}
    result: list[Step] = []
    issued = needed = now = load_end = 0

    def issue() -> None:
        nonlocal issued, now, load_end
        now = max(now, load_end)
        step, layer = loads[issued]
        load_end = now + load_cycles(layer, step.rows, cfg)
        result.append(step)
        issued += 1

    for step in order:
        if isinstance(network.layers[step.layer], LoadLayer):
            needed += 1
            if issued < needed:
                issue()
            if issued == needed:            # who comes next reads what is under way
                now = max(now, load_end)
        else:
            if now >= load_end and issued < min(needed + ahead, len(loads)):
                issue()
            result.append(step)
            now += cycles[step.layer]
    return result


def wait_flags(network: TiledNetwork, order: Sequence[Step], cfg: EngineConfig) -> tuple[bool, ...]:
    """A flag for each step: whether it must wait for the load under way, because it reads what is being loaded.

    With two taps a cycle an average that goes to memory waits for any: its pixels and the loader's words would meet at
    the port that writes.
    """
    pending, flags = None, []
    for step in order:
        layer = network.layers[step.layer]
        stores_average = isinstance(layer, AverageLayer) and layer.output is not None
        waits = pending is not None and (pending in step.blocks_read or (stores_average and cfg.taps_per_cycle == 2))
        flags.append(waits)
        if isinstance(layer, LoadLayer):
            pending = step.output
        elif waits:
            pending = None
    return tuple(flags)
