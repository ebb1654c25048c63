"""A network whose weights take fewer bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from firelane import report as reports
from firelane.api.arguments import check_above_zero, check_choice, check_count, check_images
from firelane.api.check import check_quantized
from firelane.api.estimate import estimate
from firelane.api.network import Network, load
from firelane.api.reported import Reported
from firelane.boards import get_board
from firelane.boards.board import Board
from firelane.boards.chosen_engine import chosen_engine
from firelane.boards.report.board_fit import check_device
from firelane.compiler.compress import run
from firelane.compiler.compress.compressor import Objective
from firelane.compiler.fit.possible import check_possible
from firelane.compiler.fit.report import Report, make_report
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.program.rom_size import RomSize
from firelane.compiler.quantize.calibration import METHODS
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig
from firelane.sim.validate import Agreement

if TYPE_CHECKING:
    from firelane.report.page.document import Document


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CompressedNetwork(Network, Reported):
    """A network that was compressed here, and what it costs.

    Parameters
    ----------
    rom : RomSize
        Bits of its ROM image, by what they are for.
    tap_cycles : int
        Cycles of all taps of a frame; starts and ends of tiles are not counted.
    layers : tuple of CompressedLayer
        What was chosen for each convolution, and what that costs of accuracy.
    estimate : Estimate
        What it loses: `quality.drop`, the expected loss of top-1 (share of images), with its standard error,
        `quality.error`; `quality.agreement` and `quality.divergence` with the float network. See docs/compression.md.
    engine : EngineConfig
        Whose tiles were counted.
    board : str, optional
        The board whose engine it was to fill, and for which it compiles.
    report : Report, optional
        Cycles, frames per second and usage there; None without a board.
    agreement : Agreement, optional
        With ONNX Runtime; None if it was not asked.
    """

    rom: RomSize
    tap_cycles: int
    layers: tuple[run.CompressedLayer, ...]
    estimate: run.Estimate
    engine: EngineConfig
    board: str | None = None
    report: Report | None = None
    agreement: Agreement | None = None

    @property
    def weights(self) -> int:
        """How many weights there are."""
        return sum(layer.weights for layer in self.layers)

    @property
    def nonzero(self) -> int:
        """How many of them are not zero."""
        return sum(layer.nonzero for layer in self.layers)

    def document(self) -> Document:
        """Its report: what each layer takes and costs, and the network on the engine that it was made for."""
        return reports.compressed_document(reports.Subject(self.name, self.model, self.board), self.graph, self.engine,
                                           self.layers, self.estimate)

    @property
    def rom_bytes(self) -> int:
        """Bytes of its ROM image: what a budget is compared with."""
        return self.rom.bytes

    def __str__(self) -> str:
        text = run.describe(self.rom, self.nonzero, self.weights, self.tap_cycles, self.estimate)
        if self.report is None:
            return text
        rate = self.report.frames_per_second
        return f"{text}\ncompiles for {self.board}: {self.report.cost.total:,} cycles a frame, {rate:,.1f} frames/s"

    def _facts(self) -> dict[str, object]:
        return {**super()._facts(), "bytes of ROM": self.rom_bytes, "weights not zero": self.nonzero,
                "cycles of taps": self.tap_cycles, "expected loss of top-1": self.estimate.quality.drop,
                "its standard error": self.estimate.quality.error, "compiled for": self.board,
                "cycles a frame": self.report and self.report.cost.total,
                "frames/s": self.report and self.report.frames_per_second}


def compress(network: Network | Source, calibration: Images, *, budget: int | None = None,
             max_drop: float | None = None, board: str | None = None, objective: str = "balanced",
             method: str = "mse", limit: int = 256, thorough: bool = True, mirror: bool | None = None,
             seed: int = 0, judge: Images | None = None,
             preset: str | None = None, channels: str | None = None, mean: float | str | Sequence[float] | None = None,
             scale: float | str | Sequence[float] | None = None, resize: int | None = None,
             check: bool = True, say: Callable[[str], None] = lambda text: None, progress: Progress = silent,
             **sizes: int | None) -> CompressedNetwork:
    """Compress a network, float or QDQ, so that its weights as the engine stores them fit a budget.

    The result is a standard QDQ graph, and what `compile` makes of it computes exactly the same.

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
    calibration : str, Path or numpy.ndarray
        Images without labels, as for `quantize`; at least 8, better 100 or more.
    budget : int, optional
        Bytes of the ROM image.
    max_drop : float, optional
        In place of a budget: the smallest size that loses at most this share of images (0 .. 1) of expected top-1.
    board : str, optional
        In place of a budget: as many bytes as the weight memory of this board's engine holds; what comes out compiles
        for it. A network that is too large for the engine in anything else is refused before the work.
    objective : str
        Whether cycles count beside bytes, and how much: "size", "balanced" or "cycles".
    method
        As for `quantize`, if the network is float.
    limit, preset, channels, mean, scale, resize
        As for `quantize`; what is said of the input is recorded in the result.
    thorough : bool
        Whether many steps of its weights' grid are tried for each layer, or few.
    mirror : bool, optional
        Whether each image is taken mirrored, too; None: if the images have colours.
    seed : int
        The same seed gives the same bytes.
    judge : str, Path or numpy.ndarray, optional
        Images to judge the result by; if not given, one in five of `calibration`: with `max_drop` the search leaves
        them out, else one network more is made, without them.
    check : bool
        Whether the result is held against ONNX Runtime; without it a fault of the importer stays silent.
    say : callable
        Told in words if the images are few or have one class, or if the board holds a quantized network as it is.
    progress : callable
        Told the name of a stage, how much is done, and of how much.
    **sizes : int, optional
        Sizes of the engine whose tiles are counted, as for `compile`; with `board`, in place of its engine's own.

    Raises
    ------
    FirelaneError
        If network or images cannot be used, or the goal cannot be reached.
    """
    _check_arguments({"budget": budget, "max_drop": max_drop, "method": method, "objective": objective, "limit": limit,
                      "seed": seed, "calibration": calibration, "judge": judge})
    if sum(goal is not None for goal in (budget, max_drop, board)) != 1:
        raise ConfigError("firelane.compress", "one goal is needed", hint="give budget, max_drop or board")
    target = None if board is None else _board(board, sizes)
    given = load(network, progress=progress)
    if board is not None and given.quantized and not any(sizes.values()):
        _say_if_held(given, board, say, progress)
    record = {"preset": preset, "channels": channels, "mean": mean, "scale": scale, "resize": resize}
    job = run.Job(given.source, calibration, limit=limit, method=method, record=record, objective=objective,
                  thorough=thorough, mirror=mirror, seed=seed, judge=judge, say=say, progress=progress,
                  cfg=target.engine if target else chosen_engine(None, **sizes))
    found = run.compress(job, budget=budget, max_drop=max_drop)
    made = CompressedNetwork(name=given.name, model=found.model, rom=found.rom, tap_cycles=found.tap_cycles,
                             layers=found.layers, estimate=found.estimate, engine=job.cfg, board=board,
                             report=make_report(found.compiled, target) if found.compiled else None)
    check_possible(made.graph)
    if not check:
        return made
    return replace(made, agreement=check_quantized(given, found.calibrated, made, progress))


def _check_arguments(given: Mapping[str, Any]) -> None:
    """Refuse, before the work, what is none of its kind."""
    check_above_zero("budget", given["budget"])
    check_above_zero("max_drop", given["max_drop"], 1.0)
    check_choice("method", given["method"], METHODS)
    check_choice("objective", given["objective"], [objective.name.lower() for objective in Objective])
    check_count("limit", given["limit"])
    check_count("seed", given["seed"], 0)
    check_images("calibration", given["calibration"])
    if given["judge"] is not None:
        check_images("judge", given["judge"])


def _say_if_held(given: Network, board: str, say: Callable[[str], None], progress: Progress) -> None:
    """A quantized network that the board holds already may become larger, and slower: whoever asks is told."""
    if estimate(given, board, progress=progress).fits:
        say(f"note: {board} holds {given.name} as it is, and `firelane compile` takes it so; what fills the board's "
            "weight memory may have more bytes and take more cycles")


def _board(name: str, sizes: Mapping[str, int | None]) -> Board:
    """The board of that name with the engine of those sizes, which its device holds.

    Raises
    ------
    FirelaneError
        If there is none, or the device does not hold it.
    """
    board = get_board(name).with_engine(chosen_engine(name, **sizes))
    check_device(board)
    return board
