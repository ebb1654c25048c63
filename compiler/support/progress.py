"""Progress of long steps, and who is told of it.

A step is told what it is called, how much is done and of how much; `Progress` is the type of whom it tells. The display
makes bars with the time left of it on a terminal, and a line now and then elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

Progress = Callable[[str, float, float | None], None]      # stage, done, of so much (None: nobody knows)
LINE_SECONDS = 10           # between two lines of a log
LEAST_SHARE = 0.02          # that must be done before what is left can be told from it


def silent(stage: str, done: float = 0, total: float | None = None) -> None:
    """A `Progress` that says nothing."""


@contextmanager
def display(console: Console) -> Iterator[Progress]:
    """A `Progress` for people: bars that vanish at the end on a terminal, else lines at most every LINE_SECONDS."""
    if not console.is_terminal:
        yield _Log(console)
        return
    with Bars(SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(),
              TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as bars:
        yield _Terminal(bars)


class _Terminal:
    """One bar at a time: that of the stage in hand."""

    def __init__(self, bars: Bars):
        self._bars = bars
        self._stage: str | None = None
        self._task: TaskID | None = None

    def __call__(self, stage: str, done: float = 0, total: float | None = None) -> None:
        if self._task is None or stage != self._stage:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._stage, self._task = stage, self._bars.add_task(stage, total=total)
        self._bars.update(self._task, completed=done, total=total)


class _Log:
    """A line for a stage that lasts: its name, its share, the time it took and the time it will take."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic):
        self._console, self._clock = console, clock
        self._stage: str | None = None
        self._began = self._said = 0.0

    def __call__(self, stage: str, done: float = 0, total: float | None = None) -> None:
        now = self._clock()
        if stage != self._stage:
            self._stage = stage
            self._began = self._said = now
        elif now - self._said >= LINE_SECONDS:
            self._said = now
            self._console.print(Text(progress_line(stage, done, total, now - self._began)), soft_wrap=True)


def progress_line(stage: str, done: float, total: float | None, seconds: float) -> str:
    """Progress in words; the time left supposes that the speed stays what it was.

    >>> progress_line("simulating", 1, 4, 20)
    'simulating: 25 %, 20 s, about 60 s left'
    """
    if not total:
        return f"{stage}: {seconds:.0f} s"
    share = min(done / total, 1)
    left = f", about {seconds * (1 / share - 1):.0f} s left" if share >= LEAST_SHARE else ""
    return f"{stage}: {share:.0%}".replace("%", " %") + f", {seconds:.0f} s{left}"
