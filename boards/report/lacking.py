"""All that a board lacks for a network, in one line: the same words wherever boards are listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firelane.compiler.fit.report import MEMORIES, memory_usage
from firelane.compiler.tiles.larger_engine import weight_bytes
from firelane.hw.contract.config import EngineConfig

SHORT_NAMES = {MEMORIES["weight_words"]: "weights", MEMORIES["activation_words"]: "activations",
               MEMORIES["program_words"]: "program"}


def lacking_words(engine: EngineConfig, device: str, used: Mapping[str, int], problem: str) -> str:
    """What `device` lacks, then weights, what the engine cannot compute, and its other memories; empty if it fits."""
    return "; ".join(_all(engine, device, used, problem))


def _all(engine: EngineConfig, device: str, used: Mapping[str, int], problem: str) -> Iterator[str]:
    if device:
        yield f"the engine needs {device}"
    short = {usage.name: usage for usage in memory_usage(engine, used) if not usage.fits}
    if weights := short.pop(MEMORIES["weight_words"], None):
        yield f"weights {weight_bytes(weights.used):,} bytes of {weight_bytes(weights.available or 0):,}"
    if problem:
        yield problem
    for name, usage in short.items():
        yield f"{SHORT_NAMES.get(name, name)} {usage.used:,} words of {usage.available:,}"
