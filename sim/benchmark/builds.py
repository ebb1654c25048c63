"""Bitstreams that were built here: what came out, by the build's own record, and how long it took."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import build_root, write_file
from firelane.sim.benchmark.provenance import Provenance

RECORD_FILE = "build.json"   #: what `firelane bitstream` writes of a build
MADE_FILE = "made.json"     #: beside RECORD_FILE, which is the same for the same sources, so that no time is in it


@dataclass(frozen=True, kw_only=True)
class BuildRecord:
    """A finished bitstream.

    Parameters
    ----------
    seconds : float
        Wall clock, from the synthesis to the packed bitstream.
    resources : dict
        Used and available, by "LUT", "FF", "EBR" and "DSP".
    clock_mhz, fmax_mhz : float
        What the PLL makes; what is possible after routing.
    """

    made: Provenance
    seconds: float
    board: str
    device: str
    model: str
    banks: int
    weight_words: int
    resources: dict[str, tuple[int, int]]
    clock_mhz: float
    fmax_mhz: float
    frame_cycles: int
    frames_per_second: float
    seed: int


def note_build(folder: Path, made: Provenance, seconds: float) -> None:
    """Leave beside the build in `folder` what its own record must not hold: when, where and how long."""
    text = json.dumps({"made": asdict(made), "seconds": round(seconds)}, indent=1) + "\n"
    write_file(folder / MADE_FILE, text.encode(), "-o")


def load_builds(root: Path | None = None) -> list[BuildRecord]:
    """The records of all builds in the folders of `root` (build/bitstream), by board and model.

    Raises
    ------
    FirelaneError
        If a file is not what it should be.
    """
    root = root or build_root() / "bitstream"
    records = [_load(made.parent) for made in sorted(root.glob(f"*/{MADE_FILE}"))]
    return sorted(records, key=lambda record: (record.board, record.model))


def _load(folder: Path) -> BuildRecord:
    try:
        made, build = (json.loads((folder / name).read_text()) for name in (MADE_FILE, RECORD_FILE))
        return BuildRecord(
            made=Provenance(**made["made"]), seconds=made["seconds"], board=build["board"], device=build["device"],
            model=build["model"], banks=build["engine"]["banks"], weight_words=build["engine"]["weight_words"],
            resources={name: (each["used"], each["available"]) for name, each in build["resources"].items()},
            clock_mhz=build["clock_mhz"], fmax_mhz=build["fmax_mhz"], frame_cycles=build["frame_cycles"],
            frames_per_second=build["frames_per_second"], seed=build["seed"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FirelaneError(str(folder), f"not a build of this version ({error})",
                            hint="delete the folder, or build again: make bitstream") from None
