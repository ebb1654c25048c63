"""What `firelane explore` prints: the answer, the front, and why points do not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType

from firelane.boards.explore.space import ENGINE_AXES, NETWORK_AXES
from firelane.compiler.support.fitted_table import Column, FittedTable
from firelane.compiler.support.indented import Indented

MOST = 40           #: rows that are printed; CSV and report have all of them
FIGURES = (("frames_per_second", "frames/s", ",.1f"), ("cycles", "cycles", ",d"), ("bytes", "bytes", ",d"),
           ("words", "words", ",d"), ("weights", "weights", ",d"))
Row = Mapping[str, Any]


def varying(points: Sequence[Row]) -> list[str]:
    """The axes that have more than one value."""
    return [name for name in (*NETWORK_AXES, *ENGINE_AXES) if len({point[name] for point in points}) > 1]


def name_of(point: Row, axes: Sequence[str]) -> str:
    """Where a point is, in a few words."""
    return ", ".join(f"{axis.replace('_', ' ')} {point[axis]}" for axis in axes) or "the only point"


def reasons(points: Sequence[Row]) -> list[tuple[str, int]]:
    """Why points do not fit, without their numbers, and how many; most first."""
    kinds = Counter(re.sub(r"[\d,]*\d", "N", part) for point in points if not point["fits"]
                    for part in point["why"].split("; ")[:1])
    return kinds.most_common()


def render(answer: str, points: Sequence[Row], front: Sequence[Row]) -> Group:
    """Everything, for the terminal."""
    axes = varying(points)
    columns = (Column("point", names=True), *(Column(head, drop=number) for number, (_, head, _) in enumerate(FIGURES)))
    by_cycles = sorted(front, key=lambda point: point["cycles"])
    rows = [(name_of(point, axes), *(format(point[name], style) for name, _, style in FIGURES))
            for point in by_cycles[:MOST]]
    parts: list[RenderableType] = [Indented(answer, 0, style="bold")]
    if rows:
        more = f", the fastest {MOST} of {len(front):,}" if len(front) > MOST else ""
        parts += ["", FittedTable(f"The front{more}", columns, rows)]
    if short := reasons(points):
        parts += ["", Indented("Why points do not fit", 0, style="bold"),
                  *(Indented(f"{count:,}: {why}", 2) for why, count in short)]
    return Group(*parts)
