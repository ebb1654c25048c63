"""What a validation of a board found, as a record that its user can send to us: no names of files or of people."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass

from firelane.boards.host.simulated_clock import UNNAMED
from firelane.boards.top.identity import Identity
from firelane.sim.benchmark.provenance import provenance

VERSION = 1
PACKAGES = ("firelane", "numpy", "pyserial")


@dataclass(frozen=True)
class FirstDifference:
    """The first value of a result that is not the expected one; `differing` of `values` in this image are not."""

    image: int
    channel: int
    row: int
    column: int
    expected: int
    got: int
    differing: int
    values: int

    def __str__(self) -> str:
        return (f"image {self.image}, channel {self.channel}, row {self.row}, column {self.column}: expected "
                f"{self.expected}, got {self.got} ({self.differing} of {self.values} values differ)")


@dataclass(frozen=True)
class Stop:
    """Where the engine stopped by itself: the image, the link's status, the engine's error code and program word."""

    image: int
    status: str
    error_code: int
    program_word: int

    def __str__(self) -> str:
        return (f"image {self.image}: {self.status}, error code {self.error_code} at program word "
                f"{self.program_word}")


@dataclass(frozen=True)
class PredictedCycles:
    """The cycles of a frame whose image comes as fast as the engine takes it; `waiting`: of these, for the image."""

    total: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class LinkStatistics:
    """How the line did: commands that were sent again, the payload that frames ended with, and seconds by direction."""

    baud: int
    sent_again: int
    payload_bytes: int
    image_bytes: int
    image_seconds: float
    result_bytes: int
    result_seconds: float


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A board held against a level of truth, image by image.

    Parameters
    ----------
    identity : Identity
        What the board says of itself.
    simulated : bool
        Whether it is no physical board.
    engine_digest, program_digest : int
        As the board has them.
    artefact : dict
        SHA-256 of the files of the compiled network.
    bitstream_sha256 : str, optional
        None where nobody knows it.
    expected_from : str
        The level of truth: "reference", or "emulator" of the program where the model is not there.
    images : int
    inputs_sha256 : str
        Digest of all input bytes, in order.
    equal : int
        Images whose every value is the expected one.
    difference : FirstDifference, optional
    stop : Stop, optional
        The validation ends there.
    cycles : tuple of int
        Measured for each image, without those in which the engine waited for the line.
    predicted : PredictedCycles
    link : LinkStatistics
    """

    identity: Identity
    simulated: bool
    engine_digest: int
    program_digest: int
    artefact: dict[str, str]
    bitstream_sha256: str | None
    expected_from: str
    images: int
    inputs_sha256: str
    equal: int
    difference: FirstDifference | None
    stop: Stop | None
    cycles: tuple[int, ...]
    predicted: PredictedCycles
    link: LinkStatistics

    @property
    def passed(self) -> bool:
        """Whether all of every result is as expected."""
        return self.equal == self.images

    def to_json(self) -> str:
        """The record."""
        made = provenance()
        measured = {"least": min(self.cycles), "most": max(self.cycles)} if self.cycles else None
        document = {
            "validation_version": VERSION, "passed": self.passed,
            "board": {**asdict(self.identity), "simulated": self.simulated,
                      "engine_digest": f"{self.engine_digest:08x}"},
            "program_digest": f"{self.program_digest:08x}", "artefact_sha256": self.artefact,
            "bitstream_sha256": self.bitstream_sha256,
            "expected_from": self.expected_from, "images": self.images, "images_equal": self.equal,
            "inputs_sha256": self.inputs_sha256,
            "first_difference": asdict(self.difference) if self.difference else None,
            "stop": asdict(self.stop) if self.stop else None,
            "frame_cycles": {"measured": measured, "predicted": self.predicted.total,
                             "predicted_waiting": self.predicted.waiting},
            "link": asdict(self.link),
            "versions": {"commit": made.commit, "python": platform.python_version(),
                         **{name: importlib.metadata.version(name) for name in PACKAGES}},
            "system": f"{platform.system()} {platform.machine()}", "day": made.day,
        }
        return json.dumps(document, indent=1) + "\n"

    def __str__(self) -> str:
        named, count = self.identity.board, f"{self.images} image{'s' * (self.images != 1)}"
        name = f"the simulated {named if named != UNNAMED else 'board'}" if self.simulated else named
        if not self.passed:
            first = [f"the first: {self.difference}"] if self.difference else []
            stopped = [f"the engine stopped at {self.stop}"] if self.stop else []
            return f"{name}: {self.equal} of {count} equal; {'; '.join([*first, *stopped])}"
        cycles = " to ".join(f"{count:,}" for count in sorted({min(self.cycles), max(self.cycles)}))
        predicted = self.predicted.total - self.predicted.waiting
        return (f"{name}: every value of {count} equals the {self.expected_from}; {cycles} cycles a frame without "
                f"waiting for the image, {predicted:,} predicted for one that is always there")
