"""Record what a command prints as an SVG picture of a terminal.

    .venv/bin/python docs/record_terminal.py docs/images/make_sim.svg make sim

made `docs/images/make_sim.svg`. Run the command once before, so that nothing is left to build. Nothing of the output
is changed or left out: a recording with a path of this machine in it is refused.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

FEWEST_COLUMNS, COLUMNS = 80, 110
THEME = TerminalTheme((13, 17, 23), (230, 237, 243), [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34),
                                                      (88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)])
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own, without the fonts that it would fetch."""


def terminal_svg(command: str, output: str) -> str:
    """A terminal in which `command` was typed and `output` came."""
    lines = [line.rstrip() for line in output.splitlines()]
    width = max(FEWEST_COLUMNS, *(len(line) for line in lines), 1) + 1
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return console.export_svg(title=command, theme=THEME, code_format=SVG, unique_id="recorded")


def own_paths() -> set[str]:
    """What nobody else has: where this project, its caller and its home are."""
    return {str(path) for path in (Path(__file__).resolve().parents[1], Path.cwd(), Path.home())}


def main(target: str, *command: str) -> int:
    """Run `command`, write `target`; returns an exit code."""
    ran = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         env=os.environ | {"COLUMNS": str(COLUMNS)})
    typed = shlex.join(command)
    if ran.returncode:
        print(f"error: {typed}: exit code {ran.returncode}\n{ran.stdout}", file=sys.stderr)
        return 2
    if found := sorted(path for path in own_paths() if path in ran.stdout):
        print(f"error: {typed}: a path of this machine is in the output ({found[0]}); run it again, when nothing is "
              "left to build", file=sys.stderr)
        return 2
    Path(target).write_text(terminal_svg(typed, ran.stdout))
    print(f"written: {target}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: record_terminal.py PICTURE.svg COMMAND...")
    sys.exit(main(*sys.argv[1:]))
