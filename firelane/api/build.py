"""All the way from a network to a program or a bitstream, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions

from firelane import report as reports
from firelane.api.arguments import check_choice, check_count
from firelane.api.build_job import BuildJob, Loss, StepOutcome
from firelane.api.build_steps import run_steps
from firelane.api.compile import compile
from firelane.api.network import Network, load
from firelane.api.reported import Reported
from firelane.boards import get_board
from firelane.boards.flow.finished_build import read_build
from firelane.boards.report.end_to_end import EndToEnd
from firelane.compiler.compress.compressor import Objective
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.quantize.calibration import METHODS
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.support.html_tables import HtmlTable, html_block
from firelane.compiler.support.indented import Indented
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.shell_line import ShellLine
from firelane.compiler.support.typed_command import typed

if TYPE_CHECKING:
    from firelane.report.page.document import Document

LABEL = len("memory: ")             #: columns of the labels of `BuiltNetwork.lines`


@dataclass(frozen=True, eq=False, repr=False)
class BuiltNetwork(Reported):
    """A network built for a board: what was lost, what it takes, how fast it is, where everything is.

    Parameters
    ----------
    name, board : str
    folder : Path
        Everything that was made.
    model : Path
        The quantized ONNX file that was compiled.
    program : Path
        The compiled network: `firelane board-sim`, `firelane load` and `firelane run` take it.
    bitstream : Path, optional
        None if it was not asked for.
    loss : Loss, optional
        What was lost of accuracy; None if the network is computed as it was given.
    rom_bytes : int
        Bytes of weights, biases and code tables.
    memory_share : float
        How much of the board's weight memory is full, 0 .. 1.
    cycles : int
        Of a frame, estimated to a percent or two.
    frames_per_second : float
        Of the engine alone, at the board's clock.
    end_to_end : EndToEnd
        The time of a frame from an image at the host to its result there, over the board's line.
    steps : tuple of StepOutcome
        What became of each step.
    """

    name: str
    board: str
    folder: Path
    model: Path
    program: Path
    loss: Loss | None
    rom_bytes: int
    memory_share: float
    cycles: int
    frames_per_second: float
    end_to_end: EndToEnd
    bitstream: Path | None = None
    steps: tuple[StepOutcome, ...] = field(default=())

    @property
    def next_commands(self) -> tuple[str, ...]:
        """What to type next."""
        if self.bitstream is None:
            return (typed("board-sim", self.program, "--board", self.board),
                    typed("run", "IMAGE", "--compiled", self.program, "--port", "auto"))
        return (typed("program", "--board", self.board, "--bitstream", self.bitstream),
                typed("run", "IMAGE", "--compiled", self.program, "--port", "auto"))

    @property
    def lines(self) -> tuple[str, ...]:
        """The answer, in words."""
        mhz = self.frames_per_second * self.cycles / 1e6
        made = [str(self.model), str(self.program), *([str(self.bitstream)] if self.bitstream else [])]
        return (f"lost:   {self.loss or 'nothing: the network is computed as it was given'}",
                f"memory: {self.rom_bytes:,} bytes of ROM; the board's weight memory is {self.memory_share:.1%} full",
                f"speed:  {self.end_to_end.frames_per_second:,.1f} frames/s end to end on {self.board}, limited by "
                f"{self.end_to_end.limit}; the engine alone: {self.frames_per_second:,.1f} ({self.cycles:,} cycles at "
                f"{mhz:g} MHz)",
                f"made:   {', '.join(made)}", *(f"{'next:' if not number else '':7} {command}"
                                                for number, command in enumerate(self.next_commands)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Indented | ShellLine]:
        """The lines, wrapped behind their labels; commands as they can be copied."""
        for line in self.lines:
            label, text = line[:LABEL], line[LABEL:]
            if text.startswith("firelane "):
                yield ShellLine(text, LABEL, label)
            else:
                yield Indented(text, LABEL, label, whole=True)

    def _repr_html_(self) -> str:
        facts = {"lost": self.loss or "nothing", "bytes of ROM": self.rom_bytes, "cycles a frame": self.cycles,
                 "frames/s end to end": self.end_to_end.frames_per_second,
                 "frames/s of the engine": self.frames_per_second, "model": self.model, "program": self.program,
                 "bitstream": self.bitstream, "next": self.next_commands[0]}
        return html_block(f"{self.name} on {self.board}", facts,
                          [HtmlTable(("step", "what became of it"), [(step.name, step.text) for step in self.steps])])

    def document(self) -> Document:
        """Its report: steps, loss, device if there is a bitstream, and all about the program."""
        made = compile(self.model, self.board, check=False)
        lost = self.loss
        rows = [] if lost is None else [
            ("expected loss of top-1, points", f"{100 * lost.expected:.2f} ± {100 * lost.error:.2f}"),
            ("same class as the network that was given", f"{lost.agreement:.1%}"),
            ("divergence from it, nats", f"{lost.divergence:.4f}"), ("images that it was found on", f"{lost.images:,}")]
        return reports.build_document(reports.Subject(self.name, made.network.model, self.board), made.compiled,
                                      made.report, [(step.name, step.text) for step in self.steps], rows,
                                      read_build(self.bitstream.parent) if self.bitstream else None)

    def to_json(self) -> str:
        """All of it, for programs."""
        document = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        document |= {"loss": self.loss and asdict(self.loss), "end_to_end": self.end_to_end.to_dict(),
                     "steps": [asdict(step) for step in self.steps], "next": list(self.next_commands)}
        return json_document("build", document)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return (f"<BuiltNetwork {self.name!r} for {self.board}: {self.frames_per_second:,.1f} frames/s, "
                f"{self.rom_bytes:,} bytes of ROM, in {self.folder}>")


def build(network: Network | Source, board: str, calibration: Images | None = None, folder: str | Path | None = None, *,
          judge: Images | None = None, preset: str | None = None, channels: str | None = None,
          mean: float | str | Sequence[float] | None = None, scale: float | str | Sequence[float] | None = None,
          resize: int | None = None, method: str = "mse", limit: int = 256, compress: bool = True,
          objective: str = "balanced", thorough: bool = True, bitstream: bool = False, seed: int | None = None,
          seeds: int = 1, check: bool = True, workers: int | None = 0,
          say: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> BuiltNetwork:
    """Build a network, float or quantized, for a board: quantize, compress if need be, evaluate, compile, route.

    Each step is kept in `folder` with the digest of all that it is made by. A later call, or one after an interruption,
    makes only what is not there, or is made by something that has changed.

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
        As `load` takes it. If it is quantized it is taken as it is.
    board : str
        E.g. "ulx3s_85f", or a file of `firelane new-board`.
    calibration : str, Path or numpy.ndarray, optional
        Images without labels: a folder, or one of folders, or pixels, uint8 (N, C, H, W) or (N, H, W, C). At least 10,
        better 100 or more: one in five is held out, to find what is lost. A quantized network that the board holds
        needs none.
    folder : str or Path, optional
        Where everything is written: build/NAME-BOARD if not given. Files of others in it stay.
    judge : str, Path or numpy.ndarray, optional
        Images to find by what is lost; then all of `calibration` are worked with.
    preset, channels, mean, scale, resize
        How images become the network's input, as for `load`.
    method : str
        How the ranges of activations are found: "minmax", "mse" or "percentile".
    limit : int
        Use so many of the images at most, evenly spread.
    compress : bool
        Whether a network that is too large for the board is made smaller; else it is refused.
    objective, thorough
        As for `compress`.
    bitstream : bool
        Whether it is placed and routed, too.
    seed, seeds : int
        Of the placer: the first, the board's if not given, and how many are tried.
    check : bool
        Whether results are held against ONNX Runtime; without it a fault of the importer stays silent.
    workers : int, optional
        Processes that evaluate, as for `evaluate`.
    say : callable
        Told in words what each step made.
    progress : callable
        Told the name of a stage, how much is done, and of how much.

    Raises
    ------
    FirelaneError
        Before the work, with all problems, if network, images or board cannot be used; or if timing is missed.
    """
    check_choice("method", method, METHODS)
    check_choice("objective", objective, [one.name.lower() for one in Objective])
    for name, value, least in (("limit", limit, 1), ("seeds", seeds, 1), ("workers", workers, 0)):
        check_count(name, value, least)
    target = get_board(board)
    given = load(network, progress=progress)
    record = {"preset": preset, "channels": channels, "mean": mean, "scale": scale, "resize": resize}
    first = target.seed if seed is None else seed
    job = BuildJob(given=given, recorded=given.recording(record), calibration=calibration, judge=judge, board=target,
                   called=board, folder=Path(folder) if folder else Path("build") / f"{_stem(given)}-{target.name}",
                   name=_stem(given), method=method, limit=limit, compress=compress, objective=objective,
                   thorough=thorough, seeds=range(first, first + seeds) if bitstream else None, check=check,
                   workers=workers, say=say, progress=progress)
    facts, outcomes = run_steps(job)
    bits = facts.get("bitstream")
    return BuiltNetwork(
        name=job.name, board=board, folder=job.folder, model=job.folder / facts["compile"]["model"],
        program=job.folder / facts["compile"]["program"], bitstream=job.folder / bits["file"] if bits else None,
        loss=Loss(**facts["evaluate"]["loss"]) if facts["evaluate"]["loss"] else None,
        rom_bytes=facts["compile"]["rom_bytes"], memory_share=facts["compile"]["memory_share"],
        cycles=facts["compile"]["cycles"], frames_per_second=facts["compile"]["frames_per_second"],
        end_to_end=EndToEnd(**facts["compile"]["end_to_end"]), steps=outcomes)


def _stem(network: Network) -> str:
    """What a network is called among the files of a build."""
    return network.path.stem if network.path and str(network.path) == network.name else Path(network.name).name
