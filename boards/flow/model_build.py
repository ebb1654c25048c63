"""From an ONNX file and a board to a bitstream with the compiled model beside it: what `firelane bitstream` does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.board import Board
from firelane.boards.camera import get_sensor
from firelane.boards.camera.planning import PlannedCamera, plan_camera
from firelane.boards.camera.record import CAMERA_FILE
from firelane.boards.camera.record import record as camera_record
from firelane.boards.contents.memory_key import key_contents
from firelane.boards.flow.bitstream import Build, build_bitstream
from firelane.boards.flow.pack_bitstream import BITSTREAM
from firelane.boards.flow.tools import Say
from firelane.boards.report.build_record import ModelFacts, fields, hex32, whole_frame
from firelane.boards.report.build_report import table
from firelane.boards.report.end_to_end import work_of
from firelane.boards.top.board_design import board_design, camera_design
from firelane.compiler.artefact.artefact import write_artefact
from firelane.compiler.compile import compile_model
from firelane.compiler.fit.report import make_report
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.fitted_table import FittedTable
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.marker import BUILD
from firelane.compiler.support.outputs import check_folder
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.work_folder import OPTION, adopt
from firelane.models.catalogue import model_file, short_name
from firelane.sim.benchmark.builds import MADE_FILE, note_build
from firelane.sim.benchmark.provenance import provenance

BUILDS = Path("build") / "bitstream"
MODEL_FOLDER = "model"          #: beside the bitstream: what `firelane run` looks for


@dataclass(frozen=True)
class ModelBuild:
    """A finished build, of what it was made, and the seconds of wall clock that it took."""

    board: Board
    model: ModelFacts
    compiled: Compiled
    build: Build
    seconds: float

    @property
    def table(self) -> FittedTable:
        """What it takes of the device, for the terminal."""
        return table(self.build.report, title=f"{self.model.name} on {self.board.description}")

    def to_json(self) -> str:
        """What `firelane bitstream --json` prints: build.json, the time that it took, and where it is."""
        build = self.build
        return json_document("bitstream", {
            **fields(self.board, self.model, build.report, seed=build.seed, tools=build.tool_versions,
                     digests=build.digests), "seconds": self.seconds, "written": build.bitstream})

    @property
    def lines(self) -> list[str]:
        """Speed, limit, digests and tools, in words."""
        report = self.build.report
        whole = whole_frame(self.board, self.model, report)
        pictures = (f"{whole.frames_per_second:,.1f} frames/s end to end: {self.board.baud:,} baud, limited by "
                    f"{whole.limit}" if whole else str(self.model.camera))
        return [f"{self.model.frames_per_second(report.target_hz):,.1f} frames/s of the engine: "
                f"{report.target_hz / 1e6:g} MHz, {self.model.frame_cycles:,} cycles a frame",
                pictures, f"limited by {report.limit}",
                f"engine {hex32(self.board.engine.digest)}, program {hex32(self.model.program_digest)}, "
                f"seed {self.build.seed}, {self.seconds:.0f} s",
                *(f"{name}: {version}" for name, version in self.build.tool_versions.items()),
                f"written: {self.build.bitstream}", f"sha256: {self.build.digests.bitstream}"]


def build_folder(board: Board, model: str | Path, camera: str | None = None) -> Path:
    """Where the build of `model` for `board`, perhaps with a camera, goes if nobody says otherwise."""
    return BUILDS / "-".join(filter(None, (board.name, short_name(model), camera)))


def bitstream_file(board: Board, model: str | Path) -> Path:
    """The bitstream of that build."""
    return build_folder(board, model) / BITSTREAM


def build_model(board: Board, model: str | Path, folder: Path | None = None, *,  # noqa: PLR0913 (all but four have a default)
                seeds: Sequence[int], say: Say, name: str | None = None, record: Options | None = None,
                camera: str | None = None, progress: Progress = silent) -> ModelBuild:
    """Compile `model`, a file or a name, for `board`'s engine, and build its bitstream; see `boards.flow.bitstream`.

    Parameters
    ----------
    folder : Path, optional
        `build_folder` if not given.
    seeds : sequence of int
        Of the placer; the first that meets timing wins.
    say : function of a line
        Told before each step.
    name : str, optional
        What the model is called in the record; as its file is, if not given.
    record : mapping, optional
        How images become the model's input, see `compiler.frame_io.record_options`.
    camera : str, optional
        The name of a camera, which takes the host link's place.
    progress : callable
        Told the name of a step, how much is done, and of how much.

    Raises
    ------
    FirelaneError
        If the model does not fit, a tool fails, or timing is missed.
    """
    folder = folder or build_folder(board, model, camera)
    check_folder(folder, BUILD, OPTION)
    sensor = get_sensor(camera) if camera else None
    compiled = compile_model(model_file(model), board.engine, progress, record=record)
    planned = plan_camera(board, compiled, sensor) if sensor else None
    key = key_contents(board.engine)
    top = camera_design(board, key, planned.plan) if planned else board_design(board, key)
    facts = _facts(name or short_name(model), compiled, planned)
    made, started = provenance(), time.monotonic()
    build = build_bitstream(board, top, compiled.program.contents, facts, folder, seeds=seeds, say=say,
                            progress=progress)
    seconds = time.monotonic() - started
    write_artefact(compiled, build.folder / MODEL_FOLDER)
    note_build(build.folder, made, seconds)
    if planned:
        (build.folder / CAMERA_FILE).write_text(camera_record(planned))
    adopt(build.folder, [MADE_FILE, *([CAMERA_FILE] if planned else [])])
    return ModelBuild(board, facts, compiled, build, seconds)


def _facts(name: str, compiled: Compiled, camera: PlannedCamera | None) -> ModelFacts:
    work = work_of(compiled.graph, make_report(compiled))
    return ModelFacts(name, compiled.program.contents.program_digest, work, camera)
