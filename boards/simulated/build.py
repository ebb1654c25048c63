"""The top level of a board as a program: Verilog, then Verilator, both kept from run to run.

The program does not depend on the model that the board starts with: see `boards.simulated.contents`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from firelane.boards.simulated.byte_board import ByteBoard
from firelane.boards.simulated.contents import Piece
from firelane.boards.simulated.top_verilog import kept_verilog, top_verilog
from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import SIMULATED_TIMING, LinkTiming
from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES
from firelane.sim.simulator import verilator

MAIN = Path(__file__).with_name("main.cpp")
TOP = "firelane_board"
MADE_BY = ("firelane.hw", "firelane.boards.top", "firelane.boards.simulated", "firelane.sim.simulator",
           "firelane.compiler.support")         #: packages that make the Verilog; the program: `verilator.MADE_BY`


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is simulated: what a board says of itself (its engine included), and its link."""

    identity: Identity
    timing: LinkTiming = SIMULATED_TIMING
    result_bytes: int = PAYLOAD_BYTES

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class SimulatedBoard:
    """A built board.

    Parameters
    ----------
    program : Path
        Takes the arguments that `main.cpp` names.
    pieces : list of Piece
        What it wants in the folder of its contents.
    """

    design: Design
    program: Path
    pieces: list[Piece]


def build_board(design: Design, *, notify: Callable[[str], None] = lambda text: None,
                progress: Progress = silent) -> SimulatedBoard:
    """The simulator of `design`, built unless that was done before; for the arguments see
    `sim.simulator.build.build`.

    Raises
    ------
    SimulatorError
        If a tool is missing or fails.
    """
    progress("writing the board's Verilog", 0, None)
    verilog, pieces = board_verilog(design)
    key = digest([verilog, MAIN, source_digest(*verilator.MADE_BY), verilator.tool_versions()])
    directory = build_root() / "board-sim" / key
    with locked(directory):
        stamp = directory / "built.json"
        if not stamp.exists():
            verilator.check_compiler()
            notify(f"compiling the board in {verilator.relative(directory)} (once per board and engine)")
            started = time.perf_counter()
            verilator.compile_program(directory, verilog, MAIN, TOP, progress)
            stamp.write_text(json.dumps({"build_seconds": round(time.perf_counter() - started, 1),
                                         "design": asdict(design)}, indent=1))
    return SimulatedBoard(design, directory / f"V{TOP}", pieces)


def board_verilog(design: Design) -> tuple[Path, list[Piece]]:
    """The top level, without what its memories hold, and what they hold; made again only if anything has changed."""
    return kept_verilog("board", [design.to_json(), source_digest(*MADE_BY)],
                        lambda scratch: _verilog_text(design, scratch))


def _verilog_text(design: Design, scratch: Path) -> tuple[str, list[Piece]]:
    return top_verilog(TOP, replace(design.identity.engine, trace=True),
                       lambda engine: ByteBoard(engine, design.identity, design.timing,
                                                result_bytes=design.result_bytes), scratch)
