"""`firelane die-plot`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from firelane.boards import get_board
from firelane.boards.report.die_plot import die_plot
from firelane.boards.report.placement import read_placement
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import write_file
from firelane.sim.benchmark.builds import RECORD_FILE

PICTURE = "die.png"


@click.command(name="die-plot")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help=f"PNG.  [default: {PICTURE} in FOLDER]")
def die_plot_command(folder: Path, output: Path | None) -> None:
    """Draw the die of the build in FOLDER: each cell where it was placed, coloured by the part of the engine."""
    output = output or folder / PICTURE
    if output.suffix.lower() != ".png":
        raise ConfigError("--output", f"{output.name} is no PNG", hint="name a file that ends in .png")
    placement = read_placement(folder)
    board, title = _described(folder / RECORD_FILE)
    write_file(output, die_plot(placement, get_board(board).device.name, title), "--output")
    click.echo(f"written: {output}")


def _described(record: Path) -> tuple[str, str]:
    """Name of the board, and what was built for it, in a line."""
    try:
        build = json.loads(record.read_text())
        used = {name: build["resources"][name]["used"] for name in ("LUT", "EBR", "DSP")}
        facts = f"{used['LUT']} LUTs, {used['EBR']} block RAMs, {used['DSP']} multipliers, {build['fmax_mhz']:.1f} MHz"
        return build["board"], f"{get_board(build['board']).description}: {facts}"
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(str(record), "cannot be read as the record of a build",
                          hint="name the folder of a finished `firelane bitstream`") from None
