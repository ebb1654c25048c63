"""Several problems at once: the first is raised, the others ride along."""

from __future__ import annotations

from collections.abc import Sequence

from firelane.compiler.support.errors import FirelaneError

LISTED_MAX = 20                        # problems of one file: more are no help to anybody


def listed(problems: Sequence[FirelaneError]) -> tuple[FirelaneError, ...]:
    """The first of `problems`, and in place of the others one that says how many they are."""
    more = len(problems) - LISTED_MAX
    if more <= 0:
        return tuple(problems)
    rest = FirelaneError(f"{more} more problems", "not listed", hint="mend those above first")
    return *problems[:LISTED_MAX], rest


def raise_all(problems: Sequence[FirelaneError]) -> None:
    """Raise the first of `problems`, if any, with the others, as `listed`, in its attribute `further`."""
    if problems:
        first = problems[0]
        first.further = listed(problems)[1:]
        raise first


def further(problem: FirelaneError) -> tuple[FirelaneError, ...]:
    """The problems that were found together with `problem`."""
    return problem.further
