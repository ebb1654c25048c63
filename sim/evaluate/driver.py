"""Makes an `Evaluation` of models and images."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np

from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.spread import spread
from firelane.sim.evaluate.image_folder import find_images, pixels_of
from firelane.sim.evaluate.labels import labels_of
from firelane.sim.evaluate.plan import Model, Plan, plan
from firelane.sim.evaluate.pool import Pool, in_process
from firelane.sim.evaluate.result import Evaluation, added_up

__all__ = ["carry_out", "evaluate", "images_of"]


def evaluate(model: Model, images: Sequence[np.ndarray], *,  # noqa: PLR0913 (all but two have a default)
             labels: Sequence[int] | None = None,
             float_model: Model | None = None, reference: bool | None = None, onnxruntime: bool = False,
             record: Options | None = None, pool: Pool = in_process, progress: Progress = silent) -> Evaluation:
    """Measure how well `model` does on `images`.

    Parameters
    ----------
    model : path or parsed model; quantized (QDQ or QOperator), or float, for ONNX Runtime only
    images : uint8 (C, H, W) each, pixels of the network's size, gray or RGB; how pixels become input is taken from the
        models' metadata
    labels : the class of each image
    float_model : that `model` is compared with; `DERIVED`: `model` without quantization of its activations
    reference : run the integer reference; as None, if the model is quantized
    onnxruntime : run the model in ONNX Runtime as well
    record : how the models take pixels, see `sim.evaluate.plan.plan`: channels, mean, scale, resize
    pool : from `sim.evaluate.workers`; this process if none is given
    progress : told of images done

    Raises
    ------
    FirelaneError
        If a model is broken or does not fit, if there are no images, or if workers cannot be used.
    """
    planned = plan(model, float_model=float_model, reference=reference, onnxruntime=onnxruntime, record=record)
    return carry_out(planned, images, labels=labels, pool=pool, progress=progress)


def carry_out(planned: Plan, images: Sequence[np.ndarray], *, labels: Sequence[int] | None = None,
              pool: Pool = in_process, progress: Progress = silent) -> Evaluation:
    """Do what `evaluate` does, from a plan."""
    if not len(images):
        raise FirelaneError("images", "there are none", hint="one at least is needed")
    if labels is not None and len(labels) != len(images):
        raise FirelaneError("labels", f"{len(labels):,} for {len(images):,} images", hint="one for each")
    began = time.monotonic()
    measured = pool(planned.job, _Checked(images, planned.shape), progress)
    return added_up(planned.job, measured, labels, network=planned.network, float_graph=planned.float_graph,
                    seconds=time.monotonic() - began)


def images_of(planned: Plan, folder: Path, labels: Path | None = None,
              limit: int | None = None) -> tuple[Sequence[np.ndarray], Sequence[int] | None]:
    """At most `limit` of the images in `folder`, evenly spread, for a plan; and the class of each, if that is known.

    Images are read when they are asked for. `labels`: the file that says what they show, see `sim.evaluate.labels`.

    Raises
    ------
    FirelaneError
        If there are no images, the first one cannot be used, or a class is missing or not clear.
    """
    files = find_images(folder)
    classes = labels_of(files, folder, labels, planned.classes, planned.names)
    chosen = spread(len(files), len(files) if limit is None else limit)
    images = pixels_of([files[index] for index in chosen], planned.shape, planned.resize)
    images[0]                                            # what is wrong with all of them is known at once
    return images, classes and [classes[index] for index in chosen]


class _Checked(Sequence[np.ndarray]):
    """Images, each of which is looked at before it is used."""

    def __init__(self, images: Sequence[np.ndarray], shape: tuple[int, int, int]):
        self._images, self._shape = images, tuple(shape)

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...

    def __getitem__(self, index: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        image = self._images[index]
        if image.dtype != np.uint8 or image.shape != self._shape:
            raise FirelaneError(f"image {index}", f"{image.dtype} of shape {image.shape}",
                                hint=f"uint8 of shape {self._shape} is wanted")
        return image
