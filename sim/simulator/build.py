"""The simulator of an engine, built once.

A build is found again by a digest of the engine's Verilog, of the bench and of the tools, so it never depends on a
model: programs and weights are loaded through the CSR port when a simulation starts. Two processes that want the same
build wait for each other at a file lock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.config import EngineConfig, bits_for
from firelane.sim.simulator.engine_verilog import engine_verilog
from firelane.sim.simulator.verilator import (
    MADE_BY,
    Bench,
    check_tools,
    compile_bench,
    relative,
    tool_versions,
)
from firelane.sim.simulator.wave_format import wave_format

HERE = Path(__file__).resolve().parent
FRAME_BENCH = Bench("firelane_bench", HERE / "testbench.vlt", HERE / "testbench.v")
STAMP = "built.json"


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """A built model that can be run any number of times.

    Parameters
    ----------
    directory : Path
        Where it was built.
    top : str
        Its top module.
    waves : str
        File name suffix of the waveforms that it writes; empty if it writes none.
    build_seconds : float
        Wall clock of the build, whenever that was.
    """

    directory: Path
    top: str
    waves: str
    build_seconds: float


def build(cfg: EngineConfig, *, bench: Bench = FRAME_BENCH, waves: bool = False, window: bool = False,
          verilog: Path | None = None, notify: Callable[[str], None] = lambda text: None,
          progress: Progress = silent) -> Simulator:
    """The simulator of `cfg`, built unless that was done before.

    Parameters
    ----------
    cfg : EngineConfig
        With `trace`, because the bench logs what the trace ports show.
    bench : Bench
        What to compile it into.
    waves : bool
        Build one that writes waveforms (a slower one, in another directory): FST, or VCD where the headers that
        Verilator's FST writer needs are not installed.
    window : bool
        They will be of a window, which is small enough for VCD whatever is installed.
    verilog : Path
        An engine to use in place of `engine_verilog(cfg)`.
    notify : callable
        Told in words what takes long.
    progress : Progress
        Told how far the build is.

    Raises
    ------
    SimulatorError
        If a tool is missing or fails.
    """
    if not cfg.trace:
        raise ValueError("cfg.trace must be True: the bench is connected to the trace ports")
    if verilog is None:
        progress("writing the engine's Verilog", 0, None)
        verilog = engine_verilog(cfg)
    parameters = trace_widths(cfg) if bench.source else {}
    suffix = "" if not waves else "vcd" if window else wave_format(notify)
    key = digest([verilog, *bench.control_files, *bench.sources, source_digest(*MADE_BY),
                  f"{bench.top} {parameters} {suffix} {tool_versions()}"])
    directory = build_root() / "sim" / key
    with locked(directory):
        stamp = directory / STAMP
        if not stamp.exists():
            check_tools()
            notify(f"compiling the simulator in {relative(directory)} (once per engine configuration)")
            started = time.perf_counter()
            compile_bench(directory, verilog, bench, parameters, suffix, progress)
            stamp.write_text(json.dumps({"build_seconds": round(time.perf_counter() - started, 1),
                                         "config": asdict(cfg), "waves": suffix}, indent=1))
        return Simulator(directory=directory, top=bench.top, waves=suffix,
                         build_seconds=json.loads(stamp.read_text())["build_seconds"])


def trace_widths(cfg: EngineConfig) -> dict[str, int]:
    """Widths of the trace ports, which the bench takes as parameters."""
    return {"BANK_BITS": bits_for(cfg.banks), "ADDRESS_BITS": cfg.address_bits, "PC_BITS": bits_for(cfg.program_words)}
