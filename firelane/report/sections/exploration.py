"""An exploration: the front among all points, and why others do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from firelane.boards.explore.front import Row
from firelane.boards.explore.tables import FIGURES, name_of, varying
from firelane.boards.explore.tables import reasons as counted
from firelane.report.figures import exploration as figures
from firelane.report.page.document import Plot, Section, Table


def front(points: Sequence[Row], best: Sequence[Row]) -> Section:
    """All points that exist, the front among them."""
    axes, there = varying(points), [point for point in points if point["cycles"] is not None]
    rows = tuple((name_of(point, axes), *(format(point[name], style) for name, _, style in FIGURES))
                 for point in sorted(best, key=lambda point: point["cycles"]))
    return Section("front", "The front", "No network was trained: nothing here is about accuracy.", (
        Plot("front-cycles", "Cycles against weights", "Filled points are on the front: no other has as many weights "
             "for as few cycles, bytes and words. Hollow ones fit, crosses do not; the area says how many bytes.",
             figures.scattered(there, best, axes)),
        Table("Points on the front", ("point", *(head for _, head, _ in FIGURES)), rows)))


def reasons(points: Sequence[Row]) -> Section:
    """Why points do not fit, and each of them."""
    axes = varying(points)
    rows = tuple((name_of(point, axes), point["why"]) for point in points if not point["fits"])
    kinds = tuple((f"{count:,}", why) for why, count in counted(points))
    return Section("reasons", "What does not fit, and why", "Memories other than the activation memory are as large as "
                   "a network needs, so it is the device that is too small for them.",
                   (Table("Reasons", ("points", "why (N: a number)"), kinds, words=True),
                    Table("All of them", ("point", "why"), rows, folded=True, words=True)))
