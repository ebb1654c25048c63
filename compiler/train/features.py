"""What a trunk makes of pictures, computed once by ONNX Runtime and kept in build/train.

    build/train/KEY.npz     features of up to `CHUNK` views, KEY the digest of all that they follow from

So after Ctrl-C the same command goes on.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import onnxruntime

from firelane.compiler.compress.workers import workers
from firelane.compiler.frame_io.preprocessing import Preprocessing
from firelane.compiler.onnx_import.reader import read_input
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import digest, write_file
from firelane.compiler.support.onnx_runtime import open_session
from firelane.compiler.support.progress import Progress
from firelane.compiler.train.classifier import Trunk
from firelane.compiler.train.kept import code_digest, folder
from firelane.compiler.train.labelled import Labelled
from firelane.compiler.train.views import Views

CHUNK = 64
STAGE = "computing features"
Seen = tuple[Path, str, int]            # a file, its digest, the number of a view


def features(trunk: Trunk, record: Preprocessing, views: Views, wanted: Sequence[Seen],
             progress: Progress) -> np.ndarray:
    """Features of views of pictures: float32 (N, features).

    Raises
    ------
    FirelaneError
        If a picture cannot be read, or the network makes anything of it that is not finite.
    """
    session = open_session(trunk.model)
    name, found = read_input(trunk.model.graph).name, []
    base = [trunk.model.SerializeToString(deterministic=True).hex(), trunk.layer, record.to_json(),
            repr(asdict(views)), code_digest(), onnxruntime.__version__]

    def compute(seen: Seen) -> np.ndarray:
        real = record.real(views.read(*seen))[None]
        values = trunk.averaged(session.run(None, {name: real})[0])
        if not np.all(np.isfinite(values)):
            raise FirelaneError(str(seen[0]), "the network makes values of it that are not finite",
                                hint="are --mean and --scale those of the network?")
        return values
    for begin in range(0, len(wanted), CHUNK):
        progress(STAGE, begin, len(wanted))
        part = wanted[begin:begin + CHUNK]
        place = folder() / f"{digest([*base, *(f'{content} {number}' for _, content, number in part)])}.npz"
        values = _kept(place, (len(part), trunk.features))
        if values is None:
            values = np.empty((len(part), trunk.features), np.float32)
            with workers() as threads:
                for index, one in enumerate(threads.map(compute, part)):
                    values[index] = one
                    progress(STAGE, begin + index + 1, len(wanted))
            _keep(place, values)
        found.append(values)
    return np.concatenate(found)


def seen(pictures: Labelled, numbers: Sequence[int]) -> list[Seen]:
    """These views of every picture, picture by picture."""
    return [(file, content, number) for file, content in zip(pictures.files, pictures.digests) for number in numbers]


def _kept(place: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """What was computed before; None if there is nothing, or a damaged file."""
    try:
        with np.load(place, allow_pickle=False) as archive:
            values = archive["features"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return values if values.shape == shape and values.dtype == np.float32 else None


def _keep(place: Path, values: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, features=values)
    write_file(place, buffer.getvalue(), "FIRELANE_BUILD")
