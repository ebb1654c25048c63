"""The names of the signals in a VCD file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wave:
    """A signal of a waveform file.

    Parameters
    ----------
    scope : tuple of str
        The modules that it is in, from the outside.
    name : str
    width : int
        Bits.
    bits : str
        Its range as it stands in the file, "[7:0]"; empty for one bit.
    """

    scope: tuple[str, ...]
    name: str
    width: int
    bits: str = ""

    @property
    def full_name(self) -> str:
        """The name that viewers know it by."""
        return ".".join((*self.scope, self.name)) + self.bits


def read_waves(file: Path) -> list[Wave]:
    """All signals that a VCD file has, in its order."""
    scope: list[str] = []
    found: list[Wave] = []
    with file.open() as lines:
        for line in lines:
            match line.split():
                case ["$scope", _, name, "$end"]:
                    scope.append(name)
                case ["$upscope", "$end"]:
                    scope.pop()
                case ["$var", _, width, _, name, *bits, "$end"]:
                    found.append(Wave(tuple(scope), name, int(width), "".join(bits)))
                case ["$enddefinitions", *_]:
                    break
    return found
