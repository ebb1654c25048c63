"""The `firelane` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from firelane.boards import get_board
from firelane.cli.bench import bench as bench_command
from firelane.cli.bitstream import bitstream as bitstream_command
from firelane.cli.bitstream import program as program_command
from firelane.cli.boards import boards_command
from firelane.cli.compress import compress_command
from firelane.cli.die_plot import die_plot_command
from firelane.cli.engine_options import engine_config, engine_options
from firelane.cli.evaluate import evaluate_command
from firelane.cli.host import host_commands
from firelane.cli.import_model import import_group
from firelane.cli.patch import patch_command
from firelane.cli.quantize import quantize_command
from firelane.cli.simulate import simulate as simulate_command
from firelane.cli.vivado_project import vivado_project_command
from firelane.compiler.support.errors import ConfigError, FirelaneError, MismatchError
from firelane.compiler.support.problems import further
from firelane.compiler.support.progress import display

USER_ERROR, MISMATCH = 2, 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="firelane")
def firelane() -> None:
    """SqueezeNet inside one FPGA: compile, simulate, build."""


@firelane.command(name="compile")
@click.argument("model", type=click.Path(path_type=Path))
@engine_options
@click.option("--clock", "clock_mhz", type=float, metavar="MHZ", help="Clock for frames per second.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write: build/<model> if not given.")
def compile_command(model: Path, board: str | None, clock_mhz: float | None, output: Path | None, **sizes) -> None:
    """Compile MODEL, a quantized ONNX file, for an engine, and report what fits."""
    from firelane.compiler.artefact.artefact import write_artefact
    from firelane.compiler.compile import compile_model
    from firelane.compiler.fit.report import make_report, render
    chosen = get_board(board) if board else None
    console = Console()
    with display(console) as progress:
        compiled = compile_model(model, engine_config(board, **sizes), progress)
    folder = output or Path("build") / model.stem
    write_artefact(compiled, folder)
    report = make_report(compiled, chosen, clock_mhz and clock_mhz * 1e6)
    console.print(render(report))
    console.print(f"written: {folder}", highlight=False, soft_wrap=True)
    if not report.fits:
        too_many = ", ".join(line.name for line in report.usage if not line.fits)
        raise ConfigError(chosen.name, f"the engine needs more than the board has of {too_many}",
                          hint="a smaller engine, or a larger board")


COMMANDS = (simulate_command, bench_command, bitstream_command, program_command, patch_command, vivado_project_command,
            boards_command, die_plot_command, quantize_command, compress_command, evaluate_command, import_group,
            *host_commands)
for command in COMMANDS:
    firelane.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; errors of the user are one line and exit code 2, defects of ours a traceback."""
    try:
        return firelane.main(args=list(argv) if argv is not None else None, standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as problem:
        problem.show()
        return USER_ERROR
    except click.Abort:
        print("interrupted", file=sys.stderr)
        return 130
    except FirelaneError as problem:
        print(f"error: {problem}", file=sys.stderr)
        for other in further(problem):
            print(f"  also: {other}", file=sys.stderr)
        return USER_ERROR
    except MismatchError as problem:
        print(f"mismatch: {problem}", file=sys.stderr)
        return MISMATCH
