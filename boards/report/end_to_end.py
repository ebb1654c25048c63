"""Frames a second from an image at the host to its result there, and what limits them: line, round trips, or engine.

The one place where this is calculated. It follows `boards.host.remote_board` over the frames of `docs/host_link.md`,
whose sizes are those of `hw.contract.link_protocol`; `tests/boards/simulated/test_end_to_end.py` compares it with the
cycles that a simulated board counts. What makes the image of a file is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

from firelane.boards.board import Board
from firelane.compiler.fit.report import MEMORIES, Report
from firelane.compiler.ir.graph import Graph
from firelane.compiler.schedule.cost_model import ImageLoad
from firelane.hw.contract.link_protocol import (
    ARGUMENT_BYTES,
    ARGUMENTS,
    CRC_BYTES,
    HEADER_BYTES,
    PAYLOAD_BYTES,
    REGISTERS_SHOWN,
    Command,
)
from firelane.hw.contract.registers import CSR_BITS

LINE_BITS = 10              #: of a byte on a serial line
FRAME_BYTES = 2 + HEADER_BYTES + CRC_BYTES      #: of a frame, besides its payload; 2 flags
STATUS_BYTES = 1            #: of an answer's payload, before what the command promises
ESCAPED = 2 / 256           #: share of bytes that take two on the line, if all values are equally frequent
FEED_CYCLES = 2             #: of a byte of the image from the link's buffer to the engine
#: from the last byte of an answer to the first of the next command: host, driver, and an adapter whose latency timer
#: is 1 ms. Taken from what such adapters are known for, not measured on a board.
TURNAROUND_SECONDS = 0.002

#: memories that the engine checks before a frame, a word a cycle
CHECKED = ("program_words", "weight_words", "value_symbols", "run_symbols")

LINE, ROUND_TRIPS, ENGINE = "the line", "round trips", "the engine"


@dataclass(frozen=True, kw_only=True)
class Link:
    """How fast a host's bytes come and go.

    Parameters
    ----------
    clock_hz : float
        The engine's clock, which the link shares.
    byte_seconds : float
        Time of a byte on the line.
    turnaround_seconds : float
        Time from an answer to the next command.
    result_bytes : int
        The most that one answer carries of a result.
    payload_bytes : int
        The most that a command carries.
    """

    clock_hz: float
    byte_seconds: float
    turnaround_seconds: float = TURNAROUND_SECONDS
    result_bytes: int = PAYLOAD_BYTES
    payload_bytes: int = PAYLOAD_BYTES


@dataclass(frozen=True, kw_only=True)
class FrameWork:
    """What a frame is for link and engine.

    Parameters
    ----------
    image_bytes, result_bytes : int
    cycles : int
        The engine's, with an image that is always there.
    loads : tuple of ImageLoad
        When the parts of the image are asked for and needed; empty if that is not known: then nothing waits for them.
    check_cycles : int
        That the engine takes before the frame, to check its memories.
    """

    image_bytes: int
    result_bytes: int
    cycles: int
    loads: tuple[ImageLoad, ...] = ()
    check_cycles: int = 0


@dataclass(frozen=True)
class EndToEnd:
    """The time of a frame, from an image at the host to its result there.

    Parameters
    ----------
    seconds : float
        All of it.
    line_seconds : float
        Time in which bytes are on the line, and go from there to the engine.
    round_trip_seconds : float
        Time in which the board waits for the next command.
    engine_seconds : float
        The engine's own time; most of it passes while the image comes.
    """

    seconds: float
    line_seconds: float
    round_trip_seconds: float
    engine_seconds: float

    @property
    def frames_per_second(self) -> float:
        return 1 / self.seconds

    @property
    def limit(self) -> str:
        """What takes longest."""
        parts = {LINE: self.line_seconds, ROUND_TRIPS: self.round_trip_seconds, ENGINE: self.engine_seconds}
        return max(parts, key=lambda name: parts[name])

    def to_dict(self) -> dict[str, Any]:
        """The figures, for programs."""
        return {"frames_per_second": round(self.frames_per_second, 2), "limited_by": self.limit,
                "line_ms": round(1e3 * self.line_seconds, 3), "round_trips_ms": round(1e3 * self.round_trip_seconds, 3),
                "engine_ms": round(1e3 * self.engine_seconds, 3)}


def link_of(board: Board) -> Link:
    """The link of a board: its serial line."""
    return Link(clock_hz=board.clock_hz, byte_seconds=LINE_BITS / board.baud, result_bytes=board.result_bytes)


def work_of(graph: Graph, report: Report) -> FrameWork:
    """What a frame of a network is, whose figures `report` has."""
    checked = [MEMORIES[size] for size in CHECKED]
    return FrameWork(image_bytes=prod(graph.tensors[graph.input].shape),
                     result_bytes=prod(graph.tensors[graph.output].shape), cycles=report.cost.total,
                     loads=report.cost.loads,
                     check_cycles=sum(usage.used for usage in report.usage if usage.name in checked))


def work_from_dict(record: dict[str, Any]) -> FrameWork:
    """The reverse of `dataclasses.asdict`."""
    return FrameWork(**record | {"loads": tuple(ImageLoad(**load) for load in record["loads"])})


def end_to_end(link: Link, work: FrameWork) -> EndToEnd:
    """The time of a frame, one after the other, each command sent when the one before is answered."""
    chunk = min(link.payload_bytes - ARGUMENT_BYTES, work.image_bytes)
    images, results = -(-work.image_bytes // chunk), -(-work.result_bytes // link.result_bytes)
    begin = _exchange(Command.RUN, 0)
    image = images * _exchange(Command.IMAGE, ARGUMENT_BYTES) + work.image_bytes * (1 + ESCAPED)
    end = ((2 * results - 1) * _exchange(Command.RESULT, 1) + work.result_bytes * (1 + ESCAPED)
           + _exchange(Command.REGISTERS, 1 + REGISTERS_SHOWN * CSR_BITS // 8))
    trips, check = images + 2 * results + 1, work.check_cycles / link.clock_hz
    around = (begin + end) * link.byte_seconds + (trips - images) * link.turnaround_seconds + check
    fed = FEED_CYCLES * work.image_bytes / link.clock_hz
    return EndToEnd(around + _image_seconds(link, work, chunk), (begin + image + end) * link.byte_seconds + fed,
                    trips * link.turnaround_seconds, work.cycles / link.clock_hz + check)


def _image_seconds(link: Link, work: FrameWork, chunk: int) -> float:
    """Time from the first IMAGE command until the frame is computed.

    A chunk is handed over when all of it is there, and the next one comes when the engine has taken it. Where a part of
    the image comes later than it is needed, all that is computed from there on is late by as much.
    """
    overhead = FRAME_BYTES + ARGUMENT_BYTES
    answered = (_exchange(Command.IMAGE, ARGUMENT_BYTES) - overhead) * link.byte_seconds + link.turnaround_seconds
    feed = FEED_CYCLES / link.clock_hz
    now = late = begun = 0.0    # when the bytes before are taken; what the engine is behind; when a chunk could begin
    there = taken = 0           # bytes that came, that were taken
    for load in work.loads or (ImageLoad(1, 0, work.cycles),):
        now = max(now, load.asked / link.clock_hz + late)
        end = round(load.share * work.image_bytes)
        while taken < end:
            if taken == there:
                size = min(chunk, work.image_bytes - there)
                now = max(now, begun + (overhead + size * (1 + ESCAPED)) * link.byte_seconds)
                there += size
            now += feed * (min(end, there) - taken)
            taken = min(end, there)
            begun = now + answered
        late = max(late, now - load.needed / link.clock_hz)
    return work.cycles / link.clock_hz + late


def frames_in_words(engine: float | None, whole: EndToEnd | None) -> str:
    """Frames a second in a table: end to end / of the engine alone."""
    return f"{whole.frames_per_second:,.1f}/{engine:,.1f}" if whole else f"{engine:,.1f}"


def _exchange(command: Command, answered: int) -> int:
    """Bytes of a command without data, and of its answer with so many behind the status."""
    return 2 * FRAME_BYTES + ARGUMENTS[command] * ARGUMENT_BYTES + STATUS_BYTES + answered


class Limited(Protocol):
    """Frames a second; `limit`: what keeps them from being more."""

    @property
    def limit(self) -> str: ...


def limits_in_words(found: Iterable[tuple[str, Limited | None]]) -> str:
    """What limits the frames a second, and where if it is not everywhere the same; '' if nothing is known."""
    limits: dict[str, list[str]] = {}
    for where, whole in found:
        if whole:
            limits.setdefault(whole.limit, []).append(where)
    most = max(limits, key=lambda limit: len(limits[limit]), default="")
    others = [f"by {limit}: {', '.join(places)}" for limit, places in limits.items() if limit != most]
    return f"Limited by {'; '.join([most, *others])}." if limits else ""
