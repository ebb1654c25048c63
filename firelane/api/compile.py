"""A network becomes a program for an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group

from firelane import report as reports
from firelane.api.arguments import check_above_zero
from firelane.api.check import check_graph
from firelane.api.network import Network, load
from firelane.api.predict import Pictures, Prediction, prediction, stored_images
from firelane.api.reported import Reported
from firelane.boards import get_board
from firelane.boards.chosen_engine import chosen_engine
from firelane.compiler.artefact.artefact import write_artefact
from firelane.compiler.artefact.in_memory import in_memory
from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.engine_sizes import engine_in_words
from firelane.compiler.fit.report import LayerLine, Report, Usage, make_report, render
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.html_tables import HtmlTable, html_block
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.config import EngineConfig
from firelane.sim.emulator import Emulator
from firelane.sim.validate import Agreement

if TYPE_CHECKING:
    from firelane.report.page.document import Document


@dataclass(frozen=True, eq=False, repr=False)
class CompiledNetwork(Reported):
    """A network compiled for an engine: what a frame costs, what fits, and the files.

    Printed with `rich`, it is the tables of `firelane compile`.

    Parameters
    ----------
    network : Network
    board : str, optional
        Whose engine it is, and whose device the usage is compared with.
    compiled : Compiled
        What the compiler made: graph, schedule, program.
    report : Report
        All figures of it.
    agreement : Agreement, optional
        With ONNX Runtime; None if it was not asked.
    """

    network: Network
    board: str | None
    compiled: Compiled
    report: Report
    agreement: Agreement | None = None

    @property
    def engine(self) -> EngineConfig:
        """Sizes of the engine."""
        return self.compiled.cfg

    @property
    def cycles(self) -> int:
        """Cycles of a frame, estimated to a percent or two; `firelane.simulate` measures them."""
        return self.report.cost.total

    @property
    def frames_per_second(self) -> float | None:
        """At the clock that was given, or the board's; None without either."""
        return self.report.frames_per_second

    @property
    def rom_bytes(self) -> int:
        """Bytes of weights, biases and code tables."""
        return self.report.rom.bytes

    @property
    def layers(self) -> tuple[LayerLine, ...]:
        """Taps, density, bits a weight and cycles of each layer."""
        return self.report.layers

    @property
    def usage(self) -> tuple[Usage, ...]:
        """What is used of the engine's memories and of the board's device, each line with `fits`."""
        return self.report.usage

    @property
    def fits(self) -> bool:
        """Whether the engine fits the board's device, by the estimate; True without a board."""
        return self.report.fits

    def predict(self, images: Pictures) -> Prediction | tuple[Prediction, ...]:
        """What the network says of images, by the emulator, which runs the words of the program; cycles included.

        Images are taken as by `Network.predict`, to which it is equal.

        Raises
        ------
        FirelaneError
            If an image cannot become the network's input.
        """
        graph = self.compiled.graph
        given = stored_images(graph, images)
        frames = [self._emulator.run_frame(pixels.transpose(1, 2, 0)) for pixels in given.pixels]
        found = tuple(prediction(graph, name, self.compiled.result.unpack(frame.result), cycles=frame.total_cycles,
                                 labels=self.network.class_names) for name, frame in zip(given.names, frames))
        return found[0] if given.single else found

    def host_model(self) -> HostModel:
        """What a board and its host need of it."""
        return in_memory(self.compiled, self.network.name)

    @cached_property
    def _emulator(self) -> Emulator:
        return Emulator(self.engine, self.compiled.program.contents)

    def save(self, folder: str | Path) -> Path:
        """Write program, ROM images, manifest and schedule to `folder`, in place of an older one.

        Raises
        ------
        FirelaneError
            If it cannot be written, or holds something else.
        """
        write_artefact(self.compiled, folder)
        return Path(folder)

    def document(self) -> Document:
        """Its report: what fits, cycles, schedule, memory, ROM, weights, roofline."""
        subject = reports.Subject(self.network.name, self.network.model, self.board)
        return reports.compiled_document(subject, self.compiled, self.report,
                                         "" if self.agreement is None else str(self.agreement))

    def __rich__(self) -> Group:
        return render(self.report)

    def __repr__(self) -> str:
        place = f"for {self.board}" if self.board else f"for {engine_in_words(self.engine)}"
        return (f"<CompiledNetwork {self.network.name!r} {place}: {self.cycles:,} cycles a frame, "
                f"{self.rom_bytes:,} bytes of ROM, {'fits' if self.fits else 'does not fit'}>")

    def _repr_html_(self) -> str:
        facts = {"engine": engine_in_words(self.engine) + (f", of {self.board}" if self.board else ""),
                 "cycles a frame": self.cycles, "frames/s": self.frames_per_second, "bytes of ROM": self.rom_bytes,
                 "fits": self.fits}
        usage = [(line.name, line.used, line.available, "yes" if line.fits else "no") for line in self.usage]
        layers = [(layer.name, layer.kind, layer.cycles, layer.taps, layer.density, layer.code_bits)
                  for layer in self.layers]
        return html_block(self.network.name, facts, [
            HtmlTable(("used", "of it", "there is", "fits"), usage),
            HtmlTable(("layer", "kind", "cycles", "taps", "density", "bits a weight"), layers)])


def compile(network: Network | Source, board: str | None = None, *, clock_hz: float | None = None,
            preset: str | None = None, channels: str | None = None, mean: float | str | Sequence[float] | None = None,
            scale: float | str | Sequence[float] | None = None, resize: int | None = None,
            check: bool = True, progress: Progress = silent, **sizes: int | None) -> CompiledNetwork:
    """Compile a quantized network for the engine of a board, or for one of other sizes.

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
        As `load` takes it.
    board : str, optional
        E.g. "ulx3s_85f"; None: the default engine, and no device.
    clock_hz : float, optional
        Of the engine, for frames per second; the board's if not given.
    preset, channels, mean, scale, resize
        As for `load`; recorded in the manifest, where `firelane run` finds it.
    check : bool
        Whether the result is held against ONNX Runtime; without it a fault of the importer stays silent.
    progress : callable
        Told the name of a stage, how much is done, and of how much.
    **sizes : int, optional
        In place of the engine's own: `banks`, `taps_per_cycle`, `activation_words`, `weight_words`,
        `program_words`, `accumulator_bits`, `columns_left`, `columns_right`, `average_bits`.

    Raises
    ------
    FirelaneError
        If the network has something that the engine cannot do, is too large for it, or differs from ONNX Runtime:
        `further` lists what else is wrong. An engine that is too large for the board's device is no error, see
        `CompiledNetwork.fits`.
    """
    check_above_zero("clock_hz", clock_hz)
    cfg = chosen_engine(board, **sizes)
    chosen = get_board(board).with_engine(cfg) if board else None
    given = load(network, preset=preset, channels=channels, mean=mean, scale=scale, resize=resize, progress=progress)
    compiled = compile_graph(given.graph, cfg, progress)
    agreement = check_graph(given.graph, given.model, progress) if check else None
    return CompiledNetwork(given, board, compiled, make_report(compiled, chosen, clock_hz), agreement)
