"""A larger engine as a user asks for it, for hints: never one that cannot be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from firelane.compiler.support.errors import option_of
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig


def size_option(name: str) -> str:
    """The command-line option of a size.

    >>> size_option("weight_words")
    '--weight-words'
    """
    return option_of(name)


def larger_engine(cfg: EngineConfig, **sizes: int) -> list[str]:
    """An engine with these sizes, in words; none if there is no such engine."""
    given: dict[str, Any] = dict(sizes)
    try:
        replace(cfg, **given)
    except ValueError:
        return []
    return ["an engine with " + " and ".join(f"{size_option(name)} {size}" for name, size in sizes.items())]


def weight_bytes(words: int) -> int:
    """Bytes that a weight memory of so many words holds."""
    return words * MEMORY_BITS // 8
