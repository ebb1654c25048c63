"""What is in the folder of a finished build, to be looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.flow.file_names import CONFIG, REPORT
from firelane.boards.report.build_report import BuildReport, read_report
from firelane.boards.report.placement import Placement, read_placement
from firelane.boards.report.routed_wires import RoutedWires, read_wires
from firelane.compiler.support.errors import ConfigError
from firelane.sim.benchmark.builds import RECORD_FILE


@dataclass(frozen=True, eq=False)
class FinishedBuild:
    """A build as its folder has it.

    Parameters
    ----------
    board, device, model : str
        Names.
    seed : int
        Of the placer.
    tools : dict
        Name -> version.
    bitstream : str
        SHA-256.
    frames_per_second : float
    report : BuildReport
        Resources, clock, and the path that limits it.
    placement : Placement
    wires : RoutedWires
    """

    board: str
    device: str
    model: str
    seed: int
    tools: dict[str, str]
    bitstream: str
    frames_per_second: float
    report: BuildReport
    placement: Placement
    wires: RoutedWires


def read_build(folder: Path) -> FinishedBuild:
    """The build in `folder`.

    Raises
    ------
    ConfigError
        If there is none that is whole.
    """
    try:
        record = json.loads((folder / RECORD_FILE).read_text())
        report = read_report(folder / REPORT, target_hz=record["clock_mhz"] * 1e6)
        facts = {name: record[name] for name in ("board", "device", "model", "seed", "tools", "frames_per_second")}
        digest = str(record["bitstream_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(str(folder), "cannot be read as a finished build",
                          hint="name the folder of a finished `firelane bitstream`") from None
    return FinishedBuild(**facts, bitstream=digest, report=report, placement=read_placement(folder),
                         wires=read_wires(folder / CONFIG))
