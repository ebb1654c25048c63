"""The sizes of an engine that a user may choose, and the engine that has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint
from firelane.compiler.tiles.larger_engine import size_option
from firelane.hw.contract.config import EngineConfig

SIZES = {           # that can be chosen on the command line
    "banks": "Banks of activation memory: 1, 2, 4, 8 or 16; 14 multipliers each.",
    "taps_per_cycle": "Non-zero weights a cycle, 1 or 2; with 2 each bank has 28 multipliers.",
    "activation_words": "Words of each bank.",
    "weight_words": "36-bit words of the weight memory.",
    "program_words": "36-bit words of the program memory.",
    "accumulator_bits": "Bits of an accumulator.",
    "columns_left": "Columns to the left of a pixel that taps may reach: 1, 2 or 3.",
    "columns_right": "Columns to the right of a pixel that taps may reach: 1, 2 or 3.",
    "average_bits": "Bits of a channel's sum in a global average.",
}


def engine_in_words(engine: EngineConfig) -> str:
    """The most important sizes of an engine.

    >>> engine_in_words(EngineConfig(banks=4)), engine_in_words(EngineConfig(banks=4, taps_per_cycle=2))
    ('4 banks', '4 banks, two taps a cycle')
    """
    return f"{engine.banks} banks" + (", two taps a cycle" if engine.taps_per_cycle == 2 else "")


def sized_engine(engine: EngineConfig, **sizes: int | None) -> EngineConfig:
    """The engine with those `sizes` changed that are not None.

    Raises
    ------
    ConfigError
        If a size is out of range, or there is none of this name.
    """
    given: dict[str, Any] = {name: size for name, size in sizes.items() if size is not None}
    for name, size in given.items():
        if name not in SIZES:
            raise ConfigError(name, "no size of an engine", hint=hint(name, SIZES))
        if not isinstance(size, int):
            raise ConfigError(size_option(name), f"{size!r}", hint="a whole number")
    try:
        return replace(engine, **given)
    except ValueError as error:
        name = str(error).split(" ", 1)[0]
        raise ConfigError(size_option(name), str(error)) from None
