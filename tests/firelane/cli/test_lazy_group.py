"""The table of commands: what `firelane --help` makes of it, and that the commands are there."""

from __future__ import annotations

import click
import pytest

from firelane.cli.main import COMMANDS, GROUPS, firelane, main

CONTEXT = click.Context(firelane)


def test_the_commands_are_there():
    for name in COMMANDS:
        command = firelane.get_command(CONTEXT, name)
        assert command is not None and command.name in (name, "command")
        assert (command.help or "").strip(), name


def test_every_group_has_commands_and_every_command_a_group():
    assert tuple(dict.fromkeys(entry.group for entry in COMMANDS.values())) == GROUPS


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_help_is_grouped(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    heads = [line.rstrip(":") for line in lines if line.rstrip(":") in GROUPS]
    assert heads == list(GROUPS) and [line.split()[0] for line in lines if line.split()[:1] and line.split()[0]
                                      in COMMANDS] == list(COMMANDS)


def test_no_line_is_cut_at_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    widest = max(map(len, COMMANDS))
    assert {f"  {name.ljust(widest)}  {entry.line}" for name, entry in COMMANDS.items()} <= set(lines)


def test_no_such_command(capsys):
    assert main(["fly"]) == 2
    assert capsys.readouterr().err == "error: fly: no such command of `firelane`; see `firelane --help`\n"
