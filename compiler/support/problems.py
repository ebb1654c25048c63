"""Several problems at once: the first is raised, the others ride along."""

from __future__ import annotations

from collections.abc import Sequence

from firelane.compiler.support.errors import FirelaneError

LISTED_MAX = 20                        # problems of one file: more are no help to anybody
ALIKE_MAX = 3                          # files that are named one by one if the same is wrong with them


def listed(problems: Sequence[FirelaneError]) -> tuple[FirelaneError, ...]:
    """The first of `problems`, and in place of the others one that says how many they are."""
    more = len(problems) - LISTED_MAX
    if more <= 0:
        return tuple(problems)
    rest = FirelaneError(f"{more} more problems", "not listed", hint="mend those above first")
    return *problems[:LISTED_MAX], rest


def together(problems: Sequence[FirelaneError]) -> list[FirelaneError]:
    """The problems in their order; in place of many that are mended alike the first of them, and how many they are."""
    alike: dict[str, list[FirelaneError]] = {}
    for problem in problems:
        alike.setdefault(problem.hint or str(problem), []).append(problem)
    found = []
    for problem in problems:
        others = alike[problem.hint or str(problem)]
        if len(others) <= ALIKE_MAX:
            found.append(problem)
        elif problem is others[0]:
            same = all(other.found == problem.found for other in others)
            found.append(FirelaneError(f"{problem.where} and {len(others) - 1:,} more",
                                       problem.found if same else f"{problem.found}, the first of them",
                                       hint=problem.hint))
    return found


def raise_all(problems: Sequence[FirelaneError]) -> None:
    """Raise the first of `problems`, if any, with the others, as `listed`, in its attribute `further`."""
    if problems:
        first = problems[0]
        first.further = listed(problems)[1:]
        raise first


def further(problem: FirelaneError) -> tuple[FirelaneError, ...]:
    """The problems that were found together with `problem`."""
    return problem.further


def first_of(problems: Sequence[FirelaneError]) -> str:
    """The first of several problems, and how many more there are; empty if there are none."""
    more = len(problems) - 1
    return f"{problems[0].where}: {problems[0].found}" + (f", and {more} more" if more else "") if problems else ""
