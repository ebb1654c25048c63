"""How fast a camera may be, and how long it pauses between frames, so that an engine can follow: from the schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Any

from firelane.boards.board import Board
from firelane.boards.camera.sensor import Sensor
from firelane.boards.top.camera_engine import CameraPlan, CameraSettings, CameraTiming
from firelane.boards.top.clock import plan_clock
from firelane.boards.top.link_timing import link_timing
from firelane.compiler.fit.camera_rows import CameraFrame, RowTimes, camera_frame
from firelane.compiler.frame_io.camera import camera_input
from firelane.compiler.ir.graph import Graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import CapacityError, FirelaneError
from firelane.hw.camera.byte_queue import QUEUE_BLOCK_BYTES
from firelane.hw.camera.dvp_receiver import LEAST_CLOCK_RATIO
from firelane.hw.camera.pattern_camera import PatternTiming
from firelane.hw.contract.camera import PIXEL_BYTES, CameraInput

FASTEST_CLOCK_HZ = 27e6         #: that a camera is given over a header's wires
LINE_CHARACTERS = 160           #: of an answer on the serial line, at most
CHARACTER_BITS = 10
CAMERA, ENGINE, LINE = "the camera", "the engine", "the line"       #: what may limit pictures a second
NO_PINS = "no pins for a camera are known"
QUIET_SECONDS = 1.0             #: after so long without an answer a line says what was counted
SCCB_HZ = 100_000
SCCB_PAUSE_SECONDS = 2e-3


@dataclass(frozen=True, kw_only=True)
class CameraRate:
    """How a camera is set for an engine, and what comes of it.

    Parameters
    ----------
    clock_divider : int
        Of the engine's clock, for the camera's; even.
    divider : int
        Of that, inside the camera.
    dummy_lines : int
    frame_cycles : int
        Of the engine's clock, from one frame of the camera to the next.
    engine_cycles : int
        From the beginning of the first row to the engine's end, rows that it waits for included.
    queue_bytes : int
        Of rows, that wait for the engine at most.
    clock_hz : float
        The engine's.
    limit : str
        What keeps it from more pictures a second: CAMERA, which has no faster setting; ENGINE; LINE, on which an answer
        takes longer than the camera pauses.
    """

    clock_divider: int
    divider: int
    dummy_lines: int
    frame_cycles: int
    engine_cycles: int
    queue_bytes: int
    clock_hz: float
    limit: str

    @property
    def frames_per_second(self) -> float:
        """Pictures that the camera takes, each of which is answered."""
        return self.clock_hz / self.frame_cycles

    @property
    def camera_hz(self) -> float:
        return self.clock_hz / self.clock_divider

    def to_dict(self) -> dict[str, Any]:
        """The figures, for programs."""
        return {"frames_per_second": round(self.frames_per_second, 2), "limited_by": self.limit,
                "camera_mhz": round(self.camera_hz / 1e6, 3), "divider": self.divider, "dummy_lines": self.dummy_lines}


FrameOf = Callable[[RowTimes], CameraFrame]     #: a network's frame on an engine, see `compiler.fit.camera_rows`


def camera_rate(name: str, frame_of: FrameOf, sensor: Sensor, wanted: CameraInput, *, clock_hz: float, bit_cycles: int,
                queue_bytes: int = QUEUE_BLOCK_BYTES) -> CameraRate:
    """The fastest setting of the camera with which the engine answers every frame, and no row finds the queue full.

    `name` is the network's, for messages.

    Raises
    ------
    CapacityError
        If there is none.
    """
    clock_divider = 2 * ceil(clock_hz / FASTEST_CLOCK_HZ / 2)
    if not sensor.clock_hz[0] <= clock_hz / clock_divider <= sensor.clock_hz[1]:
        raise CapacityError(sensor.name, f"a clock of {clock_hz / clock_divider / 1e6:.1f} MHz",
                            hint=f"it takes {sensor.clock_hz[0] / 1e6:g} to {sensor.clock_hz[1] / 1e6:g} MHz; choose "
                                 "another --clock")
    dividers = [divider for divider in range(1, sensor.dividers + 1)
                if sensor.byte_periods * clock_divider * divider >= LEAST_CLOCK_RATIO]
    best: CameraRate | None = None
    for divider in dividers:
        rate = _rate(frame_of, sensor, wanted, clock_divider, divider, clock_hz, bit_cycles)
        if divider != dividers[0]:      # which the engine could not follow
            rate = replace(rate, limit=ENGINE)
        if rate.queue_bytes <= queue_bytes and rate.dummy_lines <= sensor.dummy_lines \
                and (best is None or rate.frames_per_second > best.frames_per_second):
            best = rate
        if best and rate.frame_cycles > 2 * best.frame_cycles:
            break
    if best is None:
        raise CapacityError(name, "rows come faster than the engine takes them, at every setting of the "
                                  f"{sensor.name}", hint="a smaller input, or a faster --clock")
    return best


def _rate(frame_of: FrameOf, sensor: Sensor, wanted: CameraInput, clock_divider: int, divider: int, clock_hz: float,
          bit_cycles: int) -> CameraRate:
    period = clock_divider * divider
    line = sensor.line_periods * period
    pixel = PIXEL_BYTES * sensor.byte_periods * period
    frame = frame_of(RowTimes(first=wanted.left * pixel, active=(wanted.step * (wanted.width - 1) + 1) * pixel,
                              period=wanted.step * line))
    # The frame is known to be whole when its last line has passed, and VSYNC has come.
    below = (wanted.lines - wanted.top) * line + sensor.tail_periods * period
    ready = max(frame.end, below) + LINE_CHARACTERS * CHARACTER_BITS * bit_cycles + line
    usual = sensor.frame_periods * period
    dummy_lines = max(0, ceil((ready - usual) / (sensor.dummy_periods * period)))
    limit = CAMERA if not dummy_lines else ENGINE if frame.end > below else LINE
    return CameraRate(clock_divider=clock_divider, divider=divider, dummy_lines=dummy_lines, limit=limit,
                      frame_cycles=usual + dummy_lines * sensor.dummy_periods * period, engine_cycles=frame.end,
                      queue_bytes=frame.queue_bytes, clock_hz=clock_hz)


@dataclass(frozen=True, kw_only=True)
class PlannedCamera:
    """A camera on a board: what the gateware needs to know, and the rate that comes of it."""

    sensor: Sensor
    rate: CameraRate
    plan: CameraPlan

    def __str__(self) -> str:
        rate, step = self.rate, self.plan.wanted.step
        pixels = "the middle" if step == 1 else f"one of {step} x {step} pixels of the middle"
        return (f"{self.sensor.name} at {rate.camera_hz / 1e6:g} MHz / {rate.divider}, {rate.dummy_lines} dummy lines, "
                f"{pixels}: {rate.frames_per_second:.1f} pictures/s, each of them answered; limited by {rate.limit}")


def rate_on_board(board: Board, graph: Graph, frame_of: FrameOf, sensor: Sensor) -> CameraRate:
    """The rate of a camera in front of a network on a board's engine.

    Raises
    ------
    FirelaneError
        If the board has no pins for it, the network takes no such pictures, or has no classes for a result.
    """
    if board.camera is None:
        raise FirelaneError(board.name, NO_PINS,
                            hint="see docs/camera.md for boards that have them, and how to add some")
    if graph.tensors[graph.output].shape[1:] != (1, 1):
        raise FirelaneError(graph.name, "its result is a map, not one value a class",
                            hint="only classifiers can tell what a camera sees")
    clock_hz = plan_clock(board.platform(), board.clock_hz).output_hz
    return camera_rate(graph.name, frame_of, sensor, camera_input(graph, pixel_format=sensor.format), clock_hz=clock_hz,
                       bit_cycles=link_timing(clock_hz, board.baud).bit_cycles)


def plan_camera(board: Board, compiled: Compiled, sensor: Sensor) -> PlannedCamera:
    """A camera in front of a compiled network on a board; raises what `rate_on_board` does."""
    rate = rate_on_board(board, compiled.graph, partial(camera_frame, compiled), sensor)
    clock_hz, link = rate.clock_hz, link_timing(rate.clock_hz, board.baud)
    timing = CameraTiming(
        clock_hz=round(clock_hz), bit_cycles=link.bit_cycles, clock_divider=rate.clock_divider,
        patience_cycles=2 * rate.frame_cycles + rate.engine_cycles, quiet_cycles=round(QUIET_SECONDS * clock_hz),
        sccb_quarter_cycles=ceil(clock_hz / SCCB_HZ / 4), sccb_pause_cycles=ceil(SCCB_PAUSE_SECONDS * clock_hz),
        pattern=_pattern(sensor, rate))
    values = tuple((setting.register, setting.value) for setting in sensor.settings(rate.divider, rate.dummy_lines))
    wanted = camera_input(compiled.graph, pixel_format=sensor.format)
    plan = CameraPlan(wanted=wanted, classes=compiled.result.size, queue_bytes=QUEUE_BLOCK_BYTES, timing=timing,
                      settings=CameraSettings(sensor.address, sensor.register_bytes, values))
    return PlannedCamera(sensor=sensor, rate=rate, plan=plan)


def _pattern(sensor: Sensor, rate: CameraRate) -> PatternTiming:
    """The test pattern comes as the camera's pictures do."""
    period = rate.clock_divider * rate.divider
    return PatternTiming(byte_cycles=sensor.byte_periods * period,
                         line_slots=sensor.line_periods // sensor.byte_periods,
                         frame_lines=ceil(rate.frame_cycles / (sensor.line_periods * period)))
