"""An engine as large as a network needs: for simulations, where no board sets a limit.

What is free to grow starts from the engine that is given and takes the first of a few sizes that is enough. There are
few sizes, and most memories grow together, because each engine has a simulator of its own, and that takes minutes to
build.

The activation memory may be one size deeper than it must be: what just fits is computed in small chunks, some of it
twice. A depth up to DEEPER times the least is taken if it saves more than WORTH of a frame's cycles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from firelane.compiler.compile import compile_plan, make_plan
from firelane.compiler.ir.graph import Graph
from firelane.compiler.lower import lower
from firelane.compiler.lower.proofs import accumulator_range, signed_bits
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.emit import Program
from firelane.compiler.schedule.order_search import ROOM
from firelane.compiler.schedule.remedies import with_remedies
from firelane.compiler.schedule.search import ActivationCapacityError, Schedule
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Destination

ACTIVATION_WORDS = (1024, 1152, 1280, 1536, 2048, 3072, 4096)
DEEPER, WORTH = 1.25, 0.02      #: a quarter more is what distributed RAM adds on the ECP5 that the sizes are for
ACCUMULATOR_BITS = (24, 28, 32)
AVERAGE_BITS = (18, 20, 23, 27, 31)     #: less than the accumulator's
MEMORIES: tuple[dict[str, Any], ...] = (                # that grow together
    {"weight_words": 1 << 17, "program_words": 1 << 13, "value_symbols": 1 << 12, "run_symbols": 1 << 10},
    {"weight_words": 1 << 18, "program_words": 1 << 14, "value_symbols": 1 << 12, "run_symbols": 1 << 12},
)
GROWING = ("activation_words", "accumulator_bits", "average_bits", *MEMORIES[0])


def compile_fitting(graph: Graph, cfg: EngineConfig, free: Collection[str] = GROWING,
                    progress: Progress = silent) -> Compiled:
    """Compile for `cfg`, of which the sizes named in `free` may become larger; `Compiled.cfg` says how large.

    Raises
    ------
    ModelError, CapacityError
        If no such engine can do it.
    """
    bits = _bits(graph, cfg, free)
    grown = [replace(_grown(cfg, sizes, free), **bits) for sizes in ({}, *MEMORIES)]
    plan, words = _plan(graph, grown[-1], free, progress)
    largest = replace(grown[-1], activation_words=words)
    compiled = compile_plan(graph, plan, largest, progress)
    fitting = next((memories for memories in grown if _holds(memories, compiled.program)), largest)
    fitting = replace(fitting, activation_words=words)
    return compiled if fitting == largest else compile_plan(graph, plan, fitting, progress)


def _plan(graph: Graph, cfg: EngineConfig, free: Collection[str], progress: Progress) -> tuple[Schedule, int]:
    """A schedule, and the words of activation memory that it is for: enough, and not much slower than a few more."""
    sizes = _sizes("activation_words", cfg, ACTIVATION_WORDS, free)
    plan, words = _first_plan(graph, cfg, sizes, progress)
    deeper_ones = [size for size in sizes if words < size <= DEEPER * words]
    if deeper_ones:
        fastest = make_plan(graph, replace(cfg, activation_words=sizes[-1]), progress).cycles
        deeper_ones = deeper_ones if _is_worth(plan.cycles, fastest) else []
    for deeper in deeper_ones:
        other = make_plan(graph, replace(cfg, activation_words=deeper), progress)
        if _is_worth(plan.cycles, other.cycles):
            plan, words = other, deeper
    return plan, words


def _is_worth(cycles: int, fewer: int) -> bool:
    return fewer < (1 - WORTH) * cycles


def _first_plan(graph: Graph, cfg: EngineConfig, sizes: list[int], progress: Progress) -> tuple[Schedule, int]:
    """A schedule for the first size that is enough; not tried are those with no room for placement."""
    needed = 0.0
    for words in sizes:
        if words >= needed:
            deeper = replace(cfg, activation_words=words)
            try:
                return make_plan(graph, deeper, progress), words
            except ActivationCapacityError as error:
                problem, needed = error, error.words / ROOM
    raise with_remedies(graph, deeper, problem)


def _bits(graph: Graph, cfg: EngineConfig, free: Collection[str]) -> dict[str, Any]:
    """The widths of accumulator and channel sums, wider than the engine's where that is needed and free."""
    widest: dict[str, Any] = {"accumulator_bits": ACCUMULATOR_BITS[-1], "average_bits": AVERAGE_BITS[-1]}
    wide = replace(cfg, **{name: size for name, size in widest.items() if name in free})
    layers = [layer for layer in lower(graph, wide).layers if isinstance(layer, TileLayer)]
    sums = _first(_sizes("average_bits", cfg, AVERAGE_BITS, free), average_bits_needed(layers))
    least = max(accumulator_bits_needed(layers), sums + 1)
    return {"accumulator_bits": _first(_sizes("accumulator_bits", cfg, ACCUMULATOR_BITS, free), least),
            "average_bits": sums}


def accumulator_bits_needed(layers: Iterable[TileLayer]) -> int:
    """The bits of accumulator that sums and biases need."""
    return max(signed_bits(*limits) for layer in layers for limits in (
        accumulator_range(layer), (int(layer.requantize.bias.min()), int(layer.requantize.bias.max()))))


def average_bits_needed(layers: Iterable[TileLayer]) -> int:
    """The bits that the channel sums of global averages need; 0 if there are none."""
    need = pixels = 0
    for layer in layers:
        if layer.destination is Destination.AVERAGE:
            pixels = layer.out_height * layer.out_width + (pixels if layer.continues else 0)
            need = max(need, (pixels * layer.requantize.high).bit_length())
    return need


def _holds(cfg: EngineConfig, program: Program) -> bool:
    """Whether the memories are large enough."""
    return (len(program.contents.weights) <= cfg.weight_words and len(program.contents.program) <= cfg.program_words
            and len(program.contents.values) <= cfg.value_symbols and len(program.contents.runs) <= cfg.run_symbols)


def _grown(cfg: EngineConfig, sizes: dict[str, int], free: Collection[str]) -> EngineConfig:
    """The engine with what is free at least as large as `sizes` say."""
    return replace(cfg, **{name: max(size, getattr(cfg, name)) for name, size in sizes.items() if name in free})


def _sizes(name: str, cfg: EngineConfig, possible: Collection[int], free: Collection[str]) -> list[int]:
    """The values that may be tried for one size."""
    have = getattr(cfg, name)
    return [have, *(size for size in possible if name in free and size > have)]


def _first(sizes: list[int], need: int) -> int:
    """The first size that is enough; if there is none, the last one, about which the compiler will complain."""
    return next((size for size in sizes if size >= need), sizes[-1])
