"""A training: how the network learnt, and which classes it takes for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from firelane.compiler.train.curve import Step
from firelane.compiler.train.judge import Judged
from firelane.report.figures import training as figures
from firelane.report.page.document import Plot, Section, Table

WORST = 12              #: pairs of classes that are named


def learning(steps: Sequence[Step], best: Step) -> Section:
    """Loss and accuracy step by step."""
    rows = tuple((f"{step.part}, {step.number}", f"{step.strength:.3g}", f"{step.learnt_loss:.4f}",
                  f"{step.held_loss:.4f}", f"{step.learnt_share:.2%}", f"{step.held_share:.2%}") for step in steps)
    text = ("In the steps of the last layer the penalty on its weights falls; in those of all layers an epoch ends. "
            "The weights with the least loss on held-out images are taken, so these are a little too hopeful about "
            "images that nobody has seen.")
    return Section("learning", "How it learnt", text, (
        Plot("loss", "Loss", "Where the loss of held-out images rises while the other falls, the network learns its "
             "images by heart: more images would help, or fewer layers that learn.",
             figures.curve(steps, best, share=False)),
        Plot("accuracy", "Images that are right", "Of few held-out images one more or less is a step of this curve.",
             figures.curve(steps, best, share=True)),
        Table("All steps", ("step", "penalty or rate", "loss, learnt from", "loss, held out", "right, learnt from",
                            "right, held out"), rows, folded=True)))


def classes(names: Sequence[str], judged: Judged) -> Section:
    """Which classes are found, and which are taken for which."""
    counts = judged.confusion
    wrong = counts - np.diag(np.diag(counts))
    pairs = sorted(zip(*np.nonzero(wrong)), key=lambda pair: (-wrong[pair], pair))[:WORST]
    rows = tuple((names[true], names[said], f"{wrong[true, said]}", f"{counts[true].sum()}") for true, said in pairs)
    text = (f"{judged.correct:,} of {judged.images:,} held-out images are right, by ONNX Runtime from the file that "
            "was written.")
    parts = [Plot("by-class", "Each class", "Classes at the top are found least: look at their images first.",
                  figures.by_class(counts, names)),
             Plot("confusion", "What is taken for what", "A row is a class. Bright places beside the diagonal are "
                  "classes that look alike to the network, or whose labels do.", figures.confusion(counts, names))]
    table = (Table("Taken for another most often", ("shows", "taken for", "images", "of"), rows, words=True),)
    return Section("classes", "Classes", text, (*parts, *(table if rows else ())))
