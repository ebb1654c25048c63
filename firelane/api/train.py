"""A network learns the classes of somebody's own pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firelane import report as reports
from firelane.api.arguments import check_above_zero, check_choice, check_count, check_source
from firelane.api.network import Network
from firelane.api.reported import Reported
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.train import run
from firelane.compiler.train.curve import ALL, LAST, Step
from firelane.compiler.train.judge import Judged
from firelane.compiler.train.plan import Plan
from firelane.models.starts import start_of

if TYPE_CHECKING:
    from firelane.report.page.document import Document

LAYERS = {"last": LAST, "all": ALL}
SHARE_MOST = 0.9


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TrainedNetwork(Network, Reported):
    """A float network that has learnt the classes of pictures; its metadata have their names.

    Parameters
    ----------
    start : str
        What it began with.
    steps : tuple of Step
        How it learnt.
    best : Step
        The step whose weights were taken: that with the least loss on held-out images.
    judged : Judged
        What it says of held-out images, computed by ONNX Runtime: `accuracy`, with its standard `error`, `confusion`.
    learnt, held_out : int
        Images that were learnt from, and held out.
    seed : int
    """

    start: str
    steps: tuple[Step, ...]
    best: Step
    judged: Judged
    learnt: int
    held_out: int
    seed: int

    @property
    def answer(self) -> str:
        """What came out, in a line."""
        return (f"{counted(len(self.class_names), 'class').replace('classs', 'classes')}: {self.judged.accuracy:.2%} ± "
                f"{self.judged.error:.2%} of {counted(self.held_out, 'held-out image')} right").replace("%", " %")

    def __str__(self) -> str:
        parts = [step for step in self.steps if step.part == self.best.part]
        return (f"learnt from {counted(self.learnt, 'image')}, beginning with {self.start}: {self.best.part}, step "
                f"{self.best.number} of {len(parts)}\n{self.answer}")

    def to_dict(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {"from": self.start, "classes": list(self.class_names), "images": self.learnt,
                "held_out": self.held_out, "seed": self.seed, "top1": self.judged.accuracy,
                "top1_error": self.judged.error, "best": asdict(self.best), "steps": list(map(asdict, self.steps)),
                "confusion": self.judged.confusion.tolist()}

    def to_json(self, written: Path | None = None) -> str:
        """The same as text, as `firelane train --json` prints it."""
        return json_document("train", self.to_dict() | {"written": written})

    def document(self) -> Document:
        """Its report: how it learnt, and which classes it takes for which."""
        return reports.trained_document(reports.Subject(self.name, self.model), self.answer, self.steps, self.best,
                                        self.class_names, self.judged)

    def _facts(self) -> dict[str, object]:
        return {**super()._facts(), "classes": len(self.class_names), "made": str(self)}


def train(pictures: str | Path, start: Source, *, valid: str | Path | None = None, layers: str = "last",
          views: int = 3, mirror: bool | None = None, held_out: float | None = None, epochs: int | None = None,
          rate: float | None = None, batch: int | None = None, patience: int | None = None, seed: int = 0,
          input_size: int | None = None, preset: str | None = None, channels: str | None = None,
          mean: float | str | Sequence[float] | None = None, scale: float | str | Sequence[float] | None = None,
          resize: int | None = None, say: Callable[[str], None] = lambda text: None,
          progress: Progress = silent) -> TrainedNetwork:
    """Learn the classes of pictures, beginning with a float network that was trained with others.

    The same pictures, start and seed give the same network, on the same machine. What is finished is kept in
    build/train: a call that was interrupted goes on from there.

    Parameters
    ----------
    pictures : str or Path
        A folder of folders of images, one for each class; or a text file of lines `image<tab>class`.
    start : str, Path or onnx.ModelProto
        A float network that classifies: a name with trained weights (digits, digits-bypass; squeezenet1.0, where the
        published file is), a float ONNX model, or the state dict (.pth) of torchvision's squeezenet1_0 or 1_1.
    valid : str or Path, optional
        Held-out images, in the same form.
    layers : str
        "last": a new last layer, by logistic regression, everything before it stays; "all": all layers, after that, in
        PyTorch.
    views : int
        Of each image, that the last layer is fitted to: the image, and others that are moved, turned and lit otherwise.
    mirror : bool, optional
        Whether half of these are mirrored; if not given, where images have colours.
    held_out : float, optional
        Share of each class that is held out, 0.2 if not given; not with `valid`.
    epochs, patience : int, optional
        With all layers, epochs at most (30), and epochs without anything better after which it ends (6).
    rate, batch : float, int, optional
        With all layers, the highest learning rate (0.0003), and images in a step (32).
    seed : int
        Of the split, the views, and the order of images.
    input_size : int, optional
        Rows and columns of the images, if `start` is a name or a state dict; 224 if not given.
    preset, channels, mean, scale, resize
        How images become the network's input, as for `load`.
    say : callable
        Told what is odd about the images.
    progress : callable
        Told the name of a stage, how much is done, and of how much.

    Raises
    ------
    FirelaneError
        If start or images cannot be used, the loss is not finite, or memory is short.
    """
    check_choice("layers", layers, LAYERS)
    check_source(start)
    for name, value in (("views", views), ("epochs", epochs), ("batch", batch), ("patience", patience),
                        ("input_size", input_size)):
        check_count(name, value)
    check_count("seed", seed, 0)
    check_above_zero("rate", rate)
    check_above_zero("held_out", held_out, SHARE_MOST)
    _check_looked_at(layers, {"epochs": epochs, "rate": rate, "batch": batch, "patience": patience}, valid, held_out)
    given: dict[str, Any] = {"epochs": epochs, "rate": rate, "batch": batch, "patience": patience,
                             "held_out": held_out}
    plan = Plan(layers=LAYERS[layers], views=views, mirror=mirror, seed=seed,
                **{name: value for name, value in given.items() if value is not None})
    record = {"preset": preset, "channels": channels, "mean": mean, "scale": scale, "resize": resize}
    found = run.train(start_of(start, input_size), Path(pictures), Path(valid) if valid is not None else None, record,
                      plan, say=say, progress=progress)
    name = start.graph.name if not isinstance(start, str | Path) else str(start)
    return TrainedNetwork(name=Path(pictures).name, model=found.model, start=name, steps=found.steps, best=found.best,
                          judged=found.judged, learnt=found.learnt, held_out=found.held, seed=seed)


def _check_looked_at(layers: str, of_all: dict[str, Any], valid: object, held_out: float | None) -> None:
    """Refuse what would not be looked at."""
    if layers == "last":
        for name, value in of_all.items():
            if value is not None:
                raise ConfigError(f"--{name}", f"{value}, but the last layer alone is fitted, in no epochs",
                                  hint="leave it out, or give --layers all (in Python: layers)")
    if valid is not None and held_out is not None:
        raise ConfigError("--held-out", f"{held_out:g}, but held-out images are named with --valid",
                          hint="leave out one of them")
