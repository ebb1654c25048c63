"""What long steps say, on a terminal and in a log."""

from __future__ import annotations

import io
import re
import threading

import pytest
from rich.console import Console

from firelane.compiler.support.progress import LINE_SECONDS, _Log, display, progress_line


@pytest.mark.parametrize(("arguments", "line"), [
    (("simulating", 1, 4, 20), "simulating: 25 %, 20 s, about 60 s left"),
    (("simulating", 5, 4, 20), "simulating: 100 %, 20 s, about 0 s left"),
    (("routing", 1, 4, 1000), "routing: 25 %, 17 min, about 50 min left"),
    (("searching, try 2 of at most 4", 1, 4, 20), "searching, try 2 of at most 4: 25 %, 20 s, at most 60 s left"),
    (("building", 0, 4, 7), "building: 0 %, 7 s"), (("building", 3, None, 7.4), "building: 7 s"),
])
def test_line(arguments, line):
    assert progress_line(*arguments) == line


def test_log_speaks_seldom_and_of_one_stage():
    """Nothing of what is over soon; a stage's time begins with the stage."""
    now, out = [0.0], io.StringIO()
    log = _Log(Console(file=out, width=80), clock=lambda: now[0])
    for second in range(3 * LINE_SECONDS):
        now[0] = second
        log("short" if second < LINE_SECONDS else "long", second, 4 * LINE_SECONDS)
    assert out.getvalue() == "long: 50 %, 10 s, about 10 s left\n"


def test_where_in_a_stage_the_work_is_does_not_begin_it_again():
    now, out = [0.0], io.StringIO()
    log = _Log(Console(file=out, width=80), clock=lambda: now[0])
    for second in range(LINE_SECONDS + 1):
        now[0] = second
        log(f"searching, try {second}", second, 2 * LINE_SECONDS)
    assert out.getvalue() == "searching, try 10: 50 %, 10 s, about 10 s left\n"


def test_a_bar_says_where_in_its_stage_the_work_is():
    """One bar, whose time goes on, and whose total may change."""
    out = io.StringIO()
    with display(Console(file=out, force_terminal=True, width=80)) as progress:
        progress("searching, try 1", 1, 8)
        [(_, task)] = progress._tasks.values()
        progress("searching, try 2", 2, 3)
        assert [other for _, other in progress._tasks.values()] == [task]
        assert progress._bars.tasks[0].description == "searching, try 2" and progress._bars.tasks[0].total == 3
    assert "searching, try 2" in out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_bar_has_room_in_one_line(width):
    out = io.StringIO()
    with display(Console(file=out, force_terminal=True, width=width)) as progress:
        progress("compressing, attempt 5 of at most 8", 2, 4)
        progress._bars.tasks[0].start_time -= 30
    last = re.split(r"\r|\n", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue()).strip())[-1]
    assert len(last) <= width and " 50% " in last and last.rstrip().endswith("at most 30 s left")
    assert ("0:00:30" in last) == (width >= 80)


def test_threads_have_stages_of_their_own():
    """Seeds that are tried at the same time do not end each other's stages."""
    now, out = [0.0], io.StringIO()
    log = _Log(Console(file=out, width=80), clock=lambda: now[0])
    for second in range(LINE_SECONDS + 1):
        now[0] = second
        log("seed 1", second, 2 * LINE_SECONDS)
        other = threading.Thread(target=log, args=(f"seed 2: pass {second}", 1, 2))
        other.start()
        other.join()
    assert out.getvalue() == "seed 1: 50 %, 10 s, about 10 s left\n"


def test_bars_come_and_go():
    out = io.StringIO()
    with display(Console(file=out, force_terminal=True, width=80)) as progress:
        progress("first stage", 1, 4)
        progress("second [stage]", 3, 4)
        progress("second [stage]", 4, None)
    assert "second [stage]" in out.getvalue()
