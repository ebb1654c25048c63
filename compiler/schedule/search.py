"""The schedule of a frame: in what order steps run, and where blocks are stored.

Tried first is the order from end to end. If it does not fit, sets of whole maps are searched
(`compiler.schedule.order_search`); where that is not enough, maps that live at the worst moment are taken apart into
chunks (`compiler.schedule.chunking`), the cheapest way first, until something fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

from firelane.compiler.schedule.addresses import find_addresses
from firelane.compiler.schedule.beside import beside_flags, loads_early
from firelane.compiler.schedule.chunking import Chunking, choices, chunked, sites
from firelane.compiler.schedule.cost_model import frame_cost
from firelane.compiler.schedule.lifetimes import Lifetime, lifetimes, live_words
from firelane.compiler.schedule.order import order_steps, prefetched, wait_flags
from firelane.compiler.schedule.order_search import Candidate, evaluate, search_whole_maps
from firelane.compiler.schedule.steps import Block, Step, all_steps
from firelane.compiler.support.errors import CapacityError
from firelane.compiler.tiles.layers import TiledNetwork
from firelane.hw.contract.config import EngineConfig

LOADS_AHEAD = (8, 4, 2, 1, 0)      #: most loads before the reader of the first of them, best first
ADDRESSED = 4           #: fastest orders, and orders of fewest words, for which addresses are looked for
EARLY_ATTEMPTS = 8      #: at addresses with which all loads start beside tiles: what they save is not worth many
FASTEST, SMALLEST = 12, 36      #: ways to take maps apart that are tried: the fastest first, then those of fewest words


class ActivationCapacityError(CapacityError):
    """No schedule was found; the best order needs `words`."""

    def __init__(self, where: str, found: str, words: int):
        super().__init__(where, found)
        self.words = words


@dataclass(frozen=True)
class Schedule:
    """What runs when, and where everything is stored.

    `network` is the one that was given, or the same with maps in chunks.
    `wait_load[n]`: instruction n waits for the load under way. `whole`: the maps that were completed at once.
    `cycles`: of a frame, estimated before the weights are encoded.
    """

    network: TiledNetwork
    steps: tuple[Step, ...]
    wait_load: tuple[bool, ...]
    addresses: dict[Block, int]
    lives: tuple[Lifetime, ...]
    whole: tuple[str, ...]
    peak_words: int
    cycles: int

    @cached_property
    def beside(self) -> tuple[bool, ...]:
        """Whether instruction n is a load that starts beside the tile before it."""
        return beside_flags(self.network, self.steps, self.addresses)


@dataclass(frozen=True, eq=False)
class _Variant:
    """The network with some maps in chunks.

    `cycles`: at least; `parent_peak`: words at the worst moment before the last refinement; `new_layer`: whether that
    took another layer apart, or else only made chunks smaller.
    """

    network: TiledNetwork
    chosen: dict[str, Chunking]
    steps: list[Step]
    cycles: int
    parent_peak: int
    new_layer: bool


def schedule(network: TiledNetwork, cfg: EngineConfig, *, chunks: bool = True,
             attempts: int | None = None) -> Schedule:
    """The fastest schedule found that fits.

    Parameters
    ----------
    chunks : bool
        Whether maps may be taken apart, if nothing else fits; that is what takes its time.
    attempts : int, optional
        So many ways at most, those of fewest words, and the first that fits is taken: for whoever has many networks to
        look at. As many as are worth it, if not given.

    Raises
    ------
    ActivationCapacityError
        If no order that was tried fits the activation memory.
    """
    search = _Search(network, cfg)
    found = search.best_of(FASTEST if chunks and attempts is None else 1, attrgetter("cycles"))
    if found is None and chunks:
        found = search.best_of(SMALLEST if attempts is None else attempts, attrgetter("parent_peak", "cycles"),
                               first=attempts is not None)
    if found is None:
        raise search.too_large()
    return found


def boundless(network: TiledNetwork, cfg: EngineConfig) -> Schedule:
    """The schedule from end to end, as if the activation memory had room for everything: no block has an address."""
    variant = _variant(network, {}, cfg)
    order, waits, cycles = _prefetched(variant, cfg, (), LOADS_AHEAD[0])
    lives = lifetimes(network, order)
    peak = int(live_words(lives, len(order)).max())
    return Schedule(network, tuple(order), waits, {}, tuple(lives), (), peak, cycles)


class _Search:
    """Ways to take the maps of a network apart: each one that does not fit makes others to be tried."""

    def __init__(self, network: TiledNetwork, cfg: EngineConfig):
        self._network, self._cfg = network, cfg
        self._waiting = [_variant(network, {}, cfg)]
        self._known: list[dict[str, Chunking]] = [{}]
        self._nearest: tuple[Candidate, _Variant] | None = None     # to fitting, of those that do not fit

    def best_of(self, attempts: int, preference: Callable[[_Variant], Any], first: bool = False) -> Schedule | None:
        """The fastest schedule that fits of the next `attempts` variants, in the order of `preference`.

        The search ends early when the variant to be tried next cannot be faster than what was found; with `first` as
        soon as anything was found.
        """
        best: Schedule | None = None
        for _ in range(attempts):
            variant = min(self._waiting, key=preference, default=None)
            if variant is None or (best is not None and (first or variant.cycles >= best.cycles)):
                break
            self._waiting.remove(variant)
            found, fewest_words = _schedule_variant(variant, self._cfg)
            if found is None:
                self._refine(variant, fewest_words)
            elif best is None or found.cycles < best.cycles:
                best = found
        return best

    def _refine(self, variant: _Variant, candidate: Candidate) -> None:
        """Note that `variant` does not fit, `candidate` being its order of fewest words, and what to try instead."""
        if self._nearest is None or candidate < self._nearest[0]:
            self._nearest = candidate, variant
        for chosen, new_layer in _refinements(self._network, variant, candidate, self._cfg):
            if chosen not in self._known:
                self._known.append(chosen)
                self._waiting.append(_variant(self._network, chosen, self._cfg, candidate.peak, new_layer))

    def too_large(self) -> ActivationCapacityError:
        """The error that says how many words are missing, of what came nearest to fitting."""
        assert self._nearest is not None, "nothing was tried"
        return _too_large(*self._nearest, self._cfg)


def _variant(network: TiledNetwork, chosen: dict[str, Chunking], cfg: EngineConfig, parent_peak: int = 0,
             new_layer: bool = True) -> _Variant:
    parts = chunked(network, chosen)
    steps = all_steps(parts, cfg)
    order = order_steps(parts, steps)
    cost = frame_cost(parts, order, wait_flags(parts, order, cfg), cfg)
    return _Variant(parts, chosen, steps, cost.total - cost.waiting, parent_peak, new_layer)


def _refinements(network: TiledNetwork, variant: _Variant, worst: Candidate,
                 cfg: EngineConfig) -> Iterator[tuple[dict[str, Chunking], bool]]:
    """Ways to take one more layer apart, or one in smaller chunks, that would leave room at the worst moment.

    Where smaller chunks have not helped, nothing is refined that could not be refined without them.
    """
    if not variant.new_layer and worst.peak >= variant.parent_peak:
        return
    live = {name for name, _ in _worst_moment(variant, worst)[1]}
    for name in [name for name, maps in sites(network).items() if maps & live]:
        options, before = choices(network, name, cfg), variant.chosen.get(name)
        for choice in options:
            larger = [other for other in options if other.kept == choice.kept and other.size > choice.size]
            if before == (min(larger) if larger else None):
                yield {**variant.chosen, name: choice}, before is None


def _schedule_variant(variant: _Variant, cfg: EngineConfig) -> tuple[Schedule | None, Candidate]:
    """The best schedule, if any fits, and the order that needs the fewest words."""
    from_end_to_end = evaluate(variant.network, variant.steps, ())
    found = _finish(variant, cfg, ())
    if found:
        return found, from_end_to_end
    candidates = search_whole_maps(variant.network, variant.steps, cfg)
    return _fastest(variant, cfg, [one for one in candidates if one.peak <= cfg.activation_words]), candidates[0]


def _fastest(variant: _Variant, cfg: EngineConfig, candidates: Sequence[Candidate]) -> Schedule | None:
    """The best schedule of the fastest candidates and of those that need the fewest words.

    Orders differ in how long they wait for the image, and how long depends on how many loads fit ahead.
    """
    bounds = {candidate: _prefetched(variant, cfg, candidate.whole, LOADS_AHEAD[0])[2] for candidate in candidates}
    by_speed = sorted(candidates, key=lambda candidate: (bounds[candidate], candidate))
    best = None
    for candidate in sorted({*by_speed[:ADDRESSED], *candidates[:ADDRESSED]}, key=by_speed.index):
        if best and bounds[candidate] >= best.cycles:
            break
        found = _finish(variant, cfg, candidate.whole)
        if found and (best is None or found.cycles < best.cycles):
            best = found
    return best


def _finish(variant: _Variant, cfg: EngineConfig, whole: tuple[str, ...]) -> Schedule | None:
    """The schedule of one order, with loads as many steps ahead as fits."""
    for ahead in LOADS_AHEAD:
        order, waits, cycles = _prefetched(variant, cfg, whole, ahead)
        lives = lifetimes(variant.network, order)
        peak = int(live_words(lives, len(order)).max())
        addresses = _addresses(variant.network, order, lives, cfg) if peak <= cfg.activation_words else None
        if addresses is not None:
            return Schedule(variant.network, tuple(order), waits, addresses, tuple(lives), whole, peak, cycles)
    return None


def _addresses(network: TiledNetwork, order: Sequence[Step], lives: Sequence[Lifetime],
               cfg: EngineConfig) -> dict[Block, int] | None:
    """Addresses of all blocks, where that is possible with all loads beside the tiles before them."""
    early = loads_early(network, order, lives)
    if live_words(early, len(order)).max() <= cfg.activation_words:
        addresses = find_addresses(early, cfg.activation_words, EARLY_ATTEMPTS)
        if addresses is not None:
            return addresses
    return find_addresses(lives, cfg.activation_words)


def _prefetched(variant: _Variant, cfg: EngineConfig, whole: tuple[str, ...],
                ahead: int) -> tuple[list[Step], tuple[bool, ...], int]:
    """The order with loads ahead, who waits for them, and the cycles of a frame."""
    network = variant.network
    order = prefetched(network, cfg, order_steps(network, variant.steps, whole), ahead)
    waits = wait_flags(network, order, cfg)
    return order, waits, frame_cost(network, order, waits, cfg).total


def _too_large(worst: Candidate, variant: _Variant, cfg: EngineConfig) -> ActivationCapacityError:
    """The error that says what lives at the worst moment of the best order."""
    step, totals = _worst_moment(variant, worst)
    listed = ", ".join(f"{name} {count:,}" for name, count in totals[:6])
    found = (f"needs {worst.peak:,} words of activation memory at tile {step.index:,}, there are "
             f"{cfg.activation_words:,} (live: {listed})")
    if worst.peak <= cfg.activation_words:
        found = (f"{worst.peak:,} words live at tile {step.index:,} and there are {cfg.activation_words:,}, but no "
                 f"placement was found (live: {listed})")
    return ActivationCapacityError(f"layer '{variant.network.layers[step.layer].name}'", found, worst.peak)


def _worst_moment(variant: _Variant, candidate: Candidate) -> tuple[Step, list[tuple[str, int]]]:
    """The step at which most words live, and the words of each map that live then, most first; chunks as one map."""
    network = variant.network
    order = order_steps(network, variant.steps, candidate.whole)
    lives = lifetimes(network, order)
    time = int(live_words(lives, len(order)).argmax())
    totals: dict[str, int] = {}
    for life in lives:
        if life.start <= time <= life.end:
            chunk = network.chunks.get(life.block.map)
            name = chunk.whole.map if chunk else life.block.map
            totals[name] = totals.get(name, 0) + life.words
    return order[time], sorted(totals.items(), key=lambda item: (-item[1], item[0]))
