"""A Vivado project of a board with an AMD device: everything but what only Vivado can do.

    top.v       the whole design, with the contents of its memories
    top.xdc     pins and clock
    top.tcl     `vivado -mode batch -source top.tcl` makes top.bit

Yosys writes the Verilog, and says what the design needs of the device.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.board import Board
from firelane.boards.flow import tools
from firelane.boards.flow.build_plan import write_plan_files
from firelane.boards.flow.tools import Say
from firelane.boards.report.usage_table import usage_table
from firelane.boards.top.board_design import board_design
from firelane.compiler.compile import compile_model
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.fitted_table import FittedTable
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.marker import PROJECT
from firelane.compiler.support.outputs import check_folder
from firelane.compiler.support.work_folder import OPTION, all_or_nothing
from firelane.hw.blocks.pipeline import KEEP_COPIES_SCRIPT
from firelane.hw.verilog import verilog_script
from firelane.models.catalogue import model_file, short_name

FAMILY = "series7"
STAT_FILE = "resources.json"
COUNT_SCRIPT = (
    "read_rtlil top.il",
    "hierarchy -top top",
    *KEEP_COPIES_SCRIPT.split("; "),
    "synth_xilinx -family xc7 -top top -flatten -run begin:map_luts",
    "rename -hide w:*",                             # as in boards.flow.bitstream: long names collide in abc9
    "rename -enumerate -pattern wire_% w:*",
    "synth_xilinx -family xc7 -top top -run map_luts:edif",
    f"tee -q -o {STAT_FILE} stat -json",
)
_LUTS = {f"LUT{inputs}": 1 for inputs in range(1, 7)}
_LUT_MEMORIES = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "SRL16E": 1, "SRLC32E": 1}
CELLS = {           # our word: how many of it a cell takes
    "LUT": {**_LUTS, **_LUT_MEMORIES},
    "FF": {"FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1},
    "RAMB18": {"RAMB18E1": 1, "RAMB36E1": 2},
    "DSP48": {"DSP48E1": 1},
}


@dataclass(frozen=True)
class VivadoProject:
    """`used`: by Yosys' count, of the words in CELLS."""

    folder: Path
    used: dict[str, int]


def write_model_project(board: Board, model: str | Path, folder: Path | None = None, *, say: Say) -> VivadoProject:
    """Compile `model`, a file or a name; write its project for `board`, into build/vivado/... if no folder is given.

    Raises
    ------
    FirelaneError
        As `write_project`, and if the model does not fit.
    """
    folder = folder or Path("build") / "vivado" / f"{board.name}-{short_name(model)}"
    check_folder(folder, PROJECT, OPTION)
    compiled = compile_model(model_file(model), board.engine)
    return write_project(board, board_design(board, compiled.program.contents), folder, say=say)


def write_project(board: Board, top, folder: Path, *, say: Say) -> VivadoProject:
    """Write the project of `top`, an Elaboratable for `board`'s platform, into `folder`, all of it or nothing.

    Raises
    ------
    ConfigError
        If the board's device is none of Vivado's 7 series, or Yosys fails.
    """
    if board.device.family != FAMILY:
        raise ConfigError(board.name, f"Vivado does not know the {board.device.name}",
                          hint=f"`firelane bitstream --board {board.name}` builds it without Vivado")
    with all_or_nothing(folder, PROJECT) as work:
        plan = board.platform().build(top, do_build=False)
        write_plan_files(plan, ("top.il", "top.xdc", "top.tcl"), work)
        say("writing Verilog")
        _yosys(work, "verilog", verilog_script("top.il", "top.v"))
        say("counting resources (synthesis, some minutes)")
        _yosys(work, "count", COUNT_SCRIPT)
        (work / "top.il").unlink()
        used = count_cells(json.loads((work / STAT_FILE).read_text())["design"]["num_cells_by_type"])
    return VivadoProject(folder, used)


def _yosys(work: Path, name: str, commands) -> None:
    (work / f"{name}.ys").write_text("\n".join(commands) + "\n")
    tools.yosys_script().run(f"{name}.ys", cwd=work, log=work / f"{name}.log")


def count_cells(cells: dict[str, int]) -> dict[str, int]:
    """Yosys' cells by type -> what they take of a device."""
    return {word: sum(cells.get(cell, 0) * takes for cell, takes in kinds.items()) for word, kinds in CELLS.items()}


def project_json(project: VivadoProject, board: Board, model: str) -> str:
    """What `firelane vivado-project --json` prints."""
    there = _available(board)
    return json_document("vivado-project", {
        "model": model, "board": board.name, "device": board.device.name,
        "resources": {word: {"used": used, "available": there[word]} for word, used in project.used.items()},
        "written": project.folder})


def _available(board: Board) -> dict[str, int]:
    device = board.device
    return {"LUT": device.lut, "FF": 2 * device.lut, "RAMB18": device.ebr, "DSP48": device.dsp}


def table(project: VivadoProject, board: Board, *, title: str) -> FittedTable:
    """The table for the terminal."""
    there = _available(board)
    return usage_table(title, {word: (used, there[word]) for word, used in project.used.items()})
