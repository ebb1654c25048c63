"""A board with a camera, without either, as a program: its top level but PLL and pads, for Verilator with cocotb."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.boards.simulated.contents import Piece
from firelane.boards.simulated.top_verilog import kept_verilog, top_verilog
from firelane.boards.top.camera_engine import CameraEngine, CameraPlan
from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.config import EngineConfig
from firelane.sim.simulator import verilator

BENCH = verilator.Bench("firelane_camera", Path(__file__).with_name("camera.vlt"))
MADE_BY = ("firelane.hw", "firelane.boards.top", "firelane.boards.simulated", "firelane.sim.simulator",
           "firelane.compiler.support")         #: packages that make the Verilog; the program: `verilator.MADE_BY`


@dataclass(frozen=True)
class SimulatedCamera:
    """A built board: the folder of its simulator, what it wants in the folder of its contents, its bits on the line."""

    directory: Path
    pieces: list[Piece]
    bit_cycles: int


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
    key = [json.dumps(asdict(cfg), sort_keys=True), repr(plan), source_digest(*MADE_BY)]
    return kept_verilog("camera", key, lambda scratch: _verilog_text(cfg, plan, scratch))


def _verilog_text(cfg: EngineConfig, plan: CameraPlan, scratch: Path) -> tuple[str, list[Piece]]:
    return top_verilog(BENCH.top, cfg, lambda engine: CameraEngine(engine, plan), scratch)
