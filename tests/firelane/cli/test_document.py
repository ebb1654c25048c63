"""docs/commands.md is what the commands say."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from firelane.cli.document import EXAMPLES, render
from firelane.cli.main import COMMANDS, firelane

DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"


def test_it_is_up_to_date():
    assert DOCUMENT.read_text() == render(), "write it again: python -m firelane.cli.document > docs/commands.md"


def test_every_command_and_its_options_are_in_it():
    text = render()
    assert all(f"\n## firelane {name}" in text for name in COMMANDS)
    assert "\n## firelane import deep-compression FILE" in text
    assert "\n| `--seeds INTEGER RANGE` | How many are tried, " in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_understood(example):
    """All that click checks: names of options, choices, ranges, what is required."""
    group, words = firelane, example.split()
    while isinstance(group, click.Group):
        name, *words = words
        group = group.get_command(click.Context(group), name)
    group.make_context(name, words)
