"""The `firelane` command: which commands there are, and what exit codes mean."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import sys
from collections.abc import Sequence

import click

from firelane.cli.lazy_group import Entry, LazyGroup
from firelane.cli.support.usage import usage_error
from firelane.compiler.support.errors import FirelaneError, MismatchError
from firelane.compiler.support.interrupts import Terminated, raising
from firelane.compiler.support.workspace import FULL

NO_WAY = (errno.ENAMETOOLONG, errno.EACCES)             #: paths that nobody can even look for
USER_ERROR, MISMATCH, INTERRUPTED, READER_GONE, TERMINATED = 2, 1, 130, 141, 143
GROUPS = ("Model", "Build", "Board", "Develop")          #: in the order of `firelane --help`
COMMANDS = {        # name: its module in `firelane.cli.commands`, its group, and a line for `firelane --help`
    "estimate": Entry("estimate", "Model", "Say which boards hold MODEL, how fast, and what to change."),
    "explore": Entry("explore", "Model", "Cost the Fire family on engines of many sizes."),
    "import": Entry("import_model", "Model", "Turn published weights into a float ONNX model."),
    "train": Entry("train", "Model", "Learn your own classes from folders of images."),
    "quantize": Entry("quantize", "Model", "Quantize a float MODEL to a standard QDQ graph."),
    "compress": Entry("compress", "Model", "Compress MODEL to a budget of bytes, or to a board."),
    "evaluate": Entry("evaluate", "Model", "Measure MODEL on images: accuracy, and what was lost."),
    "compile": Entry("compile", "Model", "Compile MODEL for an engine, and report what fits."),
    "build": Entry("build", "Build", "Take MODEL all the way to a board, step by step."),
    "bitstream": Entry("bitstream", "Build", "Build a bitstream of MODEL on a board."),
    "patch": Entry("patch", "Build", "Put another model into a finished bitstream, in seconds."),
    "vivado-project": Entry("vivado_project", "Build", "Write the Vivado project of MODEL on a board."),
    "boards": Entry("boards", "Board", "List the boards, and which models fit."),
    "new-board": Entry("new_board", "Board", "Describe a board of your own in a file."),
    "devices": Entry("devices", "Board", "Find the boards that are connected."),
    "doctor": Entry("doctor", "Board", "Check this machine, and say how to mend it."),
    "program": Entry("program", "Board", "Send a bitstream to the connected board."),
    "load": Entry("load", "Board", "Put a compiled model into a running board."),
    "run": Entry("run", "Board", "Have a board classify images."),
    "watch": Entry("watch", "Board", "Show what a board with a camera sees."),
    "validate": Entry("validate", "Board", "Compare every value of a board with the reference."),
    "board-sim": Entry("board_sim", "Board", "Simulate a board with MODEL behind a pseudo-terminal."),
    "demo": Entry("demo", "Board", "Show pictures to a board, on a page of this machine."),
    "simulate": Entry("simulate", "Develop", "Simulate the Verilog of an engine, and check every byte."),
    "camera-sim": Entry("camera_sim", "Develop", "Show pictures to a simulated camera, and check the answers."),
    "bench": Entry("bench", "Develop", "Measure frames, tools and accuracy: docs/benchmarks.md."),
    "schema": Entry("schema", "Develop", "Print the schema of what a command prints with --json."),
    "die-plot": Entry("die_plot", "Develop", "Draw the die of a build, coloured by part of the engine."),
}


@click.group(cls=LazyGroup, package="firelane.cli.commands", table=COMMANDS, groups=GROUPS,
             context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="firelane")
def firelane() -> None:
    """SqueezeNet inside one FPGA: compile, simulate, build."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; errors of the user are one line and exit code 2, defects of ours a traceback.

    Ctrl-C and SIGTERM end it with 130 and 143, when what was begun has been tidied up; a reader of its output that has
    gone, such as `head`, with 141, as the shell says it of other programs.
    """
    try:
        with raising(until_exit=argv is None):
            code = _run(argv)
    except KeyboardInterrupt:           # between two instructions of ours
        code = INTERRUPTED
    except Terminated:
        code = TERMINATED
    if argv is None and code in (INTERRUPTED, TERMINATED):
        _end_at_once(code)
    return code


def _end_at_once(code: int) -> None:
    """End the process: Python would wait for threads whose results nobody wants, and take all objects apart."""
    atexit._run_exitfuncs()             # what is unfinished in the user's folders goes
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _run(argv: Sequence[str] | None) -> int:
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        return _printed(words)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as problem:
        return _refused(problem, words)
    except Terminated:
        with contextlib.suppress(OSError):                  # the terminal is closed
            print("terminated", file=sys.stderr)
        return TERMINATED
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except FirelaneError as problem:
        return _say(problem)
    except MismatchError as problem:
        print(f"mismatch: {problem}", file=sys.stderr)
        return MISMATCH


def _printed(words: list[str]) -> int:
    """Run the command, and see that what it prints can be written."""
    try:
        code = firelane.main(words, "firelane", standalone_mode=False, obj=words) or 0      # `obj`: for reports
        sys.stdout.flush()
        return code
    except (BrokenPipeError, SystemExit):                   # rich says it with the latter
        _print_nowhere()
        return READER_GONE
    except OSError as problem:
        if problem.errno in NO_WAY and problem.filename is not None:
            raise FirelaneError(str(problem.filename), problem.strerror or "cannot be read",
                                hint="look at how it is spelt, and who may read it") from None
        if problem.errno not in FULL or problem.filename is not None:
            raise
        _print_nowhere()
        raise FirelaneError("output", problem.strerror or "is full", hint="make room, or write it elsewhere") from None


def _print_nowhere() -> None:
    """What waits in standard output must not fail again when Python ends."""
    with contextlib.suppress(OSError, ValueError):          # no file: a test's
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused(problem: click.ClickException, words: Sequence[str]) -> int:
    """Say what is wrong with the command line; without a command, which there are."""
    if isinstance(problem, click.exceptions.NoArgsIsHelpError):
        problem.show()
        return USER_ERROR
    return _say(usage_error(problem, words))


def _say(problem: FirelaneError) -> int:
    print(f"error: {problem.typed}", file=sys.stderr)
    for other in problem.further:
        print(f"  also: {other.typed}", file=sys.stderr)
    return USER_ERROR
