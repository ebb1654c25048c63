"""`firelane vivado-project`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from firelane.boards import get_board


@click.command(name="vivado-project")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--board", "board_name", required=True, metavar="NAME", help="A board with an AMD device: arty_a7_100.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder; build/vivado/... if not given.")
def vivado_project_command(model: Path, board_name: str, output: Path | None) -> None:
    """Write the Vivado project of MODEL, a quantized ONNX file, on a board, and count what it needs with Yosys."""
    from firelane.boards.flow.vivado_project import table, write_project
    from firelane.boards.top.board_design import board_design
    from firelane.compiler.compile import compile_model
    board = get_board(board_name)
    console = Console()
    compiled = compile_model(model, board.engine)
    folder = output or Path("build") / "vivado" / f"{board.name}-{model.stem}"
    project = write_project(board, board_design(board, compiled.program), folder,
                            say=lambda line: console.print(line, highlight=False, soft_wrap=True))
    console.print(table(project, board, title=f"{model.stem} on {board.description}: Yosys' count"))
    for line in (f"written: {project.folder}", f"next: cd {project.folder} && vivado -mode batch -source top.tcl"):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
