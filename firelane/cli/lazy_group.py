"""A group of commands, each of which is imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

ATTRIBUTE = "command"           #: of a command's module


class LazyGroup(click.Group):
    """A click group that knows name, module and first sentence of its commands, and no more.

    Parameters
    ----------
    package : str
        Where the commands' modules are; each has its command as `ATTRIBUTE`.
    table : mapping
        Name of a command -> its module, and the first sentence of its help.
    """

    def __init__(self, *arguments: Any, package: str, table: Mapping[str, tuple[str, str]], **options: Any):
        super().__init__(*arguments, **options)
        self.package, self.table = package, table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        return getattr(import_module(f"{self.package}.{self.table[cmd_name][0]}"), ATTRIBUTE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `--help`, as click writes it, from the table."""
        width = formatter.width - 6 - max(map(len, self.table))
        with formatter.section("Commands"):
            formatter.write_dl([(name, click.Command(name, help=self.table[name][1]).get_short_help_str(width))
                                for name in self.list_commands(ctx)])
