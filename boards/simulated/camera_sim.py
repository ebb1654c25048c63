"""What `firelane camera-sim` does: pictures through a camera's pins, the gateware of a board, and its serial line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from firelane.boards import get_board
from firelane.boards.camera import get_sensor
from firelane.boards.camera.planning import PlannedCamera, plan_camera
from firelane.boards.camera.sensor import Sensor
from firelane.boards.host.camera_lines import CameraLine
from firelane.boards.simulated.camera_board import build_camera_board
from firelane.boards.simulated.camera_session import CameraTimes, Session, Shot, run_session
from firelane.compiler.compile import compile_model
from firelane.compiler.frame_io.camera import frame_of_rgb, image_of_frame
from firelane.compiler.frame_io.preprocessing import read_pixels
from firelane.compiler.ir.graph import Graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import MismatchError
from firelane.compiler.support.files import build_root, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.camera import BEST_CLASSES, CameraInput
from firelane.models.catalogue import model_file
from firelane.models.drawn_digits import drawn_digits
from firelane.models.made_images import made_images
from firelane.sim import reference

SCCB_QUARTER, SCCB_PAUSE = 8, 64        # cycles: a camera that is simulated needs no milliseconds to wake up
NANOSECONDS = 1e9
VSYNC_LINES = 1.5                       # lines that are sent, of which two of the sensor make one


def show_pictures(model: str, board_name: str, camera: str, images: Sequence[Path] = (), *,
                  say: Callable[[str], None], note: Callable[[str], None],
                  progress: Progress = silent) -> list[CameraLine]:
    """Show `images`, or one that is made for the network, to a simulated board with a camera.

    Returns the board's answers. `say` is told results, `note` what takes its time.

    Raises
    ------
    FirelaneError
        If the board, the camera or the network does not exist or do not belong together, or a tool fails.
    MismatchError
        If an answer is not that of the reference.
    """
    board, sensor = get_board(board_name), get_sensor(camera)
    compiled = compile_model(model_file(model, progress), board.engine, progress)
    planned = plan_camera(board, compiled, sensor)
    wanted = planned.plan.wanted
    names = [str(path) for path in images] or ["a picture of ours"]
    pictures = [camera_picture(path, wanted) for path in images] or [own_picture(compiled.graph, wanted)]
    frames = [frame_of_rgb(picture, wanted) for picture in pictures]
    timing = replace(planned.plan.timing, sccb_quarter_cycles=SCCB_QUARTER, sccb_pause_cycles=SCCB_PAUSE)
    say(f"{board.name}, {planned}")
    built = build_camera_board(replace(board.engine, trace=True), replace(planned.plan, timing=timing), notify=note,
                               progress=progress)
    progress("the camera sends, the engine computes", 0, None)
    session = Session(shots=[Shot(lines=tuple(row.tobytes() for row in frame)) for frame in frames],
                      times=times_of(sensor, planned), clock_ns=NANOSECONDS / planned.rate.clock_hz,
                      lines=len(frames), tail_cycles=planned.rate.frame_cycles)
    folder = build_root() / "camera-sim" / "last"
    with locked(folder):
        seen = run_session(built, compiled.program.contents, session, folder)
    answers = [line for line in seen.lines if line.best]
    if len(answers) != len(frames):
        raise MismatchError(f"{len(answers)} answers to {len(frames)} pictures; the board said {seen.text!r}")
    for name, frame, line in zip(names, frames, answers):
        say(f"{name}: {_told(line)}, {planned.rate.engine_cycles:,} predicted")
        expected = best_by_reference(compiled, frame, wanted)
        if line.best != expected:
            raise MismatchError(f"{name}: the reference finds {expected}, the board {line.best}")
    say(f"{len(frames)} of {len(frames)} equal the reference; {seen.cycles:,} cycles simulated")
    return answers


def _told(line: CameraLine) -> str:
    assert line.latency is not None, "it is an answer"
    return (", ".join(f"class {number} ({value})" for number, value in line.best)
            + f"; {1000 * line.latency / line.clock_hz:.3f} ms after its last row, engine {line.cycles:,} cycles")


def best_by_reference(compiled: Compiled, frame: np.ndarray, wanted: CameraInput) -> tuple[tuple[int, int], ...]:
    """The five best classes of what a camera sends, and their stored values."""
    result = reference.run_batch(compiled.graph, image_of_frame(frame, wanted)[np.newaxis]).reshape(-1).astype(int)
    order = np.argsort(-result, kind="stable")[:BEST_CLASSES]
    return tuple((int(number), int(result[number])) for number in order)


def camera_picture(path: Path, wanted: CameraInput) -> np.ndarray:
    """An image file as a camera sees it, uint8 (lines, columns, 3).

    One of the frame's size is taken as it is, the middle of another one, scaled until its shorter side fills the frame.
    """
    return read_pixels(path, 3, wanted.lines, wanted.columns, max(wanted.lines, wanted.columns)).transpose(1, 2, 0)


def own_picture(graph: Graph, wanted: CameraInput) -> np.ndarray:
    """A drawn digit for the digit networks, else a made image, where the network looks."""
    step, drawn = wanted.step, drawn_digits(1).images[0]
    if (wanted.height, wanted.width, wanted.channels) == drawn.shape:
        pixels = np.repeat(drawn, 3, axis=2)
    else:
        pixels = made_images(1, (3, wanted.height, wanted.width), seed=0)[0].transpose(1, 2, 0).astype(np.uint8)
    picture = np.zeros((wanted.lines, wanted.columns, 3), np.uint8)
    large = pixels.repeat(step, axis=0).repeat(step, axis=1)
    picture[wanted.top:wanted.top + len(large), wanted.left:wanted.left + large.shape[1]] = large
    return picture


def times_of(sensor: Sensor, planned: PlannedCamera) -> CameraTimes:
    """The camera's own times, as it is set, in nanoseconds."""
    rate, wanted = planned.rate, planned.plan.wanted
    period = NANOSECONDS / (rate.camera_hz / rate.divider)
    dark = rate.frame_cycles / (rate.clock_divider * rate.divider) - wanted.lines * sensor.line_periods
    vsync = VSYNC_LINES * sensor.line_periods
    return CameraTimes(
        pclk=sensor.byte_periods * period,
        line_blank=(sensor.line_periods - sensor.byte_periods * wanted.line_bytes) * period,
        before=sensor.tail_periods * period, vsync=vsync * period,
        behind=(dark - sensor.tail_periods - vsync) * period)
