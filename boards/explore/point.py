"""What one network costs on some engines, by the compiler's own schedule and code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np

from firelane.boards.board import DEVICES, Device
from firelane.boards.explore.space import EnginePoint, Member, coordinates
from firelane.compiler.fit.energy import frame_energy
from firelane.compiler.fit.estimate import EngineEstimate, estimate
from firelane.compiler.fit.report import MEMORIES, Report
from firelane.compiler.fit.resources import engine_resources
from firelane.compiler.ir.graph import Conv
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.problems import first_of
from firelane.hw.contract.config import EngineConfig
from firelane.models.fire_graph import fire_graph

__all__ = ["FIGURES", "Question", "as_small_as_can_be", "cost_of_member"]

ATTEMPTS = 4            #: ways to take maps apart, where activation memory is short: more take several seconds
SEED = 1
#: of a point that exists
FIGURES = ("cycles", "frames_per_second", "bytes", "words", "weight_words", "ebr", "dsp", "lut", "millijoules_low",
           "millijoules", "millijoules_high", "weights", "nonzero", "macs")
BLOCK_WORDS = 512       #: of MEMORY_BITS, in a block RAM
WHY_NOT_TRIED = "; more ways to take maps apart: --thorough"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of every point.

    Parameters
    ----------
    device : str
        On which it must have room.
    clock_mhz : float
        For frames a second.
    density : float, optional
        Of each layer; that of Deep Compression for its kind if not given.
    thorough : bool
        Whether maps are taken apart in as many ways as the compiler tries, which takes several seconds a point.
    """

    device: str = "LFE5U-85F"
    clock_mhz: float = 100.0
    density: float | None = None
    thorough: bool = False


def cost_of_member(member: Member, engines: Sequence[EnginePoint], question: Question) -> list[dict[str, Any]]:
    """A row for each engine: where the point is, whether it fits, why not, and what it costs."""
    try:
        network = member.network
        graph = fire_graph(network, input_size=member.input_size, seed=SEED, density=question.density)
    except FirelaneError as problem:
        return [coordinates(member, engine) | _nothing(f"no such network: {problem.found}") for engine in engines]
    convolutions = [node for node in graph.nodes if isinstance(node, Conv)]
    counted = {"weights": sum(node.weight.size for node in convolutions),
               "nonzero": sum(int(np.count_nonzero(node.weight)) for node in convolutions),
               "macs": sum(node.weight.size * graph.tensors[node.output].height ** 2 for node in convolutions)}
    return [coordinates(member, engine)
            | _costs(estimate(graph, engine.config, attempts=None if question.thorough else ATTEMPTS), question)
            | counted for engine in engines]


def _nothing(why: str) -> dict[str, Any]:
    """The row of a point that does not exist."""
    return {"fits": False, "why": why, **dict.fromkeys(FIGURES)}


def _costs(found: EngineEstimate, question: Question) -> dict[str, Any]:
    if found.report is None:
        return _nothing(first_of(found.problems))
    device = DEVICES[question.device]
    engine = as_small_as_can_be(found, device)
    needs = engine_resources(engine)
    reasons = [*(one.found for one in found.problems), *_short_words(found, question.thorough),
               *(f"needs {used:,} {name} of {there:,}" for name, used, there in (
                   ("block RAMs", needs.ebr_total, device.ebr), ("multipliers", needs.dsp, device.dsp),
                   ("LUTs", needs.lut, device.lut)) if used > there)]
    cycles = found.report.cost.total
    return {"fits": not reasons, "why": "; ".join(reasons), "cycles": cycles,
            "frames_per_second": round(question.clock_mhz * 1e6 / cycles, 3), "bytes": found.report.rom.bytes,
            "words": found.used["activation_words"], "weight_words": engine.weight_words, "ebr": needs.ebr_total,
            "dsp": needs.dsp, "lut": needs.lut, **_energy(found.report, engine, question)}


def _energy(report: Report, engine: EngineConfig, question: Question) -> dict[str, float | None]:
    """Millijoules of a frame, modelled; None where nothing is known of the device."""
    energy = frame_energy(report, engine, question.clock_mhz * 1e6, question.device)
    low, mid, high = astuple(energy.total) if energy else (None, None, None)
    return {"millijoules_low": low and round(low, 3), "millijoules": mid and round(mid, 3),
            "millijoules_high": high and round(high, 3)}


def _short_words(found: EngineEstimate, thorough: bool) -> Iterator[str]:
    """What there is too little of in the engine itself."""
    for usage in found.short:
        more = WHY_NOT_TRIED if usage.name == MEMORIES["activation_words"] and not thorough else ""
        yield f"needs {usage.used:,} of {usage.name}, there are {usage.available:,}{more}"


def as_small_as_can_be(found: EngineEstimate, device: Device) -> EngineConfig:
    """The engine with the memories that the network needs; lanes multiply in LUTs where multipliers are short."""
    def blocks(words: int) -> int:
        return -(-words // BLOCK_WORDS) * BLOCK_WORDS
    sizes = {name: min(blocks(found.used[name]), getattr(found.engine, name))
             for name in ("weight_words", "program_words") if name in found.used}
    engine = replace(found.engine, **sizes)
    lacking = engine_resources(engine).dsp - device.dsp
    return replace(engine, logic_lanes=min(max(lacking + lacking % 2, 0), engine.lanes))
