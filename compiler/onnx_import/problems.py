"""All that is wrong with a model, reported at once."""

from __future__ import annotations

from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.problems import listed

WORD_MAX = 300                         # characters of one part of a message


class ModelErrors(ModelError):
    """Every problem of one model, in the order of its graph; reads as the first one and how many more there are.

    Parameters
    ----------
    problems : list of ModelError
        At least one.

    Attributes
    ----------
    problems : tuple of ModelError
        All of them; a damaged file's names are made printable.
    further : tuple of ModelError
        All but the first, as many as `compiler.support.problems` lists.
    """

    def __init__(self, problems: list[ModelError]):
        self.problems = tuple(ModelError(_printable(problem.where), _printable(problem.found),
                                         hint=_printable(problem.hint)) for problem in problems)
        first, more = self.problems[0], len(self.problems) - 1
        super().__init__(first.where, first.found, hint=first.hint)
        self.further = listed(self.problems)[1:]
        if more:
            self.args = (f"{first} (and {more} more)",)


def _printable(text: str) -> str:
    """One line, whatever names a damaged file has."""
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= WORD_MAX else text[:WORD_MAX - 3] + "..."
