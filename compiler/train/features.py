"""What a trunk makes of pictures, computed once by ONNX Runtime and kept in build/train.

    build/train/KEY/*.npz       features of up to `CHUNK` views each; KEY is the digest of network, preprocessing,
                                seed and code

So after Ctrl-C the same command goes on, and pictures that are added cost only their own features.
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
    session, name = open_session(trunk.model), read_input(trunk.model.graph).name
    place = folder() / digest([trunk.model.SerializeToString(deterministic=True).hex(), trunk.layer, record.to_json(),
                               repr(asdict(views)), code_digest(), onnxruntime.__version__])

    def compute(seen: Seen) -> np.ndarray:
        real = record.real(views.read(*seen))[None]
        values = trunk.averaged(session.run(None, {name: real})[0])
        if not np.all(np.isfinite(values)):
            raise FirelaneError(str(seen[0]), "the network makes values of it that are not finite",
                                hint="are --mean and --scale those of the network?")
        return values
    known = _known(place, trunk.features)
    missing = list({_key(one): one for one in wanted if _key(one) not in known}.values())
    with workers() as threads:
        for begin in range(0, len(missing), CHUNK):
            part = missing[begin:begin + CHUNK]
            for index, (one, values) in enumerate(zip(part, threads.map(compute, part))):
                progress(STAGE, begin + index, len(missing))
                known[_key(one)] = values
            _keep(place, {_key(one): known[_key(one)] for one in part})
    return np.stack([known[_key(one)] for one in wanted])


def seen(pictures: Labelled, numbers: Sequence[int]) -> list[Seen]:
    """These views of every picture, picture by picture."""
    return [(file, content, number) for file, content in zip(pictures.files, pictures.digests) for number in numbers]


def _key(one: Seen) -> str:
    """What a view is known by: the content of its file, and its number."""
    return f"{one[1]} {one[2]}"


def _known(place: Path, features: int) -> dict[str, np.ndarray]:
    """Features of all views that were computed before, by key; damaged files are left out."""
    known: dict[str, np.ndarray] = {}
    for file in sorted(place.glob("*.npz")):
        try:
            with np.load(file, allow_pickle=False) as archive:
                keys, values = archive["keys"].tolist(), archive["features"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            continue
        if values.shape == (len(keys), features) and values.dtype == np.float32:
            known.update(zip(keys, values))
    return known


def _keep(place: Path, found: dict[str, np.ndarray]) -> None:
    """Write features in a file of their own."""
    buffer = io.BytesIO()
    np.savez(buffer, keys=np.array(list(found)), features=np.stack(list(found.values())))
    write_file(place / f"{digest(found)}.npz", buffer.getvalue(), "FIRELANE_BUILD")
