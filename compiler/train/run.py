"""From labelled pictures and a float network to a float network for their classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx

from firelane.compiler.frame_io.preprocessing import (
    CHANNELS,
    INPUT_KEY,
    MODES,
    Preprocessing,
    preprocessing_of,
    record_preprocessing,
)
from firelane.compiler.frame_io.record_options import Options, changed_record
from firelane.compiler.onnx_import.reader import Source, read_input
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.files import digest
from firelane.compiler.support.progress import Progress
from firelane.compiler.train.classifier import Trunk, put_together, take_apart
from firelane.compiler.train.curve import LAST, Step, best_step
from firelane.compiler.train.features import features, seen
from firelane.compiler.train.judge import Judged, judge
from firelane.compiler.train.kept import code_digest, folder
from firelane.compiler.train.labelled import Labelled, contradictions, read_labelled
from firelane.compiler.train.logistic import fit
from firelane.compiler.train.plan import Plan
from firelane.compiler.train.split import overlap, read_split
from firelane.compiler.train.views import Views


@dataclass(frozen=True, eq=False)
class Trained:
    """A network that has learnt.

    Parameters
    ----------
    model : onnx.ModelProto
        Float, with names of its classes and the preprocessing of its input in its metadata.
    classes : tuple of str
    steps : tuple of Step
        How it learnt.
    best : Step
        The one whose weights were taken.
    judged : Judged
        On held-out pictures, computed by ONNX Runtime from the model.
    learnt, held : int
        Pictures.
    """

    model: onnx.ModelProto
    classes: tuple[str, ...]
    steps: tuple[Step, ...]
    best: Step
    judged: Judged
    learnt: int
    held: int


def train(start: Source, pictures: Path, valid: Path | None, record: Options, plan: Plan, *,
          say: Callable[[str], None], progress: Progress) -> Trained:
    """Learn the classes of pictures, beginning with a float network.

    Parameters
    ----------
    start : a float ONNX model that classifies anything
    pictures, valid : a folder of folders, or a list; held-out ones, or None: a part of the first
    record : how pictures become its input, where it does not say so itself
    say : told what is odd about the pictures

    Raises
    ------
    FirelaneError
        If network or pictures cannot be used.
    """
    tuning = None if plan.layers == LAST else from_extra("firelane.compiler.train.fine_tune", "train", "--layers all")
    trunk = take_apart(start)
    taken, trunk = _recorded(trunk, record)
    given = read_labelled(pictures, "FOLDER")
    learnt, held = read_split(given, valid, plan.held_out, plan.seed)
    for odd in filter(None, (contradictions(given), overlap(learnt, held))):
        say(f"warning: {odd}")
    shape = read_input(trunk.model.graph).dims
    mirror = shape[0] > 1 if plan.mirror is None else plan.mirror
    views = Views(shape=shape, resize=taken.resize, mirror=mirror, seed=plan.seed)
    wanted = seen(learnt, range(plan.views))
    values = features(trunk, taken, views, [*wanted, *seen(held, [0])], progress)
    labels = [label for label in learnt.labels for _ in range(plan.views)]
    fitted = fit(values[:len(wanted)], labels, values[len(wanted):], held.labels, progress)
    model = put_together(trunk, fitted.weight, fitted.bias, given.classes)
    steps = fitted.steps
    if tuning is not None:
        material = tuning.Material(learnt, held, views, taken)
        model, more = tuning.fine_tune(model, best_step(steps), material, plan, _checkpoint(model, learnt, held, plan),
                                       progress)
        steps += more
    return Trained(model, given.classes, steps, best_step(steps), judge(model, taken, views, held, progress),
                   len(learnt), len(held))


def _recorded(trunk: Trunk, options: Options) -> tuple[Preprocessing, Trunk]:
    """How pictures become the network's input, and the trunk with that in its metadata."""
    shape = read_input(trunk.model.graph).dims
    record = changed_record(preprocessing_of(metadata(trunk.model)), shape, options)
    where = f"input of {trunk.model.graph.name or 'the network'}"
    if shape[0] not in MODES:
        raise ModelError(where, f"has {shape[0]} channels", hint="images have 1 or 3")
    if record is None:
        raise ModelError(where, f"how it takes pixels is not known: there is no metadata {INPUT_KEY}",
                         hint="give --preset, or --mean, --scale, --channels, --resize")
    if CHANNELS[record.channels] != shape[0]:
        raise ModelError(f"metadata {INPUT_KEY}", f"channels {record.channels}, the input has {shape[0]}",
                         hint="correct it with --channels")
    return record, Trunk(record_preprocessing(trunk.model, record), trunk.layer, trunk.shape, trunk.kernel,
                         trunk.output)


def _checkpoint(model: onnx.ModelProto, learnt: Labelled, held: Labelled, plan: Plan) -> Path:
    """The file for epochs that are finished, by all that they follow from."""
    pictures = [f"{content} {label}" for part in (learnt, held) for content, label in zip(part.digests, part.labels)]
    key = digest([model.SerializeToString(deterministic=True).hex(), repr(asdict(plan)), f"{len(held)}", *pictures,
                  code_digest()])
    return folder() / f"{key}.pt"
