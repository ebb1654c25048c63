"""docs/commands.md: every command with its options, from the commands themselves.

`python -m firelane.cli.document > docs/commands.md` writes it; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

import click

from firelane.cli.main import COMMANDS, firelane

OPTIONS = "[OPTIONS]"          #: as click writes it
HEAD = """# Commands

`firelane` is in `.venv/bin` after any `make` target, or wherever `pip install .` puts it. `firelane COMMAND --help`
says what is here. It works from any folder, and leaves what it makes in `build/` there, or where `FIRELANE_BUILD` says.
Exit codes: 0; 1 where hardware and reference disagree; 2 where something is to be mended, with a line that says what,
and how. `help(firelane)` has the same for Python.

| `make` | calls |
|---|---|
| `make sim [MODEL=NAME or net.onnx] [IMAGE=a.png] [WAVES=1]` | `firelane simulate` |
| `make bitstream BOARD=ulx3s_85f [MODEL=net.onnx] [SEEDS=4]` | `firelane bitstream` |
| `make program BOARD=ulx3s_85f` | `firelane program` |
| `make vivado BOARD=arty_a7_100` | `firelane vivado-project` |
| `make bench [ONLY=NAME]` | `firelane bench`, which writes [benchmarks.md](benchmarks.md) |

More: [compression.md](compression.md) on `compress`, [boards.md](boards.md) on `boards`, [on_a_board.md](on_a_board.md)
on `compile`, `run`, `load` and `board-sim`.
"""


def render() -> str:
    """The document."""
    context = click.Context(firelane, info_name="firelane")
    return "\n".join([HEAD, *(line for name in sorted(COMMANDS)
                              for line in _lines(firelane.get_command(context, name), name, context))])


def _lines(command: click.Command | None, name: str, parent: click.Context) -> Iterator[str]:
    """A section for the command, or a section for each of a group."""
    assert command is not None, f"{name} is in the table of commands"
    context = click.Context(command, info_name=name, parent=parent)
    if isinstance(command, click.Group):
        for inner in sorted(command.commands):
            yield from _lines(command.commands[inner], inner, context)
        return
    arguments = [piece for piece in command.collect_usage_pieces(context) if piece != OPTIONS]
    yield f"## {' '.join([context.command_path, *arguments])}\n"
    yield cleandoc(command.help or "") + "\n"
    records = [option.get_help_record(context) for option in command.params if isinstance(option, click.Option)]
    rows = [f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record]
    yield "\n".join(["| option | |", "|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(render(), end="")
