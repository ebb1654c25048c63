"""Remedies for a network that does not fit: larger engines, each one tried before it is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from firelane.compiler.ir.graph import Graph
from firelane.compiler.lower import lower
from firelane.compiler.schedule.search import ActivationCapacityError, schedule
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.hw.contract.config import EngineConfig

DEPTH_STEP = 64         #: depths offered are multiples of this


#: An engine with other sizes; None where there is none, or no room for it.
Sized = Callable[..., EngineConfig | None]


def with_remedies(graph: Graph, cfg: EngineConfig, problem: ActivationCapacityError) -> CapacityError:
    """`problem` with what would help against it."""
    sized = partial(resized, cfg)
    deeper = least_depth(graph, max(problem.words, cfg.activation_words + 1), sized)
    wider = least_banks(graph, cfg, sized)
    options = [*([f"--activation-words {deeper.activation_words}"] if deeper else []),
               *([f"--banks {wider.banks}"] if wider else []), "a smaller input"]
    return CapacityError(problem.where, problem.found, hint=" or ".join(options) + " would help")


def resized(cfg: EngineConfig, **sizes: int) -> EngineConfig | None:
    """The engine with these sizes; None if there is no such engine."""
    try:
        return replace(cfg, **sizes)         # type: ignore[arg-type]
    except ValueError:
        return None


def least_depth(graph: Graph, words: int, sized: Sized) -> EngineConfig | None:
    """The engine with the least activation memory that is enough of some: of `words` words, and ever more for places.

    A schedule that needs so many words at once may find no addresses for them in just as many.
    """
    depth, more = -(-words // DEPTH_STEP) * DEPTH_STEP, DEPTH_STEP
    while (engine := sized(activation_words=depth)) and not computes(graph, engine):
        depth, more = depth + more, 2 * more
    return engine


def least_banks(graph: Graph, cfg: EngineConfig, sized: Sized) -> EngineConfig | None:
    """The engine with the fewest banks that are enough, of those with more than `cfg`."""
    banks = 2 * cfg.banks
    while (engine := sized(banks=banks)) and not computes(graph, engine):
        banks *= 2
    return engine


def computes(graph: Graph, cfg: EngineConfig) -> bool:
    """Whether an engine runs the network, weights and program aside."""
    try:
        schedule(lower(graph, cfg), cfg)
    except FirelaneError:
        return False
    return True
