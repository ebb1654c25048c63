"""A board with a camera, without either: its top level but PLL and pads under Verilator, the camera in cocotb."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from amaranth.back import rtlil
from cocotb_tools.check_results import get_results

from firelane.boards.host.camera_lines import CameraLine, read_lines
from firelane.boards.simulated.contents import (
    Piece,
    marked_contents,
    pieces_from_json,
    pieces_to_json,
    take_out,
    write_contents,
)
from firelane.boards.top.camera_engine import CameraEngine, CameraPlan
from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.hw.engine import Engine
from firelane.hw.verilog import write_rtlil_as_verilog, yosys_version
from firelane.sim.simulator import verilator
from firelane.sim.simulator.engine_verilog import without_zero_contents

BENCH = verilator.Bench("firelane_camera", Path(__file__).with_name("camera.vlt"))
BENCH_MODULE = "firelane.boards.simulated.camera_bench"
JOB_VARIABLE = "FIRELANE_CAMERA_JOB"
MADE_BY = ("firelane.hw", "firelane.boards.top", "firelane.boards.host", "firelane.boards.simulated",
           "firelane.sim.simulator", "firelane.compiler.support")


@dataclass(frozen=True, kw_only=True)
class CameraTimes:
    """Nanoseconds of a camera: a period of its pixel clock; between lines; before, in and behind VSYNC."""

    pclk: int
    line_blank: int
    before: int
    vsync: int
    behind: int


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What a camera sends as one frame.

    Parameters
    ----------
    lines : tuple of bytes
    stop_after : int, optional
        Lines after which its clock stops for good.
    glitches : tuple of (pin, line, nanoseconds)
        The other level at a pin in the middle of a line.
    jitter : float
        Of the pause behind each line, up to so many times as long again.
    """

    lines: tuple[bytes, ...]
    stop_after: int | None = None
    glitches: tuple[tuple[str, int, int], ...] = ()
    jitter: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Session:
    """What happens before a board's camera.

    Parameters
    ----------
    shots : sequence of Shot
    times : CameraTimes
    clock_ns : int
        Period of the engine's clock.
    test : bool
        The test pattern's button is pressed; the shots go into the void.
    lines : int
        How many lines of text are waited for, behind the last shot at the latest.
    tail_cycles : int
        How long, at most.
    seed : int
    """

    shots: Sequence[Shot]
    times: CameraTimes
    lines: int
    clock_ns: int = 10
    test: bool = False
    tail_cycles: int = 4_000_000
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the board said and did: lines of text, levels of its LEDs at the end, what the camera was told, cycles."""

    lines: list[CameraLine]
    text: bytes
    leds: int
    settings: list[tuple[int, ...]] = field(default_factory=list)
    cycles: int


@dataclass(frozen=True)
class SimulatedCamera:
    """A built board: the folder of its simulator, what it wants in the folder of its contents, its bits on the line."""

    directory: Path
    pieces: list[Piece]
    bit_cycles: int

    def run(self, contents: MemoryContents, session: Session, folder: Path | None = None) -> Seen:
        """Let a board with these `contents` see the `session`; with all files in `folder`, if one is given.

        Raises
        ------
        SimulatorError
            If the simulator itself fails.
        """
        with contextlib.ExitStack() as stack:
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firelane-camera-")))
            folder = folder.resolve()
            folder.mkdir(parents=True, exist_ok=True)
            write_contents(self.pieces, contents, folder)
            job, outcome = folder / "job.json", folder / "outcome.json"
            outcome.unlink(missing_ok=True)
            job.write_text(json.dumps(_job(session, self.bit_cycles, outcome)))
            log, results = folder / "simulator.log", folder / "results.xml"
            with verilator.without("WAVES", "PYTEST_CURRENT_TEST"), contextlib.suppress(RuntimeError):
                verilator.PortsOnlyRunner().test(
                    test_module=BENCH_MODULE, hdl_toplevel=BENCH.top, hdl_toplevel_lang="verilog",
                    build_dir=self.directory, test_dir=folder, plusargs=[f"+contents={folder}"],
                    seed=verilator.SIMULATOR_SEED, extra_env={JOB_VARIABLE: str(job)}, log_file=log,
                    results_xml=str(results))
            if not outcome.exists() or not results.exists() or get_results(results) != (1, 0):
                raise verilator.SimulatorError(str(log), f"the simulator ended abnormally: {_last_words(log)}")
            found = json.loads(outcome.read_text())
        text = bytes.fromhex(found["text"])
        return Seen(lines=read_lines(text), text=text, leds=found["leds"], cycles=found["cycles"],
                    settings=[tuple(write) for write in found["settings"]])


def _last_words(log: Path) -> str:
    """What a log says went wrong."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line.strip() for line in reversed(lines) if "Error" in line), "see there")


def _job(session: Session, bit_cycles: int, outcome: Path) -> dict:
    return {**asdict(session), "shots": [{**asdict(shot), "lines": [line.hex() for line in shot.lines]}
                                         for shot in session.shots],
            "bit_cycles": bit_cycles, "outcome": str(outcome)}


def build_camera_board(cfg: EngineConfig, plan: CameraPlan, *, notify: Callable[[str], None] = lambda text: None,
                       progress: Progress = silent) -> SimulatedCamera:
    """The simulator of a board with a camera, built unless that was done before.

    Raises
    ------
    SimulatorError
        If a tool is missing or fails.
    """
    progress("writing the board's Verilog", 0, None)
    verilog, pieces = _camera_verilog(cfg, plan)
    key = digest([verilog, *BENCH.control_files, source_digest(*verilator.MADE_BY), verilator.tool_versions()])
    directory = build_root() / "camera-sim" / key
    with locked(directory):
        stamp = directory / "built.json"
        if not stamp.exists():
            verilator.check_tools()
            notify(f"compiling the board in {verilator.relative(directory)} (once per board and network's input)")
            verilator.compile_bench(directory, verilog, BENCH, {}, "", progress)
            stamp.write_text(json.dumps(asdict(cfg)))
    return SimulatedCamera(directory, pieces, plan.timing.bit_cycles)


def _camera_verilog(cfg: EngineConfig, plan: CameraPlan) -> tuple[Path, list[Piece]]:
    """The top level, without what its memories hold, and what they hold; made again only if anything has changed."""
    key = digest([json.dumps(asdict(cfg), sort_keys=True), repr(plan), importlib.metadata.version("amaranth"),
                  yosys_version(), source_digest(*MADE_BY)])
    directory = build_root() / "verilog" / f"camera-{key}"
    verilog, pieces = directory / "engine.v", directory / "pieces.json"
    with locked(directory):
        if not pieces.exists():
            directory.mkdir(exist_ok=True)
            text, found = _verilog_text(cfg, plan, directory / "full.v")
            verilog.write_text(text)
            fresh = pieces.with_suffix(".fresh")
            fresh.write_text(pieces_to_json(found))
            fresh.rename(pieces)
    return verilog, pieces_from_json(pieces.read_text())


def _verilog_text(cfg: EngineConfig, plan: CameraPlan, scratch: Path) -> tuple[str, list[Piece]]:
    marks = marked_contents(cfg)
    top = CameraEngine(Engine(cfg, marks), plan)
    write_rtlil_as_verilog(rtlil.convert(top, name=BENCH.top, ports=top.ports, emit_src=False), scratch)
    text, pieces = take_out(scratch.read_text(), marks)
    scratch.unlink()
    return without_zero_contents(text), pieces
