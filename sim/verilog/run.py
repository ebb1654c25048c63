"""One run of a built simulator: what goes in (`Stimulus`), and what came out (`Outcome`)."""

from __future__ import annotations

import contextlib
import enum
import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from cocotb_tools.check_results import get_results

from firelane.compiler.support.tool_processes import ToolProcesses
from firelane.sim.simulator.build import Simulator
from firelane.sim.simulator.build_progress import in_background
from firelane.sim.simulator.verilator import SIMULATOR_SEED, PortsOnlyRunner, SimulatorError, without

STALL_SCALE = 256
STIMULUS_VARIABLE = "FIRELANE_STIMULUS"     # tells sim/verilog/cocotb_bench.py where its part of it is


class Verdict(enum.IntEnum):
    """Why a run ended; `verdict` of testbench.v."""

    COMPLETE = 0            #: every frame gave a result
    ENGINE_ERROR = 1        #: the engine reports an error
    TIMED_OUT = 2           #: no result byte and no finished tile for too long
    PROTOCOL_ERROR = 3      #: the result stream changed while it was waiting to be taken


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """What one simulation does.

    Parameters
    ----------
    script : (address, data) pairs
        CSR writes that load the memories and start the engine, in order.
    images : sequence of bytes
        One frame each, as it goes over s_axis. All have the same length.
    expected : sequence of bytes
        The result of each frame; empty if nothing is to be compared.
    verdict : Verdict
        How the run is to end.
    stall_in, stall_out : float
        Chance of a pause of the image and the result stream in a cycle, 0 .. 1.
    timeout_cycles : int
        Give up after so many cycles without a result byte or a finished tile.
    error_register : (address, mask)
        The CSR that tells of an error, and the bits of it that do.
    csr_count : int
        How many CSRs are recorded at the end.
    log_writes : bool
        Whether to log every activation write.
    window : (address, address), optional
        Of the instructions with which waveforms begin and end; None: all, if the simulator writes any.
    """

    script: Sequence[tuple[int, int]]
    images: Sequence[bytes]
    expected: Sequence[bytes] = ()
    verdict: Verdict = Verdict.COMPLETE
    stall_in: float = 0.0
    stall_out: float = 0.0
    seed: int = 1
    timeout_cycles: int = 2_000_000
    error_register: tuple[int, int] = (0, 0)
    csr_count: int = 0
    log_writes: bool = False
    window: tuple[int, int] | None = None

    def __post_init__(self):
        if not self.images or len({len(image) for image in self.images}) != 1:
            raise ValueError("images must be one or more frames of the same length")
        if self.expected and len(self.expected) != len(self.images):
            raise ValueError(f"{len(self.expected)} results are expected from {len(self.images)} images")


@dataclass
class FrameTimes:
    """Cycle numbers of one frame's first and last result byte; -1 where it did not come so far."""

    out_first: int = -1
    out_last: int = -1


@dataclass(frozen=True)
class TileTime:
    """One instruction: its program address; the cycles in which it began, and in which all up to it were through."""

    pc: int
    start: int
    done: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one simulation did.

    `cycles` counts from the reset to the end, loading of the memories included; `run_cycles` from the end of loading.
    `tiles` are in order of execution, over all frames. `writes` is the write log, if asked for.
    """

    verdict: Verdict
    results: list[bytes]
    frames: list[FrameTimes]
    tiles: list[TileTime]
    csrs: dict[int, int]
    cycles: int
    run_cycles: int
    seconds: float
    writes: Path | None = None
    waves: Path | None = None


@dataclass
class _Events:
    """The event log, as it is read."""

    frames: dict[int, FrameTimes] = field(default_factory=dict)
    tiles: list[TileTime] = field(default_factory=list)
    csrs: dict[int, int] = field(default_factory=dict)
    run: int = 0
    end: int = 0


def run(simulator: Simulator, stimulus: Stimulus, directory: Path,
        progress: Callable[[int, int], None] = lambda frames_done, cycles: None) -> Outcome:
    """Simulate `stimulus`, with all files in `directory`; `progress` is told of frames done and cycles simulated.

    Raises
    ------
    SimulatorError
        If the simulator itself fails. An engine that fails is an `Outcome`.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    plusargs = _write_inputs(stimulus, directory)
    with without("WAVES", "PYTEST_CURRENT_TEST"):
        in_background(partial(_simulate, simulator, plusargs, directory),
                      partial(_tell, directory / "progress", progress))
    ending = json.loads((directory / "outcome.json").read_text())
    events = _read_events(directory / "events")
    return Outcome(
        verdict=Verdict(ending["verdict"]), results=[bytes.fromhex(text) for text in ending["results"]],
        frames=[events.frames[index] for index in sorted(events.frames)], tiles=events.tiles, csrs=events.csrs,
        cycles=ending["cycles"], run_cycles=events.end - events.run, seconds=ending["seconds"],
        writes=directory / "writes" if stimulus.log_writes else None,
        waves=directory / f"dump.{simulator.waves}" if simulator.waves else None)


