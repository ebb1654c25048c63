"""`firelane schema`."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support.words import Named
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
NAMES = tuple(sorted(path.stem for path in SCHEMAS.glob("*.json")))


@click.command()
@click.argument("name", metavar="COMMAND", type=Named("command", NAMES))
def command(name: str) -> None:
    """Print the JSON Schema of what COMMAND prints with --json.

    Each field is described there. `firelane_format` grows if a field goes, or means something else; new fields may
    come, so a program passes over those that it does not know. Errors are one line on standard error, and exit code 2.
    """
    if name not in NAMES:
        raise ConfigError("COMMAND", f"{name}: has no --json", hint=hint(name, NAMES))
    click.echo((SCHEMAS / f"{name}.json").read_text(), nl=False)
