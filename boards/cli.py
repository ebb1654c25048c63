"""`firelane bitstream` and `firelane program`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from boards import get_board
from boards.board import Board
from compiler.engine_options import engine_config, size_options

BUILD = Path("build") / "bitstream"
DEFAULT_MODEL = Path(__file__).parent.parent / "models" / "digits_squeezenet.onnx"


def build_folder(board: Board, model: Path) -> Path:
    """Where the build of `model` for `board` goes if nobody says otherwise."""
    return BUILD / f"{board.name}-{model.stem}"


def board_option(command):
    return click.option("--board", "board_name", required=True, metavar="NAME", help="E.g. ulx3s_85f.")(command)


def model_option(command):
    return click.option("--model", type=click.Path(path_type=Path), default=DEFAULT_MODEL, show_default="digits",
                        help="Quantized ONNX file.")(command)


@click.command()
@board_option
@model_option
@size_options
@click.option("--clock", "clock_mhz", type=float, metavar="MHZ", help="Engine clock, if not the board's usual one.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the placer.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder; build/bitstream/... if not given.")
def bitstream(board_name: str, model: Path, clock_mhz: float | None, seed: int, output: Path | None,
              **sizes: int | None) -> None:
    """Build a bitstream: MODEL in the memories of the board's engine, behind the board's serial line."""
    from boards.bitstream import build_bitstream
    from boards.build_report import table
    from boards.top import BoardTop
    from compiler.artefact import write_artefact
    from compiler.compile import compile_model
    from hw.engine import Engine
    board = get_board(board_name)
    board = replace(board, engine=engine_config(board, **sizes),
                    clock_hz=clock_mhz * 1e6 if clock_mhz else board.clock_hz)
    console = Console()
    compiled = compile_model(model, board.engine)
    program = compiled.program
    engine = Engine(board.engine, program=program.program, weights=program.weights, values=program.values,
                    runs=program.runs)
    top = BoardTop(board, engine)
    folder = output or build_folder(board, model)
    build = build_bitstream(board, top, folder, seed=seed,
                            say=lambda line: console.print(line, highlight=False, soft_wrap=True))
    write_artefact(compiled, build.folder / "model")        # where `firelane run` finds it
    console.print(table(build.report, title=f"{model.stem} on {board.description}"))
    for name, version in build.tool_versions.items():
        console.print(f"{name}: {version}", highlight=False, soft_wrap=True)
    console.print(f"written: {build.bitstream}", highlight=False, soft_wrap=True)


@click.command()
@board_option
@model_option
@click.option("--bitstream", "file", type=click.Path(path_type=Path), help="If not the one of `firelane bitstream`.")
def program(board_name: str, model: Path, file: Path | None) -> None:
    """Send a bitstream to the connected board (openFPGALoader)."""
    from boards.bitstream import program as send
    board = get_board(board_name)
    send(board, file or build_folder(board, model) / "top.bit",
         say=lambda line: click.echo(line))
