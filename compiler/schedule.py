"""The order of a frame's steps.

Demand driven from the result backwards: a step runs when a step that needs it is about to run, so a row lives as short
as it can. From end to end that is not always the least memory: a chain of kernels keeps rows of every map on the way.
A *whole* map is computed to its last row before anything goes on, and the maps before it are gone by then. Which maps
to complete is searched, by the words that live at the worst moment; `compiler.placement` then finds addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from compiler.cost_model import frame_cost, load_cycles, tile_cycles
from compiler.errors import CapacityError
from compiler.layers import AverageLayer, LoadLayer, Network, OutputLayer, TileLayer
from compiler.lifetimes import Lifetime, lifetimes, live_words
from compiler.placement import place
from compiler.slicing import can_chunk, chunked
from compiler.steps import Block, Step, all_steps, production_order
from hw.config import EngineConfig

STARTS = 3              #: sets of whole maps from which the search sets out
CHUNK_CHANNELS = (64, 32)       #: channels of a chunk, where maps must be taken apart
LOADS_AHEAD = (8, 4, 2, 1, 0)      #: most loads before the reader of the first of them, best first
ROOM = 0.97             #: of the memory: what the search is content with
PLACEMENTS = 4          #: fastest orders, and orders of least words, for which a placement is tried


@dataclass(frozen=True)
class Schedule:
    """What runs when and where everything stands.

    `network` is the one that was given, or the same with maps in chunks.
    `wait_load[n]`: instruction n waits for the load under way. `whole`: the maps that were completed at once.
    """

    network: Network
    steps: tuple[Step, ...]
    wait_load: tuple[bool, ...]
    addresses: dict[Block, int]
    lives: tuple[Lifetime, ...]
    whole: tuple[str, ...]
    peak_words: int


@dataclass(frozen=True, order=True)
class _Candidate:
    peak: int
    whole: tuple[str, ...]


def schedule(network: Network, cfg: EngineConfig) -> Schedule:
    """The order from end to end if it fits, else the fastest of the orders found that do.

    If none does, maps that live at the worst moment are taken apart into chunks of channels (`compiler.slicing`).

    Raises
    ------
    CapacityError
        If no order that was tried fits the activation memory.
    """
    found, least = _schedule_as_it_is(network, cfg)
    problem = None if found else _too_large(network, cfg, least)
    for size in CHUNK_CHANNELS:
        parts, worst = network, least
        while found is None and (name := _chunkable(parts, cfg, worst, size)) is not None:
            parts = chunked(parts, name, size)
            found, worst = _schedule_as_it_is(parts, cfg)
            if found is None and worst.peak < least.peak:
                least, problem = worst, _too_large(parts, cfg, worst)
    if found is None:
        raise problem
    return found


def _schedule_as_it_is(network: Network, cfg: EngineConfig) -> tuple[Schedule | None, _Candidate]:
    """The best schedule, if any fits, and the order that needs the fewest words."""
    steps = all_steps(network, cfg)
    whole_of_none = _Candidate(_peak(network, order_steps(network, steps)), ())
    found = _finish(network, cfg, steps, ())
    if found:
        return found, whole_of_none
    candidates = sorted([whole_of_none, *_search(network, steps, cfg)])
    fitting = [candidate for candidate in candidates if candidate.peak <= cfg.activation_words]
    return _fastest(network, cfg, steps, fitting), candidates[0]


def _chunkable(network: Network, cfg: EngineConfig, worst: _Candidate, size: int) -> str | None:
    """The map that takes most words at the worst moment of an order, of those that chunks would make smaller."""
    totals = _live_maps(network, order_steps(network, all_steps(network, cfg), worst.whole))[1]
    return next((name for name, _ in totals if network.maps[name].channels > size and can_chunk(network, name)), None)


def _fastest(network: Network, cfg: EngineConfig, steps: Sequence[Step],
             candidates: Sequence[_Candidate]) -> Schedule | None:
    """The best schedule of the fastest candidates and of those that need the fewest words.

    Orders differ in how long they wait for the image, and how long depends on how many loads fit ahead.
    """
    bounds = {candidate: _cycles(network, cfg, prefetched(network, cfg, order_steps(network, steps, candidate.whole),
                                                          LOADS_AHEAD[0])) for candidate in candidates}
    by_speed = sorted(candidates, key=lambda candidate: (bounds[candidate], candidate))
    best, best_cycles = None, 0
    for candidate in sorted({*by_speed[:PLACEMENTS], *candidates[:PLACEMENTS]}, key=by_speed.index):
        if best and bounds[candidate] >= best_cycles:
            break
        found = _finish(network, cfg, steps, candidate.whole)
        if found and (best is None or _cycles(network, cfg, found.steps) < best_cycles):
            best, best_cycles = found, _cycles(network, cfg, found.steps)
    return best


def _cycles(network: Network, cfg: EngineConfig, order: Sequence[Step]) -> int:
    return frame_cost(network, order, wait_flags(network, order), cfg).total


def order_steps(network: Network, steps: Sequence[Step], whole: Iterable[str] = ()) -> list[Step]:
    """Steps depth first: each goal in turn, whatever it needs before it. Maps in `whole` are goals of their own."""
    order: list[Step] = []
    done: set[tuple[int, int]] = set()

    def run(number: int, copy: int) -> None:
        step = steps[number]
        copy = copy if step.output and step.output.map in network.chunks else 0
        if (number, copy) not in done:
            done.add((number, copy))
            band = step.output.group if step.output else 0
            for need in step.needs:
                run(need, band)
            order.append(_with_copies(step, network, copy, band) if network.chunks else step)

    for goal in _goals(network, steps, set(whole)):
        run(goal, 0)
    return order


def _with_copies(step: Step, network: Network, copy: int, band: int) -> Step:
    """`step` on its own copies of chunks: one for each row group (`band`) of what is made of them."""
    if not copy and not (band and any(block.map in network.chunks for block in step.blocks_read)):
        return step
    reads = tuple(Block(block.map, block.group, band) if block.map in network.chunks else block
                  for block in step.blocks_read)
    output = Block(step.output.map, step.output.group, copy) if step.output and copy else step.output
    return replace(step, blocks_read=reads, output=output)


def _goals(network: Network, steps: Sequence[Step], whole: set[str]) -> list[int]:
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


def _peak(network: Network, order: Sequence[Step]) -> int:
    return int(live_words(lifetimes(network, order), len(order)).max())


def _search(network: Network, steps: Sequence[Step], cfg: EngineConfig) -> list[_Candidate]:
    """Sets of whole maps: all maps up to some size, then changes of one map at a time to the best of them.

    Ends as soon as a set fits with some room for placement, or when no change helps.
    """
    sizes = {name: network.maps[name].channels * network.maps[name].groups(cfg)
             for name in {step.output.map for step in steps if step.output}}
    names = sorted(sizes, key=lambda name: (sizes[name], name))
    seen: dict[tuple[str, ...], _Candidate] = {}

    def look(whole: Iterable[str]) -> None:
        chosen = tuple(sorted(whole))
        if chosen not in seen:
            seen[chosen] = _Candidate(_peak(network, order_steps(network, steps, chosen)), chosen)

    for count in range(len(names) + 1):
        look(names[:count])
    for start in sorted(seen.values())[:STARTS]:
        best = start
        while best.peak > ROOM * cfg.activation_words:
            for name in names:
                look(set(best.whole) ^ {name})
            better = min(seen.values())
            if better.peak >= best.peak:
                break
            best = better
    return list(seen.values())


def _finish(network: Network, cfg: EngineConfig, steps: Sequence[Step], whole: tuple[str, ...]) -> Schedule | None:
    """Place the order with loads as far ahead as fits."""
    order = order_steps(network, steps, whole)
    for ahead in LOADS_AHEAD:
        prepared = prefetched(network, cfg, order, ahead)
        lives = lifetimes(network, prepared)
        peak = int(live_words(lives, len(prepared)).max())
        addresses = place(lives, cfg.activation_words) if peak <= cfg.activation_words else None
        if addresses is not None:
            return Schedule(network, tuple(prepared), wait_flags(network, prepared), addresses, tuple(lives), whole,
                            peak)
    return None


def prefetched(network: Network, cfg: EngineConfig, order: Sequence[Step], ahead: int) -> list[Step]:
    """`order` with loads moved forward: each begins when the one before is complete, while tiles run.

    At most `ahead` loads are issued before the step that first needs one of them; with 0 they stay where they are.
    """
    loads = [step for step in order if isinstance(network.layers[step.layer], LoadLayer)]
    cycles = {number: tile_cycles(layer, cfg) if isinstance(layer, TileLayer) else 0
              for number, layer in enumerate(network.layers)}
    result: list[Step] = []
    issued = needed = now = load_end = 0

    def issue() -> None:
        nonlocal issued, now, load_end
        now = max(now, load_end)
        load_end = now + load_cycles(network.layers[loads[issued].layer], loads[issued].rows)
        result.append(loads[issued])
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


def wait_flags(network: Network, order: Sequence[Step]) -> tuple[bool, ...]:
    """Which steps must wait for the load under way: those that read its block while it may not be complete."""
    pending, flags = None, []
    for step in order:
        waits = pending is not None and pending in step.blocks_read
        flags.append(waits)
        if isinstance(network.layers[step.layer], LoadLayer):
            pending = step.output
        elif waits:
            pending = None
    return tuple(flags)


def _too_large(network: Network, cfg: EngineConfig, best: _Candidate) -> CapacityError:
    """What lives at the worst moment of the best order."""
    order = order_steps(network, all_steps(network, cfg), best.whole)
    time, totals = _live_maps(network, order)
    listed = ", ".join(f"{name} {count}" for name, count in totals[:6])
    layer = network.layers[order[time].layer]
    found = (f"needs {best.peak} words of activation memory at tile {order[time].index}, there are "
             f"{cfg.activation_words} (live: {listed})")
    if best.peak <= cfg.activation_words:
        found = (f"{best.peak} words live at tile {order[time].index} and there are {cfg.activation_words}, but no "
                 f"placement was found (live: {listed})")
    return CapacityError(f"layer '{layer.name}'", found, hint=_remedy(cfg, best.peak))


def _live_maps(network: Network, order: Sequence[Step]) -> tuple[int, list[tuple[str, int]]]:
    """The worst moment of an order, and the words of each map that live then, most first."""
    lives = lifetimes(network, order)
    time = int(live_words(lives, len(order)).argmax())
    totals: dict[str, int] = {}
    for life in lives:
        if life.start <= time <= life.end:
            totals[life.block.map] = totals.get(life.block.map, 0) + life.words
    return time, sorted(totals.items(), key=lambda item: (-item[1], item[0]))


def _remedy(cfg: EngineConfig, words: int) -> str:
    deeper = -(-max(words, cfg.activation_words + 1) // 64) * 64
    options = [f"activation_words={deeper}"] if deeper <= 4096 else []
    options += [f"banks={2 * cfg.banks}"] if cfg.banks < 16 else []
    return " or ".join([*options, "a smaller input"]) + " would help"
