"""Networks of the Fire family on engines of many sizes: what each would cost, and which nothing beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rich.console import Group

from firelane import report as reports
from firelane.api.arguments import check_count
from firelane.api.reported import Reported
from firelane.boards.explore import front, run
from firelane.boards.explore.front import GOALS, csv_text, pareto
from firelane.boards.explore.point import Question
from firelane.boards.explore.space import Space
from firelane.boards.explore.tables import render
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.progress import Progress, silent

if TYPE_CHECKING:
    from firelane.report.page.document import Document


@dataclass(frozen=True, eq=False, repr=False)
class Exploration(Reported):
    """All points of a space, and the front.

    Printed with `rich`, it is what `firelane explore` prints.

    Parameters
    ----------
    question : Question
        Device, clock and density.
    goals : tuple of str
        What the front is of; a minus: more is better.
    points : tuple of dict
        Of each point where it is, whether it fits, why not, and what it costs.
    """

    question: Question
    goals: tuple[str, ...]
    points: tuple[dict[str, Any], ...]

    @cached_property
    def front(self) -> list[Mapping[str, Any]]:
        """The points that fit and that no other beats."""
        return list(pareto(self.points, self.goals))

    @property
    def answer(self) -> str:
        """What came out, in a line."""
        held = sum(point["fits"] for point in self.points)
        return (f"{held:,} of {len(self.points):,} points fit {self.question.device}; {len(self.front):,} are on the "
                f"front of {', '.join(self.goals)}")

    def to_csv(self, *, only_front: bool = True) -> str:
        """The front, or all points, as CSV."""
        return csv_text(self.front if only_front else self.points)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for programs."""
        on_front = {id(point) for point in self.front}
        return {"answer": self.answer, **asdict(self.question), "goals": list(self.goals),
                "points": [point | {"on_front": id(point) in on_front} for point in self.points]}

    def to_json(self) -> str:
        """The same as text, as `firelane explore --json` prints it."""
        return json_document("explore", self.to_dict())

    def document(self) -> Document:
        """Its report."""
        return reports.explored_document(self.answer, self.points, self.front, self.goals, self.question)

    def __rich__(self) -> Group:
        return render(self.answer, self.points, self.front)

    def __repr__(self) -> str:
        return f"<Exploration: {self.answer}>"


def explore(axes: Mapping[str, Sequence[Any]], *, device: str = Question.device, clock_mhz: float = Question.clock_mhz,
            density: float | None = None, thorough: bool = False, goals: Sequence[str] = GOALS,
            scheduler: str | None = None, workers: int | None = None, progress: Progress = silent) -> Exploration:
    """What every combination of the values of some axes would cost, on the compiler's own schedules and codes.

    Weights are random: 31 levels, with the density of Deep Compression for each kind of layer. What is finished is
    kept in build/explore.

    Parameters
    ----------
    axes : mapping
        Name -> values. Of networks: squeeze_ratio, pct_3x3, base, increment, frequency, bypass ("none", "simple",
        "complex"), pools ("early", "late"), stem ("7x7", "3x3"), input_size; of engines: banks, taps, activation_words.
    device : str
        Whose block RAMs, multipliers and LUTs there are, e.g. "LFE5U-85F".
    clock_mhz : float
        For frames a second.
    density : float, optional
        Of all layers, in place of Deep Compression's.
    thorough : bool
        Look for schedules as long as the compiler does: several seconds a point.
    goals : sequence of str
        Figures of which the front is; a minus: more is better. Weights stand for what a network can learn.
    scheduler : str, optional
        Address of a Dask scheduler, in place of processes of this machine.
    workers : int, optional
        Processes of this machine, 0 for none but this one.
    progress : callable
        Told how many networks are finished.

    Raises
    ------
    FirelaneError
        If there is no such axis, value or device, or there are no workers. A point that does not fit is none.
    """
    space, question = Space(axes), Question(device=device, clock_mhz=clock_mhz, density=density, thorough=thorough)
    front.check_goals(goals)
    if workers:
        check_count("workers", workers)
    with run.pool(workers, scheduler) as work:
        found = run.explore(space, question, work, progress)
    return Exploration(question, tuple(goals), tuple(found))
