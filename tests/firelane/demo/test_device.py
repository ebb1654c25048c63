"""The board behind the page: answers in order, lost and found again, and a clean end."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.support.errors import FirelaneError
from firelane.demo.device import WAITING_MOST, Stopped
from firelane.sim import reference
from tests.boards.host.digits import compiled, pixels
from tests.firelane.demo.served import started, until


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
