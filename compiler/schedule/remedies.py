"""Remedies for a network that does not fit: larger engines, each one tried before it is offered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from firelane.compiler.ir.graph import Graph
from firelane.compiler.lower import lower
from firelane.compiler.schedule.search import ActivationCapacityError, schedule
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.hw.contract.config import MAX_ACTIVATION_WORDS, MAX_BANKS, EngineConfig

DEPTH_STEP = 64         #: depths offered are multiples of this


def with_remedies(graph: Graph, cfg: EngineConfig, problem: ActivationCapacityError) -> CapacityError:
    """`problem` with what would help against it."""
    options = [*_deeper(graph, cfg, problem.words), *_wider(graph, cfg), "a smaller input"]
    return CapacityError(problem.where, problem.found, hint=" or ".join(options) + " would help")


def _deeper(graph: Graph, cfg: EngineConfig, words: int) -> Iterator[str]:
    """The least depth that fits of some: what the best order needs, and ever more room for addresses."""
    depth, more = -(-max(words, cfg.activation_words + 1) // DEPTH_STEP) * DEPTH_STEP, DEPTH_STEP
    while depth <= MAX_ACTIVATION_WORDS:
        if _fits(graph, replace(cfg, activation_words=depth)):
            yield f"--activation-words {depth}"
            return
        depth, more = depth + more, 2 * more


def _wider(graph: Graph, cfg: EngineConfig) -> Iterator[str]:
    banks = 2 * cfg.banks
    while banks <= MAX_BANKS:
        if _fits(graph, replace(cfg, banks=banks)):
            yield f"--banks {banks}"
            return
        banks *= 2


def _fits(graph: Graph, cfg: EngineConfig) -> bool:
    try:
        schedule(lower(graph, cfg), cfg)
    except FirelaneError:
        return False
    return True
