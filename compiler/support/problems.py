"""Several problems at once: the first is raised, the others ride along."""

from __future__ import annotations

from collections.abc import Sequence

from firelane.compiler.support.errors import FirelaneError


def raise_all(problems: Sequence[FirelaneError]) -> None:
    """Raise the first of `problems`, if any, with the others in its attribute `further`."""
    if problems:
        first = problems[0]
        first.further = tuple(problems[1:])
        raise first


def further(problem: FirelaneError) -> tuple[FirelaneError, ...]:
    """The problems that were found together with `problem`."""
    return problem.further
