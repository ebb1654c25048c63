"""The top level of a board as a program: Verilog, then Verilator, both kept from run to run.

The program does not depend on the model that the board starts with: see `boards.simulated.contents`.
"""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from amaranth.back import rtlil

from firelane.boards.simulated.byte_board import ByteBoard
from firelane.boards.simulated.contents import Piece, marked_contents, pieces_from_json, pieces_to_json, take_out
from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import SIMULATED_TIMING, LinkTiming
from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES
from firelane.hw.engine import Engine
from firelane.hw.verilog import write_rtlil_as_verilog, yosys_version
from firelane.sim.simulator import verilator
from firelane.sim.simulator.engine_verilog import without_zero_contents

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
    key = digest([design.to_json(), importlib.metadata.version("amaranth"), yosys_version(),
                  source_digest(*MADE_BY)])
    directory = build_root() / "verilog" / f"board-{key}"
    verilog, pieces = directory / "engine.v", directory / "pieces.json"
    with locked(directory):
        if not pieces.exists():
            directory.mkdir(exist_ok=True)
            text, found = _verilog_text(design, directory / "full.v")
            verilog.write_text(text)
            fresh = pieces.with_suffix(".fresh")
            fresh.write_text(pieces_to_json(found))
            fresh.rename(pieces)
    return verilog, pieces_from_json(pieces.read_text())


def _verilog_text(design: Design, scratch: Path) -> tuple[str, list[Piece]]:
    cfg = replace(design.identity.engine, trace=True)
    marks = marked_contents(cfg)
    top = ByteBoard(Engine(cfg, marks), design.identity, design.timing, result_bytes=design.result_bytes)
    write_rtlil_as_verilog(rtlil.convert(top, name=TOP, ports=top.ports, emit_src=False), scratch)
    text, pieces = take_out(scratch.read_text(), marks)
    scratch.unlink()
    return without_zero_contents(text), pieces
