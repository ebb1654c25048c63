"""What a simulated board with a camera is shown, and what it says to that: one run of its simulator."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cocotb_tools.check_results import get_results

from firelane.boards.host.camera_lines import CameraLine, read_lines
from firelane.boards.simulated.camera_board import BENCH, SimulatedCamera
from firelane.boards.simulated.contents import write_contents
from firelane.hw.contract.memory_contents import MemoryContents
from firelane.sim.simulator import verilator

BENCH_MODULE = "firelane.boards.simulated.camera_bench"
JOB_VARIABLE = "FIRELANE_CAMERA_JOB"


@dataclass(frozen=True, kw_only=True)
class CameraTimes:
    """Nanoseconds of a camera: a period of its pixel clock; between lines; before, in and behind VSYNC."""

    pclk: float
    line_blank: float
    before: float
    vsync: float
    behind: float


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
    clock_ns : float
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
    clock_ns: float = 10
    test: bool = False
    tail_cycles: int = 4_000_000
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the board said and did: lines of text, levels of its LEDs at the end, what the camera was told, cycles."""

    lines: list[CameraLine]
    text: bytes
    leds: int
    settings: list[tuple[int, ...]]
    cycles: int


def run_session(board: SimulatedCamera, contents: MemoryContents, session: Session, folder: Path | None = None) -> Seen:
    """Let the board with these `contents` see the `session`; with all files in `folder`, if one is given.

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
        write_contents(board.pieces, contents, folder)
        job, outcome = folder / "job.json", folder / "outcome.json"
        outcome.unlink(missing_ok=True)
        job.write_text(json.dumps(_job(session, board.bit_cycles, outcome)))
        log, results = folder / "simulator.log", folder / "results.xml"
        with verilator.without("WAVES", "PYTEST_CURRENT_TEST"), contextlib.suppress(RuntimeError):
            verilator.PortsOnlyRunner().test(
                test_module=BENCH_MODULE, hdl_toplevel=BENCH.top, hdl_toplevel_lang="verilog",
                build_dir=board.directory, test_dir=folder, plusargs=[f"+contents={folder}"],
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
