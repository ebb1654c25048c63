"""What becomes of a frame whose rows come from a camera, at the camera's pace, with a queue of some bytes in between.

A camera cannot be stopped. While the engine computes and takes no row, rows wait in the queue; if they do not fit, the
frame is lost. So rows must come slowly enough, and this says how slowly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from firelane.compiler.coding.weight_code import EncodedLayer
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.schedule.cost_model import frame_cost
from firelane.compiler.schedule.search import Schedule
from firelane.compiler.tiles.layers import LoadLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class RowTimes:
    """When the rows of a picture come, in cycles from the start of the engine's frame.

    Parameters
    ----------
    first : float
        The first byte of the first row.
    active : float
        From the first byte of a row to its last one.
    period : float
        From row to row.
    """

    first: float
    active: float
    period: float

    def begins(self, row: int) -> float:
        return self.first + row * self.period

    def ends(self, row: int) -> float:
        """The last byte of a row is there."""
        return self.begins(row) + self.active


@dataclass(frozen=True)
class CameraFrame:
    """A frame whose rows came at some times.

    Parameters
    ----------
    end : int
        Cycles from the start of the engine's frame to its end.
    queue_bytes : int
        The most that waited to be taken: whole rows, so perhaps more than there were, and never fewer.
    """

    end: int
    queue_bytes: int


def camera_frame(compiled: Compiled, times: RowTimes) -> CameraFrame:
    """A frame of `compiled` with rows that come at these `times`, by the timeline of the engine."""
    return frame_of_plan(compiled.plan, compiled.cfg, compiled.program.encoded, times)


def frame_of_plan(plan: Schedule, cfg: EngineConfig, encoded: Mapping[str, EncodedLayer],
                  times: RowTimes) -> CameraFrame:
    """The same of a network that an engine may have no room for; `encoded` has the weights of its layers by name."""
    network = plan.network
    image = next(layer for layer in network.layers if isinstance(layer, LoadLayer))
    timeline = _RowTimeline(cfg, times=times, row_bytes=image.width * image.channels, rows=_rows_of_loads(plan, image))
    frame_cost(network, plan.steps, plan.wait_load, cfg, encoded, plan.beside, timeline)
    end = timeline.end_of_frame
    return CameraFrame(end, _most_waiting(timeline.taken, times, timeline.row_bytes))


def _rows_of_loads(plan: Schedule, image: LoadLayer) -> list[int]:
    """Image rows that each LOAD takes, in order."""
    left, rows = image.height, []
    for step in plan.steps:
        if isinstance(plan.network.layers[step.layer], LoadLayer):
            rows.append(min(step.rows << image.space_to_depth, left))
            left -= rows[-1]
    assert left == 0, "the loads take the whole image"
    return rows


def _most_waiting(taken: Sequence[float], times: RowTimes, row_bytes: int) -> int:
    """The most bytes in the queue: the row that comes, and all before it that had not been taken when it began.

    A row has been when its last byte has been `taken`.
    """
    most, gone = 0, 0
    for row in range(len(taken)):
        while gone < row and taken[gone] <= times.begins(row):
            gone += 1
        most = max(most, row + 1 - gone)
    return most * row_bytes


@dataclass
class _RowTimeline(Timeline):
    """A timeline whose loads take rows as they come; `taken`: when the last byte of each row has been."""

    times: RowTimes = field(kw_only=True)
    row_bytes: int = field(kw_only=True)
    rows: list[int] = field(kw_only=True)
    taken: list[float] = field(default_factory=list)
    end_of_frame: int = 0
    _loads: int = 0

    def load(self, cycles: int, *, beside: bool, requests: Iterable[int] = ()) -> None:
        start = max(self.ready, (self.settled if beside else self.through) + 1)
        now = float(start)
        for _ in range(self.rows[self._loads]):
            row = len(self.taken)
            now = max(now + self.row_bytes, self.times.ends(row))
            self.taken.append(now)
        self._loads += 1
        super().load(max(cycles, int(now) + 1 - start), beside=beside, requests=requests)

    def finish_frame(self) -> int:
        self.end_of_frame = super().finish_frame()
        return self.end_of_frame
