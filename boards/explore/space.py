"""What is explored: members of the Fire family, and engines; every combination of both is a point.

The family is section 5 of the SqueezeNet paper (arXiv 1602.07360): base_e, incr_e, freq, SR and pct_3x3 of eight fire
modules. Early pools are those of v1.1, late ones of v1.0: the paper's third strategy is to downsample late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from math import prod
from typing import Any

from firelane.boards.engines import ENGINE_85F
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig
from firelane.models.squeezenet import Architecture, Bypass, ConvSpec, FireFamily

__all__ = ["ENGINE_AXES", "NETWORK_AXES", "EnginePoint", "Member", "Space"]

POOLS = {"early": ("conv1", "fire3", "fire5"), "late": ("conv1", "fire4", "fire8")}
STEMS = {"7x7": ConvSpec("conv1", 3, 96, 7, stride=2), "3x3": ConvSpec("conv1", 3, 64, 3, stride=2)}
#: memories that are as large as need be: how large is what is asked; sums wide enough for any map
ROOMY: dict[str, Any] = {"weight_words": 1 << 18, "program_words": 1 << 13, "average_bits": 23}
MOST = 100_000          #: points, more of which nobody means


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network of the family, at one size of the image; the defaults are SqueezeNet v1.0."""

    squeeze_ratio: float = 0.125
    pct_3x3: float = 0.5
    base: int = 128
    increment: int = 128
    frequency: int = 2
    bypass: str = "none"
    pools: str = "late"
    stem: str = "7x7"
    input_size: int = 224

    @property
    def network(self) -> Architecture:
        """Its layers.

        Raises
        ------
        ConfigError
            If there is no such network.
        """
        family = FireFamily(base_e=self.base, incr_e=self.increment, freq=self.frequency,
                            squeeze_ratio=self.squeeze_ratio, pct_3x3=self.pct_3x3)
        made = family.network("fire", conv1=STEMS[self.stem], pools_after=POOLS[self.pools])
        return replace(made, bypass=Bypass(self.bypass))


@dataclass(frozen=True, kw_only=True)
class EnginePoint:
    """Sizes of an engine that make it faster or larger."""

    banks: int = ENGINE_85F.banks
    taps: int = 1
    activation_words: int = ENGINE_85F.activation_words

    @property
    def config(self) -> EngineConfig:
        """An engine of these sizes, whose other memories are large enough for anything that could fit a device.

        Raises
        ------
        ConfigError
            If there is none.
        """
        try:
            return replace(ENGINE_85F, banks=self.banks, taps_per_cycle=self.taps,
                           activation_words=self.activation_words, **ROOMY)
        except ValueError as error:
            raise ConfigError("engine", str(error)) from None


NETWORK_AXES = tuple(field.name for field in fields(Member))
ENGINE_AXES = tuple(field.name for field in fields(EnginePoint))
WORDS = {"bypass": tuple(one.value for one in Bypass), "pools": tuple(POOLS), "stem": tuple(STEMS)}


@dataclass(frozen=True)
class Space:
    """All combinations of the values of some axes; an axis that is not named has its default.

    Parameters
    ----------
    axes : mapping
        Name of a field of `Member` or `EnginePoint` -> its values.
    """

    axes: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        for name, values in self.axes.items():
            if name not in (*NETWORK_AXES, *ENGINE_AXES):
                raise ConfigError(name, "no axis", hint=f"there are {', '.join((*NETWORK_AXES, *ENGINE_AXES))}")
            if not values:
                raise ConfigError(name, "no values", hint="one at least")
            if name in WORDS and (unknown := [value for value in values if value not in WORDS[name]]):
                raise ConfigError(name, f"{unknown[0]!r}", hint=f"one of {', '.join(WORDS[name])}")
        if (count := prod(len({*values}) for values in self.axes.values())) > MOST:
            raise ConfigError("points", f"{count:,}", hint=f"at most {MOST:,}: fewer values")
        for engine in self.engines:
            engine.config  # noqa: B018 (asked whether there is such an engine)

    @property
    def members(self) -> list[Member]:
        """The networks."""
        return [Member(**values) for values in self._combined(NETWORK_AXES)]

    @property
    def engines(self) -> list[EnginePoint]:
        return [EnginePoint(**values) for values in self._combined(ENGINE_AXES)]

    def _combined(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        given = {name: list(dict.fromkeys(self.axes[name])) for name in names if name in self.axes}
        return (dict(zip(given, values)) for values in product(*given.values()))


def coordinates(member: Member, engine: EnginePoint) -> dict[str, Any]:
    """Where a point is, by axis."""
    return asdict(member) | asdict(engine)
