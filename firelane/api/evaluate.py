"""How good a network is on a set of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from firelane import report as reports
from firelane.api.arguments import check_count, check_images, check_labels
from firelane.api.network import Network, load
from firelane.api.reported import Reported
from firelane.compiler.frame_io.preprocessing import stored_input
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.support.counted import counted
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.progress import Progress, silent
from firelane.sim.evaluate.driver import carry_out, images_of
from firelane.sim.evaluate.plan import DERIVED, Plan, not_measured, plan
from firelane.sim.evaluate.pool import workers as pool_of
from firelane.sim.evaluate.result import Evaluation

if TYPE_CHECKING:
    from firelane.report.page.document import Document

SHOWN = 8               #: images whose activations are in a report


@dataclass(frozen=True, kw_only=True, repr=False)
class NetworkEvaluation(Evaluation, Reported):
    """An evaluation of a network that is at hand, so that a report of it can be written.

    Parameters
    ----------
    given : Network
    graph : Graph, optional
        Of a quantized network, as it was computed.
    shown : tuple of numpy.ndarray
        Some of the images, as its input has them: their activations are in the report.
    """

    given: Network = field(repr=False, compare=False)
    graph: Graph | None = field(repr=False, compare=False)
    shown: tuple[np.ndarray, ...] = field(repr=False, compare=False)

    def __repr__(self) -> str:
        first = self.scores[0]
        measured = (("top-1", first.top1), ("top-5", first.top5), ("like float", first.agreement))
        said = ", ".join(f"{name} {value:.2%}" for name, value in measured if value is not None) or "no classes"
        return f"<NetworkEvaluation of {self.network!r} on {counted(self.images, 'image')}: {said}>"

    def document(self) -> Document:
        """Its report: accuracy, agreement, signal to noise, activations."""
        return reports.evaluated_document(reports.Subject(self.given.name, self.given.model), self, self.graph,
                                          self.shown)


def evaluate(network: Network | Source, images: str | Path | Sequence[np.ndarray], *,
             labels: str | Path | Sequence[int] | None = None, float_model: Network | Source | None = None,
             derive_float: bool = False, reference: bool | None = None, onnxruntime: bool = False,
             limit: int | None = None, workers: int | None = 0, scheduler: str | None = None,
             preset: str | None = None, channels: str | None = None, mean: float | str | Sequence[float] | None = None,
             scale: float | str | Sequence[float] | None = None, resize: int | None = None,
             say: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> NetworkEvaluation:
    """Measure a network on images: accuracy, and what is left of the float network.

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
        Quantized, or float, which only ONNX Runtime computes.
    images : str, Path or sequence of numpy.ndarray
        A folder of images, or of folders of them, one for each class; or pixels, uint8 (C, H, W) each, of the network's
        size.
    labels : str, Path or sequence of int, optional
        The class of each image; of a folder, a file that lists images or classes, see `firelane evaluate --help`.
    float_model : Network, str, Path or onnx.ModelProto, optional
        Compare with this float network: agreement, divergence, noise of each layer.
    derive_float : bool
        Compare with the network itself without quantization of activations; weights stay as they are.
    reference : bool, optional
        Run the integer reference; None: if the network is quantized.
    onnxruntime : bool
        Run the network in ONNX Runtime as well.
    limit : int, optional
        Use so many of the images of a folder at most, evenly spread.
    workers : int, optional
        Processes on this machine; 0: only this one, None: as many as processors. A script that starts processes does so
        under `if __name__ == "__main__"`.
    scheduler : str, optional
        Address of a Dask scheduler, in place of `workers`, which is then None.
    preset, channels, mean, scale, resize
        As for `load`. With `float_model`, of both, but of `network` only if its metadata say nothing: a network that
        `quantize` made may take pixels in another way than the float one that it was made of.
    say : callable
        Told in words, before the work, what cannot be measured for want of labels or of a float network; after it, if
        all images have one class.
    progress : callable
        Told the name of a stage, images done, and images in all.

    Returns
    -------
    NetworkEvaluation
        An `Evaluation`: `top1`, `top5`, `agreement`; `scores` of each run; `layers` with the noise of each.

    Raises
    ------
    FirelaneError
        If networks, images or labels cannot be used, or workers are lost.
    """
    if float_model is not None and derive_float:
        raise ConfigError("--derive-float", f"{float_model} is given as well", hint="leave out one of them")
    if not isinstance(images, Sequence | np.ndarray):
        check_images("images", images)
    check_count("limit", limit)
    check_count("workers", workers, 0)
    given = load(network, progress=progress)
    original = None if float_model is None else load(float_model, progress=progress).source
    record = {"preset": preset, "channels": channels, "mean": mean, "scale": scale, "resize": resize}
    planned = plan(given.source, float_model=DERIVED if derive_float else original, reference=reference,
                   onnxruntime=onnxruntime, record=record)
    pixels, classes = _pixels(planned, images, labels, limit)
    check_labels(classes, planned.classes)
    with pool_of(workers, scheduler) as pool:
        if missing := not_measured(planned, classes is not None):
            say(missing)
        found = carry_out(planned, pixels, labels=classes, pool=pool, progress=progress)
    if found.warning and (classes is None or len(set(classes)) > 1):
        say(found.warning)
    graph = planned.job.graph
    shown = [] if graph is None else [stored_input(graph, pixels[index]) for index in _spread(len(pixels))]
    return NetworkEvaluation(**{each.name: getattr(found, each.name) for each in fields(found)}, given=given,
                             graph=graph, shown=tuple(shown))


def _spread(count: int) -> range:
    """At most `SHOWN` of so many, evenly spread."""
    return range(0, count, -(-count // SHOWN))


def _pixels(planned: Plan, images: str | Path | Sequence[np.ndarray], labels: str | Path | Sequence[int] | None,
            limit: int | None) -> tuple[Sequence[np.ndarray], Sequence[int] | None]:
    """Images, and the class of each if it is known."""
    file = Path(labels) if isinstance(labels, str | Path) else None
    listed = None if isinstance(labels, str | Path) else labels
    if isinstance(images, str | Path):
        pixels, classes = images_of(planned, Path(images), file, limit)
        return pixels, classes if listed is None else listed
    if file is not None or limit is not None:
        raise ConfigError("labels" if file else "limit", f"{file or limit}, but the images are not in a folder",
                          hint="give arrays of the images that you want, and a list of their classes")
    return images, listed
