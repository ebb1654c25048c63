"""What `firelane.build` is given, step by step, and what it finds: records without work of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firelane.api.network import Network
from firelane.boards.board import Board
from firelane.compiler.compress.quality import least_share, one_class
from firelane.compiler.compress.sources import FEW_IMAGES
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.support.progress import Progress

QUANTIZED, COMPRESSED, PROGRAM_FOLDER, BITSTREAM_FOLDER = "quantized.onnx", "compressed.onnx", "program", "bitstream"
STEPS = ("check", "quantize", "compress", "evaluate", "compile", "bitstream")


@dataclass(frozen=True)
class Loss:
    """What was lost of accuracy, found on images that nothing was made with.

    Parameters
    ----------
    expected, error : float
        Share of images whose class is probably no longer the best one, and its standard error; no labels are needed,
        see docs/compression.md.
    agreement : float
        Share of images whose best class is that of the network as it was given.
    divergence : float
        Mean divergence from its probabilities, nats.
    images : int
        How many there were.
    only_class : int, optional
        The class that the network and the one that was given see in every image; None if there are several.
    """

    expected: float
    error: float
    agreement: float
    divergence: float
    images: int
    only_class: int | None = None

    @property
    def warning(self) -> str:
        """What is to be said where all images have one class; empty if they have not."""
        return one_class(self.images, self.only_class)

    def __str__(self) -> str:
        few = f" ({FEW_IMAGES} or more would say more)" if self.images < FEW_IMAGES else ""
        return (f"{100 * self.expected:.2f} ± {100 * self.error:.2f} points of top-1, probably; the same class as "
                f"before for {self.agreement:.1%} of {self.images:,} images that nothing was made with, of others "
                f"probably for {least_share(self.agreement, self.images):.0%} or more{few}")


@dataclass(frozen=True)
class StepOutcome:
    """What became of a step: its name, in words what it made, and whether that was kept from an earlier run."""

    name: str
    text: str
    kept: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class BuildJob:
    """What is built, of what, and how: fields as the parameters of `firelane.build`.

    `given` is the network as it came, `recorded` the same with the options for its input; `called` is how the user
    names the board; `seeds` is None where no bitstream is wanted.
    """

    given: Network
    recorded: Network
    calibration: Images | None
    judge: Images | None
    board: Board
    called: str
    folder: Path
    name: str
    method: str
    limit: int
    compress: bool
    objective: str
    thorough: bool
    seeds: Sequence[int] | None
    check: bool
    workers: int | None
    say: Callable[[str], None]
    progress: Progress

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps that there will be."""
        return STEPS if self.seeds is not None else STEPS[:-1]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that may be written."""
        return QUANTIZED, COMPRESSED