def _write_inputs(stimulus: Stimulus, directory: Path) -> list[str]:
    """Files and plusargs for testbench.v, and stimulus.json for cocotb_bench.py."""
    files = {name: directory / name for name in ("script", "images", "results", "events")}
    if stimulus.log_writes:
        files["writes"] = directory / "writes"
    for stale in ("progress", "outcome.json", "writes"):
        (directory / stale).unlink(missing_ok=True)
    files["script"].write_text("".join(f"{address:02x} {data:08x}\n" for address, data in stimulus.script))
    files["images"].write_bytes(b"".join(stimulus.images))
    (directory / "stimulus.json").write_text(json.dumps({
        "directory": str(directory), "verdict": stimulus.verdict,
        "expected": [item.hex() for item in stimulus.expected]}))
    numbers = {
        "frames": len(stimulus.images), "frame_bytes": len(stimulus.images[0]), "seed": stimulus.seed & 0xFFFF,
        "stall_in": round(stimulus.stall_in * STALL_SCALE), "stall_out": round(stimulus.stall_out * STALL_SCALE),
        "timeout": stimulus.timeout_cycles, "error_address": stimulus.error_register[0],
        "error_mask": stimulus.error_register[1], "csr_count": stimulus.csr_count}
    if stimulus.window is not None:
        numbers |= {"wave_first": stimulus.window[0], "wave_last": stimulus.window[1]}
    return [f"+{name}={value}" for name, value in {**files, **numbers}.items()]


def _simulate(simulator: Simulator, plusargs: Iterable[str], directory: Path, processes: ToolProcesses) -> None:
    """Run the cocotb test `sim.verilog.cocotb_bench`, and make sure that it really ran."""
    log, results = directory / "simulator.log", directory / "results.xml"
    with contextlib.suppress(RuntimeError):         # the simulator's exit code: the results tell more
        PortsOnlyRunner(processes=processes).test(
            test_module="firelane.sim.verilog.cocotb_bench", hdl_toplevel=simulator.top, hdl_toplevel_lang="verilog",
            build_dir=simulator.directory, test_dir=directory, plusargs=list(plusargs), seed=SIMULATOR_SEED,
            extra_env={STIMULUS_VARIABLE: str(directory / "stimulus.json")}, waves=bool(simulator.waves), log_file=log,
            results_xml=str(results))
    try:
        ran, _ = get_results(results)
    except RuntimeError:
        ran = 0
    if ran != 1 or not (directory / "outcome.json").exists():
        raise SimulatorError(str(log), f"the simulator ended abnormally ({ran} cocotb tests ran)")


def _tell(path: Path, progress: Callable[[int, int], None]) -> None:
    """Tell `progress` what the simulator has written last."""
    lines = path.read_text().split("\n") if path.exists() else []
    if len(lines) > 1:
        progress(*map(int, lines[-2].split()))                  # behind the last newline may be half a line


def _read_events(path: Path) -> _Events:
    """Parse what `record` of testbench.v wrote: name, cycle (a CSR's value), detail."""
    events = _Events()
    under_way: deque[TileTime] = deque()        # in order; a LOAD beside a tile is not through before that
    for line in path.read_text().splitlines():
        name, *numbers = line.split()
        number, detail = map(int, numbers)
        match name:
            case "out_first" | "out_last":
                setattr(events.frames.setdefault(detail, FrameTimes()), name, number)
            case "tile_start":
                under_way.append(TileTime(pc=detail, start=number, done=0))
            case "tile_done":
                under_way = deque(replace(tile, done=number) if tile.pc == detail else tile for tile in under_way)
                while under_way and under_way[0].done:
                    tile = under_way.popleft()
                    events.tiles.append(replace(tile, done=max(tile.done, number)))
            case "csr":
                events.csrs[detail] = number
            case "run" | "end":
                setattr(events, name, number)
            case _:
                raise SimulatorError(str(path), f"unknown event {name}")
    return events
