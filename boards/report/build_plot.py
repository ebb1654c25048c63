"""A finished build as a picture: what `firelane die-plot` draws."""

from __future__ import annotations

import json
from pathlib import Path

from firelane.boards import all_boards
from firelane.boards.report.die_plot import die_plot
from firelane.boards.report.placement import read_placement
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.files import write_file
from firelane.compiler.support.work_folder import adopt
from firelane.sim.benchmark.builds import RECORD_FILE

PICTURE = "die.png"             #: in the folder of the build, if no file is named


def plot_build(folder: Path, output: Path | None = None) -> Path:
    """Draw the die of the build in `folder`; returns the file that was written.

    Raises
    ------
    FirelaneError
        If there is no finished build, or the file is no PNG or cannot be written.
    """
    output = output or folder / PICTURE
    if output.suffix.lower() != ".png":
        raise ConfigError("-o", f"{output.name} is no PNG", hint="name a file that ends in .png")
    placement = read_placement(folder)
    device, title = _described(folder / RECORD_FILE)
    write_file(output, die_plot(placement, device, title), "-o")
    if output.parent == folder:
        adopt(folder, [output.name])        # else a build could not take the place of this one
    return output


def _described(record: Path) -> tuple[str, str]:
    """Name of the device, and what was built for it, in a line."""
    try:
        build = json.loads(record.read_text())
        used = {name: build["resources"][name]["used"] for name in ("LUT", "EBR", "DSP")}
        facts = f"{used['LUT']} LUTs, {used['EBR']} block RAMs, {used['DSP']} multipliers, {build['fmax_mhz']:.1f} MHz"
        return build["device"], f"{_description(build['board'])}: {facts}"
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(str(record), "cannot be read as the record of a build",
                          hint="name the folder of a finished `firelane bitstream`") from None


def _description(name: str) -> str:
    """The board of that name in words; its name if it is described in a user's file."""
    return next((board.description for board in all_boards() if board.name == name), name)
