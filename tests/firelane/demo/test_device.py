"""The board behind the page: answers in order, lost and found again, and a clean end."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from firelane.boards.simulated.build import Design, SimulatedBoard
from firelane.boards.simulated.running import RunningBoard
from firelane.boards.top.identity import Identity
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.progress import silent
from firelane.demo.device import WAITING_MOST, Device, Stopped
from firelane.demo.run import Demo, _simulated
from firelane.demo.server import listening
from firelane.sim import reference
from tests.boards.host.digits import CFG, compiled, pixels
from tests.firelane.demo.served import CLOCK_HZ, started, until

PROCESS = '''#!{python}
"""A simulated board's process: a board in Python, and its line and its parent as boards/simulated/main.cpp has them."""
import os, select, sys
sys.path.insert(0, {root!r})
from firelane.boards.top.identity import Identity
from tests.boards.host.digits import CFG
from tests.boards.host.fake_board import FakeBoard

line, parent = int(sys.argv[1]), 0
board = FakeBoard(compute=lambda image: bytes({size}), digest={digest},
                  identity=Identity(board="fake", clock_hz=1_000_000, engine=CFG))
while True:
    ready, _, _ = select.select([line, parent], [], [])
    if parent in ready:
        if not os.read(parent, 64):
            break
        os.write(parent, b"1\\n")
    if line in ready:
        os.write(line, board.answers(os.read(line, 4096)))
'''


def right(number: int) -> np.ndarray:
    return reference.run_batch(compiled("digits").graph, pixels(number)[None])[0]


def test_answers_in_the_order_of_the_questions(bench, device):
    bench.go_on.clear()
    answers = [device.ask(pixels(number)) for number in range(4)]
    bench.computing.wait()
    assert device.status().state == "running" and device.status().waiting == 3
    bench.go_on.set()
    for number, answer in enumerate(answers):
        assert np.array_equal(answer.result().stored, right(number))
    until(device, lambda: device.status().frames == 4)


def test_the_layer_that_runs(bench, device):
    """Told from the clock: the fake's stands still while it computes, so it is at the end of the load."""
    assert device.status().layer is None and not device.about.observed
    bench.go_on.clear()
    answer = device.ask(pixels(0))
    bench.computing.wait()
    timeline = device.about.timeline
    assert device.status().layer == timeline.layer_at_cycle(timeline.loaded(1)) and device.status().sent == 1
    bench.go_on.set()
    answer.result()
    until(device, lambda: device.status().state == "idle")
    assert device.status().layer is None


def test_too_many_questions(bench, device):
    bench.go_on.clear()
    answers = [device.ask(pixels(0))]
    bench.computing.wait()
    answers += [device.ask(pixels(0)) for _ in range(WAITING_MOST)]
    with pytest.raises(FirelaneError, match=f"^board: {WAITING_MOST} pictures are waiting; try again$"):
        device.ask(pixels(0))
    bench.go_on.set()
    assert all(answer.result().cycles for answer in answers)


def test_unplugged_and_plugged_in_again(bench, device):
    bench.unplug()
    until(device, lambda: device.status().state == "lost")
    assert "the port is gone" in device.status().message or "there is no board" in device.status().message
    with pytest.raises(FirelaneError, match="plug it in|still connected"):
        device.ask(pixels(0))
    bench.plug_in()
    until(device, lambda: device.status().state == "idle")
    assert np.array_equal(device.ask(pixels(2)).result().stored, right(2)) and device.status().message == ""


def test_a_simulated_board_that_is_killed_is_started_again(model, tmp_path, monkeypatch):
    program, said = tmp_path / "board", []
    program.write_text(PROCESS.format(python=sys.executable, root=str(Path(__file__).parents[3]),
                                      size=model.result.size, digest=model.digest))
    program.chmod(0o755)
    built = SimulatedBoard(Design(identity=Identity(board="fake", clock_hz=CLOCK_HZ, engine=CFG)), program, [])

    monkeypatch.setattr("firelane.demo.run.build_model_board", lambda *arguments, **options: SimpleNamespace(
        model=model, start=lambda: RunningBoard(built)))
    connect = _simulated("digits", None, None, {}, lambda line: None, silent)
    with started(connect, said.append) as device:
        device._connected.running._process.kill()
        until(device, lambda: device.status().state == "lost")
        until(device, lambda: device.status().state == "idle")
        assert device.ask(pixels(0)).result().cycles and device.status().message == ""
        assert len(said) == 2 and said[0].startswith("lost the board: the simulated board: has ended (the port is gone")
        assert said[0].endswith("; looking for it again")
        assert said[1] == f"found the board again: {device.about.info.port}"


def test_a_defect_ends_the_demo():
    """Not the thread alone: then the page would wait for ever for a board that nobody looks for."""
    def connect():
        raise ZeroDivisionError("a defect")

    page = Demo(connect, listening(0))
    with pytest.raises(ZeroDivisionError, match="^a defect$"):
        page.serve()


def test_those_who_ask_hear_of_a_defect():
    def connect():
        raise ZeroDivisionError("a defect")

    device = Device(connect)
    device.start()
    until(device, lambda: device.status().state == "lost")
    with pytest.raises(FirelaneError, match=r"^board: the demo: has failed \(ZeroDivisionError: a defect\)"):
        device.ask(pixels(0))
    device.stop()


def test_those_who_wait_hear_of_a_lost_board(bench, device):
    bench.go_on.clear()
    answers = [device.ask(pixels(0)) for _ in range(3)]
    bench.computing.wait()
    bench.go_on.set()
    bench.unplug()
    for answer in answers:
        problem = answer.exception()
        assert problem is None or isinstance(problem, FirelaneError)
    assert answers[-1].exception() is not None
    bench.plug_in()
    until(device, lambda: device.status().state == "idle")


def test_the_end_while_pictures_wait(bench):
    with started(bench.connect) as device:
        bench.go_on.clear()
        answers = [device.ask(pixels(0)) for _ in range(3)]
        bench.computing.wait()
        device._stop.set()
        bench.go_on.set()
    assert all(isinstance(answer.exception(), Stopped) for answer in answers[1:])
    assert device.status().state == "stopped" and device.stopping
