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

__all__ = ["display", "found_port", "goes_on", "log_console", "note_overridden", "print_json", "progress_console",
           "say", "say_plainly", "write_report"]

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
    """A function that prints a line as it is, past the bars that a terminal shows."""
    return lambda line: console.print(Text(line), soft_wrap=True)


def say_plainly(console: Console) -> Callable[[str], None]:
    """The same for results, which go to standard output wherever progress goes."""
    return click.echo if console.stderr else say(console)


@contextmanager
def goes_on() -> Iterator[None]:
    """Where an interrupted command goes on by itself, say so."""
    try:
        yield
    except (KeyboardInterrupt, Terminated):
        click.echo("what is finished is kept: the same command goes on from there", err=True)
        raise


def found_port(port: str, baud: int | None, progress: Progress) -> tuple[str, int]:
    """The port and the rate of `port_options`; says, on standard error, which one `--port auto` found."""
    return work.chosen_port(port, baud, say=lambda line: click.echo(line, err=True), progress=progress)


def write_report(result: Any, file: Path | None, say: Callable[[str], None]) -> None:
    """Write the report of a result to the file of `report_option`, if there is one, and say so."""
    if file is not None:
        typed = click.get_current_context().find_root().obj or []
        say(f"report: {result.write_report(file, command=shlex.join(['firelane', *typed]))}")


def note_overridden(model: str | Path, options: Mapping[str, Any]) -> None:
    """Say, on standard error, what the options of `record_options` contradict in the metadata of a model."""
    line = work.overridden(model, {name: options[name] for name in RECORD})
    if line:
        click.echo(f"note: {line}", err=True)
