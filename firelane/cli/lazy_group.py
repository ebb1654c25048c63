"""A group of commands, each of which is imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

ATTRIBUTE = "command"           #: of a command's module


class Entry(NamedTuple):
    """What is known of a command that is not imported: its module, its group, and a line that says what it does."""

    module: str
    group: str
    line: str


class LazyGroup(click.Group):
    """A click group that knows name, module, group and a line of its commands, and no more.

    Parameters
    ----------
    package : str
        Where the commands' modules are; each has its command as `ATTRIBUTE`.
    table : mapping
        Name of a command -> what is known of it.
    groups : sequence of str
        Headings of `--help`, in order; below each, its commands in the order of the table.
    """

    def __init__(self, *arguments: Any, package: str, table: Mapping[str, Entry], groups: Sequence[str],
                 **options: Any):
        super().__init__(*arguments, **options)
        self.package, self.table, self.groups = package, table, groups

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        return getattr(import_module(f"{self.package}.{self.table[cmd_name].module}"), ATTRIBUTE)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, as click does, but from the table; then options."""
        names = [CompletionItem(name, help=entry.line) for name, entry in self.table.items()
                 if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The lists of `--help`, from the table."""
        widest = max(map(len, self.table))
        for group in self.groups:
            with formatter.section(group):
                formatter.write_dl([(name.ljust(widest), entry.line) for name, entry in self.table.items()
                                    if entry.group == group])
