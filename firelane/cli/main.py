"""The `firelane` command: which commands there are, and what exit codes mean."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from firelane.cli.lazy_group import LazyGroup
from firelane.compiler.support.errors import FirelaneError, MismatchError
from firelane.compiler.support.interrupts import Terminated, raising

USER_ERROR, MISMATCH, INTERRUPTED, TERMINATED = 2, 1, 130, 143
COMMANDS = {        # name: (module of `firelane.cli.commands`, the first sentence of its help)
    "bench": ("bench", "Measure whole frames in Verilator, the speed of the tools and the accuracy, and write "
                       "docs/benchmarks.md."),
    "bitstream": ("bitstream", "Build a bitstream: MODEL in the memories of the board's engine, behind the board's "
                               "serial line."),
    "board-sim": ("board_sim", "Simulate a board with a model in its memories, and offer its serial line as a "
                               "pseudo-terminal."),
    "boards": ("boards", "List the boards: device, engine, clock, serial line, and which models fit."),
    "compile": ("compile", "Compile MODEL, a quantized ONNX file, for an engine, and report what fits."),
    "compress": ("compress", "Compress MODEL, float or QDQ ONNX, so that its weights, as the engine stores them, fit a "
                             "budget."),
    "devices": ("devices", "Find boards: ask what is at each serial port, real or of a simulated board."),
    "die-plot": ("die_plot", "Draw the die of the build in FOLDER: each cell where it was placed, coloured by the part "
                             "of the engine."),
    "doctor": ("doctor", "Check what this machine has of what Firelane needs, and say what to do about the rest."),
    "estimate": ("estimate", "Say what MODEL, float or quantized ONNX of any size, would take on boards, and what to "
                             "do where it does not fit."),
    "evaluate": ("evaluate", "Measure MODEL, an ONNX file, on a set of images: accuracy, and what is left of the float "
                             "network."),
    "import": ("import_model", "Turn published weights into a float ONNX model."),
    "load": ("load", "Put the model that `firelane compile` wrote to DIR into a running board."),
    "new-board": ("new_board", "Write the description of a board of your own, called NAME, to be changed in an "
                               "editor."),
    "patch": ("patch", "Put the model that `firelane compile` wrote to DIR into a finished design, in seconds."),
    "program": ("program", "Send a bitstream to the connected board (openFPGALoader)."),
    "quantize": ("quantize", "Quantize MODEL, a float ONNX file, to a standard QDQ graph."),
    "run": ("run", "Have a board classify images: files, or all images in a folder."),
    "simulate": ("simulate", "Simulate the Verilog of an engine with Verilator, and check every result byte against "
                             "the reference."),
    "validate": ("validate", "Compare every value that a board computes with the integer reference, and write a "
                             "record of it."),
    "vivado-project": ("vivado_project", "Write the Vivado project of MODEL, a quantized ONNX file, on a board, and "
                                         "count what it needs with Yosys."),
}


@click.group(cls=LazyGroup, package="firelane.cli.commands", table=COMMANDS,
             context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="firelane")
def firelane() -> None:
    """SqueezeNet inside one FPGA: compile, simulate, build."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; errors of the user are one line and exit code 2, defects of ours a traceback.

    Ctrl-C and SIGTERM end it with 130 and 143, when what was begun has been tidied up.
    """
    try:
        with raising(until_exit=argv is None):
            return _run(argv)
    except KeyboardInterrupt:           # between two instructions of ours
        return INTERRUPTED
    except Terminated:
        return TERMINATED


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = sys.argv[1:] if argv is None else list(argv)
        return firelane.main(args=arguments, standalone_mode=False, obj=arguments) or 0       # as typed, for reports
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as problem:
        problem.show()
        return USER_ERROR
    except Terminated:
        print("terminated", file=sys.stderr)
        return TERMINATED
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except FirelaneError as problem:
        print(f"error: {problem}", file=sys.stderr)
        for other in problem.further:
            print(f"  also: {other}", file=sys.stderr)
        return USER_ERROR
    except MismatchError as problem:
        print(f"mismatch: {problem}", file=sys.stderr)
        return MISMATCH
