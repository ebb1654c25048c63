"""`firelane bitstream` and `firelane program`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from firelane.boards import get_board
from firelane.boards.board import Board
from firelane.cli.engine_options import engine_config, size_options
from firelane.models.catalogue import EMBEDDED

if TYPE_CHECKING:
    from firelane.boards.flow.bitstream import Build
    from firelane.boards.report.build_record import ModelFacts
    from firelane.compiler.program.compiled import Compiled

BUILD = Path("build") / "bitstream"
DEFAULT_MODEL = EMBEDDED["digits"]


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
@click.option("--seed", type=int, help="Of the placer; the first, if there are several.  [default: the board's]")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="How many are tried, as many at a time as there are cores; the first that meets timing wins.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder; build/bitstream/... if not given.")
def bitstream(board_name: str, model: Path, clock_mhz: float | None, seed: int | None, seeds: int, output: Path | None,
              **sizes: int | None) -> None:
    """Build a bitstream: MODEL in the memories of the board's engine, behind the board's serial line."""
    from firelane.boards.contents.memory_key import key_contents
    from firelane.boards.flow.bitstream import build_bitstream
    from firelane.boards.top.board_design import board_design
    from firelane.compiler.artefact.artefact import write_artefact
    from firelane.compiler.compile import compile_model
    from firelane.sim.benchmark.builds import note_build
    from firelane.sim.benchmark.provenance import provenance
    board = get_board(board_name)
    board = replace(board, engine=engine_config(board_name, **sizes),
                    clock_hz=clock_mhz * 1e6 if clock_mhz else board.clock_hz)
    console = Console()
    compiled = compile_model(model, board.engine)
    top = board_design(board, key_contents(board.engine))
    facts = _facts(model, compiled)
    first = board.seed if seed is None else seed
    made, started = provenance(), time.monotonic()
    build = build_bitstream(board, top, compiled.program.contents, facts, output or build_folder(board, model),
                            seeds=range(first, first + seeds),
                            say=lambda line: console.print(line, highlight=False, soft_wrap=True))
    seconds = time.monotonic() - started
    write_artefact(compiled, build.folder / "model")        # where `firelane run` finds it
    note_build(build.folder, made, seconds)
    _print_build(console, board, facts, build, seconds)


def _facts(model: Path, compiled: Compiled) -> ModelFacts:
    from firelane.boards.report.build_record import ModelFacts
    from firelane.compiler.schedule.cost_model import frame_cost
    program, plan = compiled.program, compiled.plan
    cost = frame_cost(program.network, plan.steps, plan.wait_load, compiled.cfg, program.encoded)
    return ModelFacts(model.stem, program.contents.program_digest, cost.total)


def _print_build(console: Console, board: Board, model: ModelFacts, build: Build, seconds: float) -> None:
    from firelane.boards.report.build_record import hex32
    from firelane.boards.report.build_report import table
    report = build.report
    console.print(table(report, title=f"{model.name} on {board.description}"))
    lines = [f"{model.frames_per_second(report.target_hz):.1f} frames/s: {report.target_hz / 1e6:g} MHz, "
             f"{model.frame_cycles} cycles a frame",
             f"limited by {report.limit}",
             f"engine {hex32(board.engine.digest)}, program {hex32(model.program_digest)}, seed {build.seed}, "
             f"{seconds:.0f} s",
             *(f"{name}: {version}" for name, version in build.tool_versions.items()),
             f"written: {build.bitstream}", f"sha256: {build.digests.bitstream}"]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)


@click.command()
@board_option
@model_option
@click.option("--bitstream", "file", type=click.Path(path_type=Path), help="If not the one of `firelane bitstream`.")
def program(board_name: str, model: Path, file: Path | None) -> None:
    """Send a bitstream to the connected board (openFPGALoader)."""
    from firelane.boards.flow.bitstream import program as send
    board = get_board(board_name)
    send(board, file or build_folder(board, model) / "top.bit",
         say=lambda line: click.echo(line))
