"""Words that were mistyped: what was meant, the one home of "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

ALIKE = 0.6             #: of two words, from 0 to 1, as `difflib` measures it
AS_GOOD = 0.02          #: so much less than the best is as good


def near(word: str, known: Iterable[str]) -> list[str]:
    """What is most like a word that is not known, whether letters are small or not; nothing if all is too different.

    >>> near("ULX3S-85f", ["ulx3s_12f", "ulx3s_85f", "icepi_zero"])
    ['ulx3s_85f']
    >>> near("squeezenet", ["digits", "squeezenet1.0", "squeezenet1.1"])
    ['squeezenet1.0', 'squeezenet1.1']
    """
    likeness = {name: SequenceMatcher(None, _plain(word), _plain(name)).ratio() for name in known}
    best = max(likeness.values(), default=0.0)
    return [name for name, value in likeness.items() if value >= max(ALIKE, best - AS_GOOD)]


def hint(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """What to say of a word that is not known: what may have been meant, or else what there is."""
    names = list(known)
    if found := near(word, names):
        return f"did you mean {' or '.join(found)}?"
    return otherwise or f"one of {', '.join(names)}"


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-")
