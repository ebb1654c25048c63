"""Explores a space: network by network, on one process or on a Dask cluster, keeping what is finished.

What was found of a point is kept in build/explore by the digest of all that it follows from, sources included. So after
Ctrl-C the same command goes on, and a wider space asks only what is new.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firelane.boards.board import DEVICES
from firelane.boards.explore.point import Question, cost_of_member
from firelane.boards.explore.space import EnginePoint, Member, Space
from firelane.compiler.fit.thinned import check_density
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.files import build_root, digest, write_file
from firelane.compiler.support.near import hint
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest

__all__ = ["MADE_BY", "code_digest", "explore", "pool"]

STAGE = "exploring"
MADE_BY = ("firelane.hw.contract", "firelane.compiler", "firelane.models", "firelane.boards")
Rows = list[dict[str, Any]]
Task = tuple[Member, tuple[EnginePoint, ...], Question]
Pool = Callable[[Sequence[Task]], Iterable[tuple[int, Rows]]]          # rows by number, as they are finished


def code_digest() -> str:
    """The digest of the code that a point's cost follows from."""
    return source_digest(*MADE_BY)


def in_process(tasks: Sequence[Task]) -> Iterator[tuple[int, Rows]]:
    """A pool without processes: one network after the other."""
    for number, task in enumerate(tasks):
        yield number, cost_of_member(*task)


@contextlib.contextmanager
def pool(workers: int | None = None, scheduler: str | None = None) -> Iterator[Pool]:
    """What does the work: processes of a Dask cluster on this machine, or on others.

    Parameters
    ----------
    workers : int, optional
        Processes of this machine; 0: this one alone, without Dask. As many as there are processors if not given.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers do it.

    Raises
    ------
    FirelaneError
        If Dask is not installed, or there are no workers to be had.
    """
    if scheduler is not None and workers is not None:
        raise ConfigError("--workers", f"{workers}, but the workers of {scheduler} are to be used",
                          hint="leave out --workers or --scheduler")
    if workers == 0:
        yield in_process
        return
    who = "--scheduler" if scheduler else "firelane explore with more than this process (--workers 0)"
    room = from_extra("firelane.boards.explore.dask_pool", "explore", who)
    with (room.remote(scheduler) if scheduler else room.local(workers)) as found:
        yield found


def explore(space: Space, question: Question, work: Pool = in_process, progress: Progress = silent) -> Rows:
    """Every point of a space, in its order.

    Raises
    ------
    ConfigError
        If what is asked makes no sense.
    """
    _check(question)
    members, engines, code = space.members, space.engines, code_digest()
    files = {(member, engine): _file(member, engine, question, code) for member in members for engine in engines}
    found = {place: row for place, file in files.items() if (row := _kept(file)) is not None}
    tasks = [(member, tuple(engine for engine in engines if (member, engine) not in found), question)
             for member in members]
    tasks = [task for task in tasks if task[1]]
    points, done = sum(len(asked) for _, asked, _ in tasks), 0
    progress(STAGE, done, points)
    for number, rows in work(tasks):
        member, asked, _ = tasks[number]
        for engine, row in zip(asked, rows):
            write_file(files[member, engine], json.dumps(row).encode(), "FIRELANE_BUILD")
            found[member, engine] = row
        done += len(asked)
        progress(STAGE, done, points)
    return [found[place] for place in files]


def _check(question: Question) -> None:
    if question.device not in DEVICES:
        raise ConfigError("--device", question.device, hint=hint(question.device, DEVICES))
    if not 0 < question.clock_mhz < float("inf"):
        raise ConfigError("--clock", f"{question.clock_mhz:g}", hint="MHz, above 0")
    if question.density is not None:
        check_density(question.density)


def _file(member: Member, engine: EnginePoint, question: Question, code: str) -> Path:
    """Where the row of a point is kept: by all that it follows from."""
    asked = [asdict(member), asdict(engine), engine.config.digest, asdict(question), asdict(DEVICES[question.device])]
    return build_root() / "explore" / f"{digest([code, json.dumps(asked)])}.json"


def _kept(file: Path) -> dict[str, Any] | None:
    """What was found before; None if there is nothing, or a damaged file."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
