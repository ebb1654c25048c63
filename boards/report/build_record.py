"""build.json: what a bitstream was made of and what came out, for people, benchmarks and comparisons of builds.

No dates, no paths, no seconds: the same sources, tools and seeds give the same file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from firelane.boards.board import Board
from firelane.boards.camera.planning import PlannedCamera
from firelane.boards.report.build_report import BuildReport
from firelane.boards.report.end_to_end import EndToEnd, FrameWork, end_to_end, link_of

RECORD_VERSION = 1


@dataclass(frozen=True)
class ModelFacts:
    """What the compiler says of the model that is built in.

    Parameters
    ----------
    name : str
    program_digest : int
        As the engine's register and the host link have it (`hw.contract.instruction.Header.PROGRAM_CRC`).
    work : FrameWork
        What a frame is for link and engine.
    camera : PlannedCamera, optional
        What the pictures come from, in place of the host link.
    """

    name: str
    program_digest: int
    work: FrameWork
    camera: PlannedCamera | None = None

    @property
    def frame_cycles(self) -> int:
        return self.work.cycles

    def frames_per_second(self, clock_hz: float) -> float:
        return clock_hz / self.frame_cycles


@dataclass(frozen=True)
class Digests:
    """SHA-256: `bitstream` None if there is none because timing was missed; `design`: what all models share."""

    design: str
    bitstream: str | None


def record(board: Board, model: ModelFacts, report: BuildReport, *, seed: int, tools: Mapping[str, str],
           digests: Digests) -> str:
    """The text of build.json."""
    return json.dumps(fields(board, model, report, seed=seed, tools=tools, digests=digests), indent=1) + "\n"


def fields(board: Board, model: ModelFacts, report: BuildReport, *, seed: int, tools: Mapping[str, str],
           digests: Digests) -> dict[str, Any]:
    """What is in build.json."""
    whole, camera = whole_frame(board, model, report), model.camera
    return {
        "build_version": RECORD_VERSION,
        "board": board.name, "device": board.device.name,
        "engine": asdict(board.engine), "engine_digest": hex32(board.engine.digest),
        "model": model.name, "program_digest": hex32(model.program_digest),
        "frame_cycles": model.frame_cycles,
        "frames_per_second": round(model.frames_per_second(report.target_hz), 2),
        "end_to_end": whole and {"baud": board.baud, "image_bytes": model.work.image_bytes, **whole.to_dict()},
        "camera": camera and {"name": camera.sensor.name, **camera.rate.to_dict()},
        "clock_mhz": round(report.target_hz / 1e6, 3), "fmax_mhz": round(report.achieved_hz / 1e6, 2),
        "limited_by": [str(step) for step in report.worst_path],
        "resources": {name: {"used": used, "available": available}
                      for name, (used, available) in report.resources.items()},
        "seed": seed, "tools": dict(tools),
        "design_sha256": digests.design, "bitstream_sha256": digests.bitstream,
    }


def whole_frame(board: Board, model: ModelFacts, report: BuildReport) -> EndToEnd | None:
    """The time of a frame over the board's line, at the clock that was built; None if it comes from a camera."""
    if model.camera:
        return None
    return end_to_end(replace(link_of(board), clock_hz=report.target_hz), model.work)


def hex32(value: int) -> str:
    return f"{value:08x}"
