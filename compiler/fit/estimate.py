"""What a network takes and what a frame costs on an engine, whether or not that holds it.

It is the compiler's own schedule and the compiler's own code, so that a network that fits costs exactly what
`compiler.compile` says. Where the activation memory is too small, cycles are those of the order from end to end, as if
there were room; where weights or program are too large, they are coded all the same. Where there are more weights than
the memory has bits, the least activation memory is not looked for as long as the compiler does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from firelane.compiler.coding.weight_code import EncodedLayer
from firelane.compiler.fit.engine_fit import ACCUMULATOR_BITS
from firelane.compiler.fit.report import Coding, Report, Usage, memory_usage, report_of
from firelane.compiler.fit.workload import Workload
from firelane.compiler.ir.graph import Graph
from firelane.compiler.lower import lower
from firelane.compiler.program.coded import code_network
from firelane.compiler.program.rom_size import coded_shares, coded_size
from firelane.compiler.schedule.search import ActivationCapacityError, Schedule, boundless, schedule
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.problems import further
from firelane.compiler.tiles.layers import TiledNetwork, TileLayer
from firelane.hw.contract.config import MAX_COLUMNS, MEMORY_BITS, EngineConfig


@dataclass(frozen=True, eq=False)
class EngineEstimate:
    """A network on one engine.

    Parameters
    ----------
    engine : EngineConfig
    report : Report, optional
        All figures; None if the engine cannot compute the network, whatever its memories.
    used : dict
        How many of each size of the engine are used (`compiler.fit.report.MEMORIES`); empty without a report.
    problems : tuple of FirelaneError
        Nodes that this engine cannot do: rows that are too wide, sums that are too large.
    plan : Schedule, optional
        What runs when; without addresses, if the activation memory is too small. None without a report, or if that is
        a lower bound.
    encoded : mapping
        Weight streams by layer name; empty without a plan.
    lower_bound : bool
        Whether the figures are the least that it can be (`compiler.fit.workload`): there is no schedule.
    """

    engine: EngineConfig
    report: Report | None
    used: dict[str, int]
    problems: tuple[FirelaneError, ...] = ()
    plan: Schedule | None = None
    encoded: Mapping[str, EncodedLayer] = field(default_factory=dict)
    lower_bound: bool = False

    @property
    def short(self) -> tuple[Usage, ...]:
        """The memories that are too small."""
        return tuple(usage for usage in self.memories if not usage.fits)

    @property
    def memories(self) -> tuple[Usage, ...]:
        """All memories; none without a report."""
        return tuple(memory_usage(self.engine, self.used)) if self.used else ()

    @property
    def fits(self) -> bool:
        """Whether the engine computes the network as it is."""
        return self.report is not None and not self.problems and not self.short and not self.lower_bound


def estimate(graph: Graph, cfg: EngineConfig, *, attempts: int | None = None) -> EngineEstimate:
    """The figures of `graph` on the engine `cfg`.

    Parameters
    ----------
    attempts : int, optional
        Ways to take maps apart that are tried at most where activation memory is short; as the compiler does if None.
    """
    network, problems = _lowered(graph, cfg)
    if network is None:
        return EngineEstimate(cfg, None, {}, problems)
    plan, words = _planned(network, cfg, not _is_far_too_large(network, cfg), attempts)
    coded = code_network(plan.network, plan, cfg)
    memories = coded.memories
    used = {"activation_words": words, "weight_words": len(memories.weights.words),
            "program_words": coded.program_words, "value_symbols": len(memories.values.entries),
            "run_symbols": len(memories.runs.entries)}
    report = report_of(graph, plan, cfg, Coding(coded.descriptors, coded_size(coded), coded_shares(coded), used))
    return EngineEstimate(cfg, report, used, problems, plan, coded.encoded)


def at_least(work: Workload, cfg: EngineConfig, problems: tuple[FirelaneError, ...]) -> EngineEstimate:
    """What a network takes at the least on the engine `cfg`, which cannot do it because of `problems`, if any."""
    return EngineEstimate(cfg, work.report(cfg), {"weight_words": work.weight_words}, problems, lower_bound=True)


def _lowered(graph: Graph, cfg: EngineConfig) -> tuple[TiledNetwork | None, tuple[FirelaneError, ...]]:
    """The layers, None if there are none on this engine; and what is wrong with them."""
    too_large: list[FirelaneError] = []
    for engine in _ever_wider(cfg):
        try:
            return lower(graph, engine, too_large), tuple(too_large)
        except FirelaneError as problem:
            too_large = too_large or [problem, *further(problem)]
    return None, tuple(too_large)


def _ever_wider(cfg: EngineConfig) -> Iterator[EngineConfig]:
    """The engine, and one of the same size whose sums are never too large, and whose taps reach as far as any's."""
    yield cfg
    bits = ACCUMULATOR_BITS[-1]
    yield replace(cfg, accumulator_bits=bits, average_bits=bits - 1, columns_left=MAX_COLUMNS,
                  columns_right=MAX_COLUMNS)


def _is_far_too_large(network: TiledNetwork, cfg: EngineConfig) -> bool:
    """Whether there are more weights other than zero than the weight memory has bits."""
    nonzero = sum(int(np.count_nonzero(layer.weights)) for layer in network.layers
                  if isinstance(layer, TileLayer) and layer.weights is not None)
    return nonzero > cfg.weight_words * MEMORY_BITS


def _planned(network: TiledNetwork, cfg: EngineConfig, thorough: bool, attempts: int | None) -> tuple[Schedule, int]:
    """A schedule, and the words of activation memory that it takes, or would take."""
    try:
        plan = schedule(network, cfg, chunks=thorough, attempts=attempts)
    except ActivationCapacityError as problem:
        return boundless(network, cfg), max(problem.words, cfg.activation_words + 1)
    return plan, max(plan.addresses[life.block] + life.words for life in plan.lives)
