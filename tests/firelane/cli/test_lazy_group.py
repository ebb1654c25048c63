"""The table of commands says what the commands say themselves."""

from __future__ import annotations

import click

from firelane.cli.main import COMMANDS, firelane, main

CONTEXT = click.Context(firelane)


def test_names_and_first_sentences():
    for name, (_, text) in COMMANDS.items():
        command = firelane.get_command(CONTEXT, name)
        assert command.name in (name, "command")
        assert text == " ".join((command.help or "").split("\n\n")[0].split()), name
        assert command.get_short_help_str(50) == click.Command(name, help=text).get_short_help_str(50)


def test_help_is_what_click_would_write(capsys):
    assert main(["--help"]) == 0
    lazy = capsys.readouterr().out
    plain = click.Group("firelane", {name: firelane.get_command(CONTEXT, name) for name in COMMANDS},
                        help=firelane.help, params=firelane.params, context_settings=firelane.context_settings)
    plain.main(["--help"], "firelane", standalone_mode=False)
    assert capsys.readouterr().out.partition("\n")[2] == lazy.partition("\n")[2]


def test_no_such_command(capsys):
    assert main(["fly"]) == 2
    assert "No such command 'fly'" in capsys.readouterr().err
