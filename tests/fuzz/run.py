"""Runs cases, and counts how they ended."""

from __future__ import annotations

import contextlib
import io
import signal
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from firelane.compiler.support.progress import Progress, silent
from tests.fuzz.targets import TARGETS, Ending, Hang, Target

COLUMNS = ("tried", *(ending.value for ending in Ending), "tracebacks", "hangs")


@dataclass
class Tally:
    """Counts of one target, and what is to be looked at: (seed of the case, what happened)."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))
    faults: list[tuple[int, str]] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong, ended in a traceback or hung."""
        return not any(self.counts[name] for name in ("wrong", "tracebacks", "hangs"))


def run(cases: int, seed: int, folder: Path, *, watchdog: int = 0, only: str = "",
        progress: Progress = silent) -> dict[str, Tally]:
    """Try so many cases, spread over the targets.

    Parameters
    ----------
    watchdog : int
        Seconds of processor time after which a case is a hang; 0: only work that is counted can be one.
    progress : callable
        Told the input that is tried, cases done, and cases in all.
    """
    tallies = {}
    share = sum(weight for _, weight in TARGETS.values())
    for number, (name, (target, weight)) in enumerate(TARGETS.items()):
        if only and only != name:
            continue
        tallies[name] = tally = Tally()
        count = cases if only else max(1, cases * weight // share)
        for case in range(count):
            progress(name, case, count)
            try_case(tally, target, (seed, number, case), folder, watchdog)
    return tallies


def try_case(tally: Tally, target: Target, seed: tuple[int, int, int], folder: Path, watchdog: int) -> None:
    """Run one case and count how it ended."""
    tally.counts["tried"] += 1
    try:
        with _watched(watchdog), contextlib.redirect_stderr(io.StringIO()):
            ending = target(np.random.default_rng(seed), folder)
        tally.counts[ending.value] += 1
        if ending is Ending.WRONG:
            tally.faults.append((seed[2], "wrong"))
    except Hang as hang:
        tally.counts["hangs"] += 1
        tally.faults.append((seed[2], f"hang: {hang}"))
    except Exception:
        tally.counts["tracebacks"] += 1
        tally.faults.append((seed[2], traceback.format_exc(limit=-3)))


@contextlib.contextmanager
def _watched(seconds: int) -> Iterator[None]:
    if not seconds:
        yield
        return

    def bite(number, frame):
        raise Hang(f"{seconds} s of processor time")
    signal.signal(signal.SIGVTALRM, bite)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def table(tallies: dict[str, Tally]) -> list[str]:
    """Lines of Markdown."""
    lines = [f"| input | {' | '.join(COLUMNS)} |", "|---|" + "---|" * len(COLUMNS)]
    lines += [f"| {name} | {' | '.join(f'{tally.counts[column]:,}' for column in COLUMNS)} |"
              for name, tally in tallies.items()]
    total = {column: sum(tally.counts[column] for tally in tallies.values()) for column in COLUMNS}
    return [*lines, f"| all | {' | '.join(f'{total[column]:,}' for column in COLUMNS)} |"]
