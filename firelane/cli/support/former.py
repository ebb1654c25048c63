"""Spellings of former versions, and what is written today: a user who types one is told the whole new line."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from firelane.compiler.support.errors import ConfigError

VALUE = "VALUE"             #: stands for what followed the option, where it did not follow


@dataclass(frozen=True)
class Former:
    """An option that is no longer what it was.

    Parameters
    ----------
    found : str
        What became of it.
    words : sequence of str
        Put before the value, in its place.
    place : int, optional
        Where words and value go: 0 is behind the command, -1 the end; None: where the option was.
    kept : bool
        Whether there is still an option of this name, without a value.
    """

    found: str
    words: Sequence[str] = ()
    place: int | None = None
    kept: bool = False

    def written(self, command: str, words: Sequence[str], option: str) -> tuple[str, str]:
        """The line as it is written today, of the words behind the command's name; and the value of the option."""
        number = next(number for number, word in enumerate(words) if word.partition("=")[0] == option)
        joined = words[number].partition("=")[2]
        value = joined or next(iter(words[number + 1:]), VALUE)
        before, after = [*words[:number]], [*words[number + (1 if joined else 2):]]
        fresh = [*self.words, value]
        parts = {None: (before, fresh, after), 0: (fresh, before, after), -1: (before, after, fresh)}[self.place]
        return shlex.join(["firelane", command, *(word for part in parts for word in part)]), value


_MODEL = Former("it is now the argument MODEL", place=0)
_LIMIT = Former("it is now --limit", ("--limit",))
FORMER = {          # command: option: what became of it
    **{command: {"--model": _MODEL} for command in ("bitstream", "board-sim", "boards", "build", "compile", "demo",
                                                    "estimate", "program", "simulate", "vivado-project")},
    "compress": {"--images": _LIMIT, "--model": _MODEL,
                 "--sweep": Former("its folder is now named with -o", ("--sweep", "-o"), kept=True)},
    "evaluate": {"--json": Former("its file is now named with -o", ("-o",), kept=True), "--model": _MODEL},
    "quantize": {"--images": _LIMIT, "--model": _MODEL},
    "run": {"--model": Former("it is now --compiled", ("--compiled",))},
    "validate": {"--model": Former("it is now the argument MODEL, behind DIR", place=-1)},
}


def former_spelling(command: str, words: Sequence[str], said: str) -> ConfigError | None:
    """What to say of the words behind the command's name, which it did not understand; None if it is nothing of this.

    `said` is what click says of them: of an option that is still there it must be about the value that it had.
    """
    typed = {word.partition("=")[0] for word in words}
    for option, former in FORMER.get(command, {}).items():
        if option in typed:
            line, value = former.written(command, words, option)
            if not former.kept or f"({value}" in said or f"{option}' does not take" in said:
                return ConfigError(option, former.found, hint=line)
    return None
