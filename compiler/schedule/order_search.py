"""The search for maps that are completed at once, so that a frame needs few words.

From end to end a chain of kernels keeps rows of every map on the way. Of a whole map all rows live, but the maps before
it are gone by then: where a map is small, that is less. Sets of whole maps are searched by the words that live at the
worst moment; `compiler.schedule.addresses` then finds addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firelane.compiler.schedule.lifetimes import lifetimes, live_words
from firelane.compiler.schedule.order import order_steps
from firelane.compiler.schedule.steps import Step
from firelane.compiler.tiles.layers import TiledNetwork
from firelane.hw.contract.config import EngineConfig

STARTS = 3              #: sets of whole maps from which the search sets out
ROOM = 0.97             #: of the memory: what the search is content with


@dataclass(frozen=True, order=True)
class Candidate:
    """A set of whole maps, and the words that live at the worst moment with it."""

    peak: int
    whole: tuple[str, ...]


def evaluate(network: TiledNetwork, steps: Sequence[Step], whole: Iterable[str]) -> Candidate:
    """The candidate of one set of maps."""
    chosen = tuple(sorted(whole))
    order = order_steps(network, steps, chosen)
    return Candidate(int(live_words(lifetimes(network, order), len(order)).max()), chosen)


def search_whole_maps(network: TiledNetwork, steps: Sequence[Step], cfg: EngineConfig) -> list[Candidate]:
    """Candidates: all maps up to some size, then changes of one map at a time to the best; fewest words first.

    Ends as soon as a set fits with some room for placement, or when no change helps. A whole map needs its size at
    least: maps that are larger than the memory and than the best set so far are left out.
    """
    sizes = {name: network.maps[name].channels * network.maps[name].groups(cfg)
             for name in {step.output.map for step in steps if step.output} - network.chunks.keys()}
    names = sorted(sizes, key=lambda name: (sizes[name], name))
    seen: dict[tuple[str, ...], Candidate] = {}

    def look(whole: Iterable[str]) -> None:
        chosen = tuple(sorted(whole))
        if chosen not in seen:
            seen[chosen] = evaluate(network, steps, chosen)

    def is_too_large(name: str, best: Candidate) -> bool:
        return sizes[name] > max(cfg.activation_words, best.peak)

    look(())
    for count, name in enumerate(names, 1):
        if is_too_large(name, min(seen.values())):
            break
        look(names[:count])
    for start in sorted(seen.values())[:STARTS]:
        best = start
        while best.peak > ROOM * cfg.activation_words:
            for name in names:
                if not is_too_large(name, best):
                    look(set(best.whole) ^ {name})
            better = min(seen.values())
            if better.peak >= best.peak:
                break
            best = better
    return sorted(seen.values())
