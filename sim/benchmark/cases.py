"""What `make bench` measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint

ACCURACY = "accuracy"                   #: the measurement that is no frame
ACCURACY_NETWORK = "squeezenet1.0"      #: the one with published weights


@dataclass(frozen=True, kw_only=True)
class Case:
    """A whole frame of one network of `models.catalogue`, at its published size.

    `activation_words`: words of each bank; None: what `make sim` chooses. `taps`: taps a cycle.
    """

    network: str
    title: str
    activation_words: int | None = None
    taps: int = 1

    @property
    def name(self) -> str:
        """The measurement, for `make bench ONLY=` and as a file."""
        return self.network if self.taps == 1 else f"{self.network}-two-taps"


CASES = (
    Case(network="squeezenet1.0", title="SqueezeNet v1.0"),
    Case(network="squeezenet1.0", title="SqueezeNet v1.0, two taps a cycle", taps=2),
    Case(network="squeezenet1.1", title="SqueezeNet v1.1"),
    Case(network="squeezenet1.1", title="SqueezeNet v1.1, two taps a cycle", taps=2),
    # The bypasses: little more than the least words that a schedule was found for, in place of the next power of two.
    Case(network="squeezenet1.0-simple-bypass", title="v1.0 with simple bypass", activation_words=1664),
    Case(network="squeezenet1.0-complex-bypass", title="v1.0 with complex bypass", activation_words=3584),
)
NAMES = (*(case.name for case in CASES), ACCURACY)


def chosen(only: Sequence[str]) -> tuple[str, ...]:
    """Names of the measurements to make, in their order: those in `only`, or all.

    Raises
    ------
    ConfigError
        If there is no such measurement.
    """
    unknown = [name for name in only if name not in NAMES]
    if unknown:
        raise ConfigError("--only", f"{unknown[0]}: no such measurement", hint=hint(unknown[0], NAMES))
    return tuple(name for name in NAMES if not only or name in only)
