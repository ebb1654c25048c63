"""The Verilog of an engine, simulated with a network in its memories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from firelane import report as reports
from firelane.api.arguments import check_count
from firelane.api.network import Network, load
from firelane.api.reported import Reported
from firelane.boards import get_board
from firelane.boards.chosen_engine import chosen_engine
from firelane.boards.host.run import image_files
from firelane.compiler.fit.engine_fit import GROWING, compile_fitting
from firelane.compiler.fit.engine_sizes import engine_in_words
from firelane.compiler.fit.report import make_report
from firelane.compiler.frame_io.classes import class_names
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.counted import counted
from firelane.compiler.support.files import build_root, locked
from firelane.compiler.support.html_tables import HtmlTable, html_block
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig
from firelane.sim.judge.images import choose_images
from firelane.sim.judge.layer_cycles import LayerCycles
from firelane.sim.judge.report import SimulationReport
from firelane.sim.judge.trial import Trial, check_outcome
from firelane.sim.simulator.build import build
from firelane.sim.simulator.verilator import VERILOG
from firelane.sim.waves.view import write_view
from firelane.sim.waves.window import window_of

if TYPE_CHECKING:
    from firelane.report.page.document import Document


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(Reported):
    """Frames that went through the Verilog, all results equal to the reference.

    Parameters
    ----------
    network : Network
    engine : EngineConfig
        With memories as large as the network needs, if no board was named.
    images : str
        What the frames show, in words.
    pixels : numpy.ndarray
        uint8 (N, C, H, W): the images, as the engine took them.
    results : numpy.ndarray
        uint8 (N, C, H, W): what the engine sent for each of them.
    compiled : Compiled
        The program that ran.
    report : SimulationReport
        All figures of the run.
    board : str, optional
        Whose engine it was.
    waves : Path, optional
        The waveforms, if they were wanted.
    """

    network: Network
    engine: EngineConfig
    images: str
    pixels: np.ndarray
    results: np.ndarray
    compiled: Compiled
    report: SimulationReport
    board: str | None = None
    waves: Path | None = None

    @property
    def cycles(self) -> int:
        """Cycles of one frame, measured."""
        return self.report.frame_cycles

    @property
    def predicted_cycles(self) -> int:
        """Cycles of one frame, as the emulator predicts them."""
        return self.report.predicted_frame_cycles

    @property
    def layers(self) -> Sequence[LayerCycles]:
        """Taps and cycles of each layer: ideal, predicted, measured."""
        return self.report.layers

    @property
    def correct(self) -> int | None:
        """Images whose best class is the right one; None where nobody knows it."""
        return self.report.correct

    def document(self) -> Document:
        """Its report: cycles measured and predicted, results compared, activations, and all about the program."""
        figures = make_report(self.compiled, get_board(self.board) if self.board else None)
        return reports.simulated_document(reports.Subject(self.network.name, self.network.model, self.board),
                                          self.report, self.compiled, figures, self.pixels)

    def __repr__(self) -> str:
        return (f"<Simulation of {self.network.name!r} on {engine_in_words(self.engine)}: "
                f"{counted(len(self.results), 'frame')} of "
                f"{self.cycles:,} cycles, all results equal to the reference>")

    def _repr_html_(self) -> str:
        facts = {"engine": engine_in_words(self.engine), "images": self.images, "frames": len(self.results),
                 "right": self.correct, "cycles a frame": self.cycles, "predicted": self.predicted_cycles,
                 "results": "all equal to the reference", "waveforms": self.waves}
        rows = [(layer.name, layer.kind, layer.instructions, layer.ideal, layer.predicted, layer.measured)
                for layer in self.layers]
        return html_block(f"Simulation of {self.network.name}", facts,
                          [HtmlTable(("layer", "kind", "instructions", "ideal", "predicted", "measured"), rows)])


def simulate(network: Network | Source, *, images: int | str | Path | Sequence[str | Path] | None = None,
             limit: int | None = None, board: str | None = None,
             input_size: int | None = None, labels: str | Path | None = None, preset: str | None = None,
             channels: str | None = None, mean: float | str | Sequence[float] | None = None,
             scale: float | str | Sequence[float] | None = None, resize: int | None = None,
             waves: bool | str = False,
             say: Callable[[str], None] = lambda text: None, progress: Progress = silent,
             **sizes: int | None) -> Simulation:
    """Simulate an engine with Verilator, and compare every result byte with the integer reference.

    The simulator of an engine is built once, which takes minutes, and kept in build/sim.

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
        A quantized network, as `load` takes it.
    images : int, path or sequence of paths, optional
        Image files, and folders of them; or how many drawn digits, or photographs that the network knows, or made
        images. If not given: 20 digits, one of others, and one with `waves`.
    limit : int, optional
        So many images at most.
    board : str, optional
        Whose engine is simulated; None: one of 8 banks, its memories as large as needed.
    input_size : int, optional
        Rows and columns of the images of a network by name, as for `load`.
    labels : str or Path, optional
        A text file with the name of a class in each line.
    preset, channels, mean, scale, resize
        How image files become the network's input, as for `load`.
    waves : bool or str
        Write waveforms, with another build of the simulator: of "frame", the first one, of a layer, "conv1", or of one
        of its instructions, "conv1:3", counted from 1; True or "all": of the whole run, slow and large.
    say : callable
        Told in words what is chosen, and what takes long.
    progress : callable
        Told the name of a stage, how much is done, and of how much.
    **sizes : int, optional
        As for `compile`; those that are given do not grow.

    Raises
    ------
    FirelaneError
        If network, images or tools cannot be used.
    MismatchError
        If the Verilog computes anything else than the reference: a defect of ours.
    """
    check_count("limit", limit)
    count = images if isinstance(images, int) else limit
    check_count("images", count)
    cfg = replace(chosen_engine(board, **sizes), trace=True)
    given = load(network, input_size=input_size, preset=preset, channels=channels, mean=mean,
                 scale=scale, resize=resize, progress=progress)
    if given.origin:
        say(f"model: {given.path or given.name} ({given.origin})")
    free = () if board else [name for name in GROWING if sizes.get(name) is None]
    compiled = compile_fitting(given.graph, cfg, free, progress)
    if compiled.cfg != cfg:
        say(_grown(compiled.cfg))
    files, count = _wanted(given, () if images is None or isinstance(images, int) else images, count, waves)
    chosen = choose_images(compiled.graph, files, count)
    names = _class_names(compiled, labels or given.labels)
    window = window_of(compiled.program, str(waves)) if waves and waves is not True else None
    simulator = build(compiled.cfg, waves=bool(waves), window=window is not None, notify=say, progress=progress)
    trial = Trial(compiled, simulator, build_root() / "sim" / "last")
    with locked(trial.directory):
        checked = check_outcome(trial, chosen, labels=names, window=window, notify=say, progress=progress)
        if window is not None and checked.outcome.waves is not None:
            write_view(checked.outcome.waves, simulator.directory / VERILOG, compiled.cfg)
    results = np.stack([compiled.result.unpack(result) for result in checked.outcome.results])
    return Simulation(given, compiled.cfg, chosen.description, chosen.pixels, results, compiled, checked.report, board,
                      checked.outcome.waves)


def _wanted(network: Network, images: str | Path | Sequence[str | Path], count: int | None,
            waves: bool | str) -> tuple[list[Path], int | None]:
    """Files, and how many images if there are none."""
    named = image_files([Path(image) for image in ([images] if isinstance(images, str | Path) else images)])[:count]
    return named or list(network.photographs[:count or 1]), count or (1 if waves else None)


def _grown(cfg: EngineConfig) -> str:
    """An engine that was chosen, in words."""
    return (f"engine: {cfg.banks} banks of {cfg.activation_words:,} words, {cfg.weight_words:,} words of weights, "
            f"{cfg.program_words:,} of program, chosen so that the network fits")


def _class_names(compiled: Compiled, file: str | Path | None) -> tuple[str, ...]:
    """The names of the network's classes, if there is a file that has them, or it records them."""
    classes = compiled.graph.tensors[compiled.graph.output].channels
    return class_names(Path(file) if file else None, compiled.graph.metadata, classes)
