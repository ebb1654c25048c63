"""What an evaluation found, added up over its images; to JSON, with no digit that depends on order or on workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields

import numpy as np

from firelane.compiler.compress.quality import one_class, only_class, standard_error
from firelane.compiler.support.html_tables import HtmlTable, html_block
from firelane.compiler.support.json_document import json_document
from firelane.sim.evaluate.job import FLOAT, EvaluationJob, Measured
from firelane.sim.evaluate.metrics import decibels, mean

__all__ = ["Evaluation", "LayerNoise", "Score", "added_up"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one run found over all images.

    Parameters
    ----------
    run : "reference" (the integers of the engine), "onnxruntime" or "float"
    top1, top5 : shares of images whose class is the best one, or among the best five; None without labels
    agreement : share of images whose best class is the float graph's; None without one, and of the float graph itself
    divergence : mean over the images of D(float || this), in nats; None where `agreement` is
    tied : images whose best class has a rival of the same score (the lower index counts)
    lost, gained : images that the float graph names right and this run wrong, and the reverse; None if one of them
        has no classes to compare
    expected_loss, loss_error : share of images whose class is probably no longer the best one, and its standard error,
        as `compiler.compress.quality` finds them without labels; None where `agreement` is
    only_class : the best class of every image; None if there are several
    """

    run: str
    top1: float | None
    top5: float | None
    agreement: float | None
    divergence: float | None
    tied: int
    lost: int | None
    gained: int | None
    expected_loss: float | None = None
    loss_error: float | None = None
    only_class: int | None = None


@dataclass(frozen=True, kw_only=True)
class LayerNoise:
    """One tensor of the reference against the float graph's, both made from the image alone.

    Parameters
    ----------
    node : that makes it, empty for the input
    tensor, original : its names in the quantized and in the float graph
    snr_db : 10 log10 of the sum of squares of the float tensor over that of the differences, over all images; None if
        one of the sums is 0
    """

    node: str
    tensor: str
    original: str
    snr_db: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was found of one network over a set of images.

    Parameters
    ----------
    network : its name
    images : how many
    float_graph : in words, what "float" is; empty if there is none
    scores : of each run, the most exact one of `network` first: "reference", "onnxruntime", "float"
    layers : in the order of the graph; empty without a float graph
    seconds : of wall clock that the images took, workers' start not counted; no part of the result
    """

    network: str
    images: int
    float_graph: str
    scores: tuple[Score, ...]
    layers: tuple[LayerNoise, ...]
    seconds: float = field(default=0.0, compare=False)

    @property
    def top1(self) -> float | None:
        """Share of images whose class is the network's best one, by its first run; None without labels."""
        return self.scores[0].top1

    @property
    def top5(self) -> float | None:
        """Share of images whose class is among the network's best five, by its first run; None without labels."""
        return self.scores[0].top5

    @property
    def agreement(self) -> float | None:
        """Share of images whose best class is the float graph's, by the first run; None without a float graph."""
        return self.scores[0].agreement

    @property
    def warning(self) -> str:
        """What is to be said where all images have one class in each run; empty if they have not."""
        classes = {score.only_class for score in self.scores}
        return one_class(self.images, classes.pop() if len(classes) == 1 else None)

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds

    def score(self, run: str) -> Score:
        """The score of the run with this name; KeyError if it did not take place."""
        found = {score.run: score for score in self.scores}
        return found[run]

    def _repr_html_(self) -> str:
        scores = [(one.run, one.top1, one.top5, one.agreement, one.divergence) for one in self.scores]
        layers = [(one.node or "input", one.tensor, one.snr_db) for one in self.layers]
        return html_block(f"Evaluation of {self.network}", {"images": self.images, "float": self.float_graph}, [
            HtmlTable(("run", "top-1", "top-5", "agrees with float", "divergence, nats"), scores),
            HtmlTable(("layer", "tensor", "signal to noise, dB"), layers)])

    def to_json(self) -> str:
        """All but the seconds, as `firelane evaluate --json` prints it."""
        found = {each.name: getattr(self, each.name) for each in fields(Evaluation) if each.name != "seconds"}
        return json_document("evaluate", found | {"scores": [asdict(score) for score in self.scores],
                                                  "layers": [asdict(layer) for layer in self.layers]})


def added_up(job: EvaluationJob, measured: Sequence[Measured], labels: Sequence[int] | None, *, network: str,
             float_graph: str, seconds: float = 0.0) -> Evaluation:
    """The evaluation, from what was measured of each image, in the order of `labels`."""
    scores = tuple(_score(run, measured, labels) for run in measured[0].outcomes)
    makers = {node.output: node.name for node in job.graph.nodes} if job.graph else {}
    layers = []
    for index, (tensor, original) in enumerate(job.pairs):
        signal, noise = (mean(image.energies[index][part] for image in measured) for part in (0, 1))
        layers.append(LayerNoise(node=makers.get(tensor, ""), tensor=tensor, original=original,
                                 snr_db=decibels(signal, noise)))
    return Evaluation(network=network, images=len(measured), float_graph=float_graph, scores=scores,
                      layers=tuple(layers), seconds=seconds)


def _score(run: str, measured: Sequence[Measured], labels: Sequence[int] | None) -> Score:
    found = [image.outcomes[run] for image in measured]
    compared = run != FLOAT and FLOAT in measured[0].outcomes
    original = [image.outcomes[FLOAT] for image in measured] if compared else []
    top1 = top5 = lost = gained = None
    if labels is not None:
        right = [outcome.best[0] == label for outcome, label in zip(found, labels)]
        top1, top5 = _share(right), _share([label in outcome.best for outcome, label in zip(found, labels)])
        if compared:
            before = [outcome.best[0] == label for outcome, label in zip(original, labels)]
            lost = sum(was and not is_ for was, is_ in zip(before, right))
            gained = sum(is_ and not was for was, is_ in zip(before, right))
    losses = [outcome.expected_loss for outcome in found if outcome.expected_loss is not None]
    expected_loss, loss_error = _expected_loss(losses) if compared else (None, None)
    return Score(run=run, top1=top1, top5=top5, lost=lost, gained=gained, tied=sum(outcome.tied for outcome in found),
                 agreement=_share([a.best[0] == b.best[0] for a, b in zip(found, original)]) if compared else None,
                 divergence=mean(outcome.divergence for outcome in found if outcome.divergence is not None)
                 if compared else None, expected_loss=expected_loss, loss_error=loss_error,
                 only_class=only_class([outcome.best[0] for outcome in found]))


def _expected_loss(losses: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The mean and its standard error, of what each image loses and how far its probabilities have moved."""
    lost = sorted(lost for lost, _ in losses)
    return mean(lost), standard_error(np.array(lost), mean(moved for _, moved in losses))


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)
