"""docs/commands.md is what the commands say."""

from __future__ import annotations

from pathlib import Path

from firelane.cli.document import render
from firelane.cli.main import COMMANDS

DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"


def test_it_is_up_to_date():
    assert DOCUMENT.read_text() == render(), "write it again: python -m firelane.cli.document > docs/commands.md"


def test_every_command_and_its_options_are_in_it():
    text = render()
    assert all(f"\n## firelane {name}" in text for name in COMMANDS)
    assert "\n## firelane import deep-compression FILE" in text
    assert "\n| `--seeds INTEGER RANGE` | How many are tried, " in text
