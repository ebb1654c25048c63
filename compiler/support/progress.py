"""Progress of long steps, and who is told of it.

A step is told what it is called, how much is done and of how much; `Progress` is the type of whom it tells. The display
makes bars with the time left of it on a terminal, and a line now and then elsewhere. What follows a comma in the name
says where in the stage it is: its time does not begin again there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Column
from rich.text import Text

Progress = Callable[[str, float, float | None], None]      # stage, done, of so much (None: nobody knows)
LINE_SECONDS = 10           # between two lines of a log
AT_MOST = "at most"         #: in the name of a stage: so is its total
WITHIN = ", "               #: in the name of a stage, before where in it the work is
BAR_WIDTH = 80              # of a terminal that has room for a bar
LEAST_SHARE = 0.02          # that must be done before what is left can be told from it


def silent(stage: str, done: float = 0, total: float | None = None) -> None:
    """A `Progress` that says nothing."""


@contextmanager
def display(console: Console) -> Iterator[Progress]:
    """A `Progress` for people: bars that vanish at the end on a terminal, else lines at most every LINE_SECONDS."""
    if not console.is_terminal:
        yield _Log(console)
        return
    with Bars(*_columns(console.width), console=console, transient=True) as bars:
        yield _Terminal(bars)


def _columns(width: int) -> list[ProgressColumn]:
    """What a line of progress has room for: in a narrow terminal neither a bar nor the time that has passed."""
    stage, share = TextColumn("{task.description}", markup=False), TaskProgressColumn(table_column=Column(no_wrap=True))
    left = _TimeLeft(Column(no_wrap=True))
    if width < BAR_WIDTH:
        return [SpinnerColumn(), stage, share, left]
    return [SpinnerColumn(), stage, BarColumn(), share, TimeElapsedColumn(table_column=Column(no_wrap=True)), left]


class _TimeLeft(ProgressColumn):
    """What `progress_line` says is left; rich looks at the last half minute alone, and rounds can last longer."""

    def render(self, task: Task) -> Text:
        left = seconds_left(task.completed, task.total, task.elapsed or 0.0)
        return Text("" if left is None else _left(task.description, left), style="progress.remaining")


class _Terminal:
    """One bar at a time for each thread that has something to tell: that of the stage in hand."""

    def __init__(self, bars: Bars):
        self._bars = bars
        self._tasks: dict[int, tuple[str, TaskID]] = {}

    def __call__(self, stage: str, done: float = 0, total: float | None = None) -> None:
        thread = threading.get_ident()
        before, task = self._tasks.get(thread, (None, None))
        name = stage.partition(WITHIN)[0]
        if task is None or name != before:
            if task is not None:
                self._bars.remove_task(task)
            task = self._bars.add_task(stage, total=total)
            self._tasks[thread] = name, task
        self._bars.update(task, description=stage, completed=done, total=total)


class _Log:
    """A line for a stage that lasts: its name, its share, the time it took and the time it will take."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic):
        self._console, self._clock = console, clock
        self._stages: dict[int, tuple[str, float, float]] = {}      # of each thread: stage, when it began, when said

    def __call__(self, stage: str, done: float = 0, total: float | None = None) -> None:
        now, thread = self._clock(), threading.get_ident()
        before, began, said = self._stages.get(thread, ("", now, now))
        name = stage.partition(WITHIN)[0]
        if name != before:
            began = said = now
        elif now - said >= LINE_SECONDS:
            said = now
            self._console.print(Text(progress_line(stage, done, total, now - began)), soft_wrap=True)
        self._stages[thread] = name, began, said


def progress_line(stage: str, done: float, total: float | None, seconds: float) -> str:
    """Progress in words; the time left supposes that the speed stays what it was.

    >>> progress_line("simulating", 1, 4, 20)
    'simulating: 25 %, 20 s, about 60 s left'
    """
    if not total:
        return f"{stage}: {in_minutes(seconds)}"
    left = seconds_left(done, total, seconds)
    said = "" if left is None else f", {_left(stage, left)}"
    return f"{stage}: {min(done / total, 1):.0%}".replace("%", " %") + f", {in_minutes(seconds)}{said}"


def _left(stage: str, seconds: float) -> str:
    """The time left in words; where the total is a bound, so is this."""
    return f"{AT_MOST if AT_MOST in stage else 'about'} {in_minutes(seconds)} left"


def seconds_left(done: float, total: float | None, seconds: float) -> float | None:
    """What is left if the speed stays what it was; None if too little is done to tell."""
    if not total or done / total < LEAST_SHARE:
        return None
    return seconds * (max(total / done, 1) - 1)


def in_minutes(seconds: float) -> str:
    """A time in words, to half a percent or so.

    >>> in_minutes(62.4), in_minutes(600), in_minutes(10_000)
    ('62 s', '10 min', '2 h 47 min')
    """
    if seconds < 200:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
