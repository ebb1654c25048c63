"""A trained network measured as it is written: by ONNX Runtime, on held-out pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from firelane.compiler.compress.workers import workers
from firelane.compiler.frame_io.preprocessing import Preprocessing
from firelane.compiler.onnx_import.reader import read_input
from firelane.compiler.support.onnx_runtime import open_session
from firelane.compiler.support.progress import Progress
from firelane.compiler.train.labelled import Labelled
from firelane.compiler.train.views import Views

STAGE = "measuring"


@dataclass(frozen=True, eq=False)
class Judged:
    """Held-out pictures by what they show (rows) and by what the network says (columns): int64 (classes, classes)."""

    confusion: np.ndarray

    @property
    def images(self) -> int:
        """How many there are."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Those whose class is found."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share of these."""
        return self.correct / self.images

    @property
    def error(self) -> float:
        """The standard error of that share."""
        return float(np.sqrt(self.accuracy * (1 - self.accuracy) / self.images))


def judge(model: onnx.ModelProto, record: Preprocessing, views: Views, pictures: Labelled,
          progress: Progress) -> Judged:
    """What a network that ends with a Softmax says of each picture."""
    session, name = open_session(model), read_input(model.graph).name

    def best(index: int) -> int:
        pixels = views.read(pictures.files[index], pictures.digests[index], 0)
        return int(session.run(None, {name: record.real(pixels)[None]})[0].argmax())
    confusion = np.zeros((len(pictures.classes),) * 2, np.int64)
    with workers() as threads:
        for index, found in enumerate(threads.map(best, range(len(pictures)))):
            confusion[pictures.labels[index], found] += 1
            progress(STAGE, index + 1, len(pictures))
    return Judged(confusion)
