"""Makes an `Evaluation` of models and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.progress import Progress, silent
from firelane.sim.evaluate.plan import Model, Plan, plan
from firelane.sim.evaluate.pool import Pool, in_process
from firelane.sim.evaluate.result import Evaluation, added_up

__all__ = ["carry_out", "evaluate"]


def evaluate(model: Model, images: Sequence[np.ndarray], *,  # noqa: PLR0913 (all but two have a default)
             labels: Sequence[int] | None = None,
             float_model: Model | None = None, reference: bool | None = None, onnxruntime: bool = False,
             record: dict | None = None, pool: Pool = in_process, progress: Progress = silent) -> Evaluation:
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
    record : how the float model takes pixels, where its metadata do not say so: channels, mean, scale, resize as on
        the command line of `firelane quantize`
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
        raise FirelaneError("labels", f"{len(labels)} for {len(images)} images", hint="one for each")
    measured = pool(planned.job, _Checked(images, planned.shape), progress)
    return added_up(planned.job, measured, labels, network=planned.network, float_graph=planned.float_graph)


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
