"""An evaluation: accuracy, agreement with the float network, and what is lost by layer."""

from __future__ import annotations

from firelane.report.figures import evaluation as figures
from firelane.report.page.document import Plot, Section, Table
from firelane.sim.evaluate.report import NAMES, share
from firelane.sim.evaluate.result import Evaluation


def scores(found: Evaluation) -> Section:
    """Accuracies and agreement of each run."""
    measured = any(value is not None for score in found.scores for value in (score.top1, score.agreement))
    rows = tuple((NAMES[score.run], share(score.top1, found.images), share(score.top5, found.images),
                  share(score.agreement, found.images),
                  "" if score.divergence is None else f"{score.divergence:.5f}",
                  "" if score.lost is None else f"{score.lost}", "" if score.gained is None else f"{score.gained}",
                  f"{score.tied}") for score in found.scores)
    table = Table("All runs", ("run", "top-1", "top-5", "like float", "KL, nats", "lost", "gained", "tied"), rows)
    text = f"{found.images:,} images. " + (f"Float is {found.float_graph}." if found.float_graph else "")
    plot = Plot("scores", "Accuracy, and agreement with the float network",
                "Thin lines are standard errors: runs that differ by less than they are long cannot be told apart with "
                "so few images. Agreement is the sharper measure, for it compares image by image.",
                figures.scores(found.scores, found.images))
    return Section("accuracy", "Accuracy", text.strip(), (plot, table) if measured else (table,))


def noise(found: Evaluation) -> Section:
    """Signal to noise by layer, and where it is lost."""
    shown = [layer for layer in found.layers if layer.snr_db is not None]
    worst = min(shown, key=lambda layer: layer.snr_db or 0)
    text = ("Each tensor of the integer network against the float network's, both made from the image alone: noise of "
            "all layers before it is in it. 20 dB: noise has a hundredth of the signal's energy.")
    return Section("noise", "Signal to noise", text, (
        Plot("noise-by-layer", "Signal to noise by layer", f"It falls slowly from layer to layer in a network that is "
             f"quantized well. Least is {worst.snr_db:.1f} dB, in {worst.node or 'the input'}.",
             figures.noise(found.layers)),
        Plot("noise-lost", "What each layer loses", "Long bars to the right are layers to look at first: ranges that "
             "do not suit, or weights of few levels. Bars to the left are layers in which noise averages out.",
             figures.lost(found.layers))))
