"""What `firelane camera-sim` shows and says, without a simulator; `test_camera_board.py` has one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from firelane.boards import get_board
from firelane.boards.camera.ov7670 import OV7670
from firelane.boards.camera.planning import plan_camera
from firelane.boards.host.camera_lines import CameraLine
from firelane.boards.simulated import camera_sim
from firelane.boards.simulated.camera_session import Seen
from firelane.boards.simulated.camera_sim import best_by_reference, camera_picture, own_picture, show_pictures, times_of
from firelane.cli.main import main
from firelane.compiler.compile import compile_model
from firelane.compiler.frame_io.camera import frame_of_rgb, image_of_frame
from firelane.compiler.support.errors import MismatchError
from firelane.models.catalogue import model_file
from firelane.models.drawn_digits import drawn_digits

BOARD = get_board("ulx3s_25f")


@pytest.fixture(scope="module")
def compiled():
    return compile_model(model_file("digits"), BOARD.engine)


@pytest.fixture(scope="module")
def planned(compiled):
    return plan_camera(BOARD, compiled, OV7670)


def test_a_frame_takes_as_long_as_planned(planned):
    times, lines = times_of(OV7670, planned), planned.plan.wanted.lines
    line = planned.plan.wanted.line_bytes * times.pclk + times.line_blank
    whole = times.before + times.vsync + times.behind + lines * line
    assert whole == pytest.approx(1e9 / planned.rate.frames_per_second)
    assert min(times.pclk, times.line_blank, times.before, times.vsync, times.behind) > 0


def test_a_picture_of_the_cameras_size_is_taken_as_it_is(planned, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (camera_picture(tmp_path / "a.png", planned.plan.wanted) == pixels).all()
    Image.new("RGB", (900, 600), (10, 20, 30)).save(tmp_path / "b.png")
    found = camera_picture(tmp_path / "b.png", planned.plan.wanted)
    assert found.shape == (240, 320, 3) and (found == (10, 20, 30)).all()


def test_the_network_sees_our_own_picture(compiled, planned):
    """A drawn digit, but for what five and six bits of a colour leave of it."""
    frame = frame_of_rgb(own_picture(compiled.graph, planned.plan.wanted), planned.plan.wanted)
    seen, drawn = image_of_frame(frame, planned.plan.wanted), drawn_digits(1)
    difference = seen[0].astype(int) - drawn.images[0][..., 0]
    assert abs(difference).max() < 8
    assert best_by_reference(compiled, frame, planned.plan.wanted)[0][0] == drawn.labels[0]


@pytest.fixture
def board(monkeypatch, compiled, planned):
    """A board that answers what it is told to: `answers` takes the right one and returns those that are given."""
    def of(answers):
        def run(built, contents, session, folder):
            frame = frame_of_rgb(own_picture(compiled.graph, planned.plan.wanted), planned.plan.wanted)
            best = best_by_reference(compiled, frame, planned.plan.wanted)
            right = CameraLine(clock_hz=75_000_000, digest=1, frames=1, dropped=0, skipped=0, errors=0,
                               cycles=2_000_000, latency=75_000, best=best)
            return Seen(lines=answers(right), text=b"", leds=0, settings=[], cycles=3_000_000)

        monkeypatch.setattr(camera_sim, "build_camera_board", lambda *arguments, **options: None)
        monkeypatch.setattr(camera_sim, "run_session", run)

    return of


def test_right_answers_are_told(board, capsys):
    board(lambda right: [replace(right, best=()), right])
    assert main(["camera-sim"]) == 0
    said = capsys.readouterr().out
    assert "1.000 ms after its last row, engine 2,000,000 cycles, " in said and "limited by the camera" in said
    assert "1 of 1 equal the reference; 3,000,000 cycles simulated" in said


@pytest.mark.parametrize("answers, message", [
    (lambda right: [], "0 answers to 1 pictures"), (lambda right: [right, right], "2 answers to 1 pictures"),
    (lambda right: [replace(right, best=(*right.best[:4], (9, 250)))], "a picture of ours: the reference finds ")])
def test_wrong_answers_are_an_error(board, answers, message):
    board(answers)
    with pytest.raises(MismatchError, match=message):
        show_pictures("digits", "ulx3s_25f", "ov7670", say=lambda line: None, note=lambda line: None)
