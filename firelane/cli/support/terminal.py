"""Where commands print."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from firelane.cli.support import work
from firelane.cli.support.options import RECORD
from firelane.compiler.support.interrupts import Terminated
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.progress import Progress, display
from firelane.compiler.support.wrapped import Wrapped, wrapped

__all__ = ["display", "found_camera", "found_port", "goes_on", "log_console", "note_overridden", "print_json",
           "progress_console", "say", "say_aside", "say_plainly", "write_report"]

LOG_COLUMNS = 10_000        # where there is no terminal that has a width: nothing is cut, left out or wrapped


def log_console() -> Console:
    """Standard output: as wide as the terminal, or as COLUMNS says; in a pipe or a file all of every table."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else LOG_COLUMNS)


def progress_console(as_json: bool = False) -> Console:
    """Where progress is shown: not among results that a program reads."""
    return Console(stderr=as_json or not sys.stdout.isatty())


def print_json(command: str, fields: Mapping[str, Any]) -> None:
    """Print what --json asks for."""
    click.echo(json_document(command, fields))


def say(console: Console) -> Callable[[str], None]:
    """A function that prints lines past the bars that a terminal shows, wrapped to its width; elsewhere as they are."""
    if not console.is_terminal:
        return lambda text: console.print(Text(text), soft_wrap=True)
    return lambda text: console.print(*map(Wrapped, text.splitlines()), sep="\n")


def say_aside(text: str) -> None:
    """The same on standard error: what is no result."""
    console = Console(stderr=True)
    if console.is_terminal:
        text = "\n".join(wrapped(text, console.width))
    print(text, file=sys.stderr)        # not `click.echo`: where bars are shown, rich has put a proxy there


def say_plainly(console: Console) -> Callable[[str], None]:
    """The same for results, which go to standard output wherever progress goes; JSON as it is, past its bars too."""
    if not console.stderr:
        return say(console)
    if console.is_terminal and sys.stdout.isatty():         # one terminal, probably
        return lambda text: console.print(Text(text), soft_wrap=True)
    return click.echo


@contextmanager
def goes_on() -> Iterator[None]:
    """Where an interrupted command goes on by itself, say so."""
    try:
        yield
    except (KeyboardInterrupt, Terminated):
        say_aside("what is finished is kept: the same command goes on from there")
        raise


def found_port(port: str, baud: int | None, progress: Progress) -> tuple[str, int]:
    """The port and the rate of `port_options`; says, on standard error, which one `--port auto` found."""
    return work.chosen_port(port, baud, say=say_aside, progress=progress)


def found_camera(port: str, baud: int | None, progress: Progress) -> tuple[str, int]:
    """The same of a board with a camera, which is found by what it says."""
    return work.camera_port(port, baud, say=say_aside, progress=progress)


def write_report(result: Any, file: Path | None, say: Callable[[str], None]) -> None:
    """Write the report of a result to the file of `report_option`, if there is one, and say so."""
    if file is not None:
        typed = click.get_current_context().find_root().obj or []
        say(f"report: {result.write_report(file, command=shlex.join(['firelane', *typed]))}")


def note_overridden(model: str | Path, options: Mapping[str, Any]) -> None:
    """Say, on standard error, what the options of `record_options` contradict in the metadata of a model."""
    line = work.overridden(model, {name: options[name] for name in RECORD})
    if line:
        say_aside(f"note: {line}")
