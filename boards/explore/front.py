"""The points that no other point beats, and all points as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from firelane.boards.explore.point import FIGURES
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint

__all__ = ["GOALS", "check_goals", "csv_text", "pareto"]

GOALS = ("cycles", "bytes", "words", "-weights")    #: a minus: more is better
POSSIBLE = (*FIGURES, "input_size")
Row = Mapping[str, Any]


def check_goals(goals: Sequence[str]) -> None:
    """Nothing, if these are figures of a point.

    Raises
    ------
    ConfigError
        If one is none.
    """
    for goal in goals:
        if goal.removeprefix("-") not in POSSIBLE:
            raise ConfigError("--front", goal, hint=hint(goal, POSSIBLE, f"of {', '.join(POSSIBLE)}; -weights: more is "
                                                                         "better"))


def pareto(rows: Sequence[Row], goals: Sequence[str] = GOALS) -> list[Row]:
    """The points that fit and that none beats: none is as good in all goals, and better in one. In the given order."""
    check_goals(goals)
    fitting = [row for row in rows if row["fits"]]
    for goal in goals:
        if any(row[goal.removeprefix("-")] is None for row in fitting):
            raise ConfigError("--front", f"{goal} is not known on this device", hint="leave it out")
    places = [tuple(-row[goal[1:]] if goal.startswith("-") else row[goal] for goal in goals) for row in fitting]
    best: list[tuple] = []
    for place in sorted(set(places)):           # none can be beaten by one that comes later
        if not any(all(one <= other for one, other in zip(known, place)) for known in best):
            best.append(place)
    kept = set(best)
    return [row for row, place in zip(fitting, places) if place in kept]


def csv_text(rows: Sequence[Row]) -> str:
    """A line for each point; what is not known is empty."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()
