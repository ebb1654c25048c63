"""docs/commands.md: every command with its options, from the commands themselves.

`python -m firelane.cli.document > docs/commands.md` writes it; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from textwrap import fill

import click

from firelane.cli.main import COMMANDS, firelane

OPTIONS = "[OPTIONS]"          #: as click writes it
WIDTH = 100                     #: of lines that are no tables
HEAD = r"""# Commands

`firelane` is in `.venv/bin` after any `make` target, or wherever `pip install .` puts it.
`firelane COMMAND --help` says what is here. It works from any folder, and leaves what it makes in
`build/` there, or where `FIRELANE_BUILD` says. Exit codes: 0; 1 where hardware and reference
disagree; 2 where something is to be mended, with a line that says what, and how.
`help(firelane)` has the same for Python.

| `make` | calls |
|---|---|
| `make sim [MODEL=NAME or net.onnx] [IMAGE=a.png] [WAVES=1]` | `firelane simulate` |
| `make bitstream BOARD=ulx3s_85f [MODEL=net.onnx] [SEEDS=4]` | `firelane bitstream` |
| `make program BOARD=ulx3s_85f` | `firelane program` |
| `make vivado BOARD=arty_a7_100` | `firelane vivado-project` |
| `make bench [ONLY=NAME]` | `firelane bench`, which writes [benchmarks.md](benchmarks.md) |

Words mean the same in all of them:

| | |
|---|---|
| MODEL | an ONNX file, or a name such as digits or squeezenet1.1, see `simulate`; digits where it may be left out |
| DIR | a folder that `firelane compile` wrote |
| `--board` | a name of `firelane boards`, or a file of `firelane new-board` |
| `--image FILE` | a picture; may be repeated |
| `--images DIR` | a folder of pictures |
| `--calib`, `--judge` | a folder of pictures, or an .npy file |
| `--limit N` | a count of pictures |
| `-o` | what is made: a folder where a folder is made, a file where a file is made |
| `--json` | the result for programs, and nothing else, on standard output |

`firelane schema COMMAND` prints the JSON Schema of what `--json` prints, with a sentence on each
field. `firelane_format` is 1; it grows if a field goes or means something else, and new fields may
come. `run` and `watch` print a document a line, all others one. Errors stay a line on standard
error.

Tables begin with the answer. They are as wide as the terminal, or as `COLUMNS` says: where there is
no room, names lose their middle, and columns go in the order that stands beside each table in the
sources, those that matter least first. In a pipe and in a file nothing is cut, left out or wrapped.

A word that is not known is answered with what may have been meant, and an option of a former
version with the line as it is written now.

A shell completes commands, options, boards, models and ports, once it knows how:

| shell | |
|---|---|
| bash | `eval "$(_FIRELANE_COMPLETE=bash_source firelane)"` in ~/.bashrc |
| zsh | `eval "$(_FIRELANE_COMPLETE=zsh_source firelane)"` in ~/.zshrc |
| fish | `_FIRELANE_COMPLETE=fish_source firelane \| source` in ~/.config/fish/config.fish |

More: [compression.md](compression.md) on `compress`, [boards.md](boards.md) on `boards`,
[on_a_board.md](on_a_board.md) on `compile`, `run`, `load` and `board-sim`.
"""

EXAMPLES = (
    "bench --only squeezenet1.1",
    "bitstream net.onnx --board ulx3s_85f --seeds 4",
    "board-sim build/net",
    "demo --open",
    "boards net.onnx",
    "build net.onnx --board ulx3s_85f --calib images/ --preset imagenet -o build/net",
    "camera-sim --image three.png",
    "compile net.onnx --board ulx3s_85f -o build/net",
    "compress float.onnx --calib images/ --budget 336KB -o small.onnx",
    "devices",
    "die-plot build/bitstream/ulx3s_85f-net",
    "doctor",
    "estimate float.onnx --board ulx3s_85f",
    "evaluate net.onnx --images photographs/ --labels labels.txt --float float.onnx",
    "explore --squeeze-ratio 0.125,0.25,0.5 --pools early,late -o front.csv",
    "import deep-compression compressed_SqueezeNet.net -o squeezenet1.0.onnx",
    "load build/net --port /dev/ttyUSB0",
    "new-board my_board --from ulx3s_85f -o my_board.toml",
    "patch build/bitstream/ulx3s_85f-net/top.config build/other -o other.bit",
    "program net.onnx --board ulx3s_85f",
    "quantize float.onnx --calib images/ -o net.onnx",
    "run cat.jpg --port /dev/ttyUSB0",
    "schema estimate",
    "simulate squeezenet1.0 --image cat.jpg",
    "train photographs/ --from squeezenet1_1.pth -o mine.onnx",
    "validate build/net net.onnx --port auto --images photographs/",
    "vivado-project net.onnx --board arty_a7_100",
    "watch --port /dev/ttyUSB0 --labels names.txt",
)


def render() -> str:
    """The document."""
    # With its settings: a command keeps the help option that it is first asked for.
    context = click.Context(firelane, info_name="firelane", **firelane.context_settings)
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
    yield "\n\n".join(fill(paragraph, WIDTH) for paragraph in cleandoc(command.help or "").split("\n\n")) + "\n"
    example = next(text for text in EXAMPLES if f"firelane {text} ".startswith(f"{context.command_path} "))
    yield f"```\nfirelane {example}\n```\n"
    records = [option.get_help_record(context) for option in command.params if isinstance(option, click.Option)]
    rows = [f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record]
    yield "\n".join(["| option | |", "|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(render(), end="")
