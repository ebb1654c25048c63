"""The embedded digit networks, compiled for a small engine, and images of digits, for tests of the host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from firelane.compiler.artefact.artefact import write_artefact
from firelane.compiler.compile import compile_model
from firelane.compiler.program.compiled import Compiled
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED
from firelane.models.digits import load_split
from firelane.sim import reference

CFG = EngineConfig(banks=2, weight_words=6144, program_words=1024)


@cache
def compiled(name: str) -> Compiled:
    """A network of `models.catalogue.EMBEDDED`."""
    return compile_model(EMBEDDED[name], CFG)


def compiled_folder(name: str, folder: Path) -> Path:
    """The same as `firelane compile` writes it."""
    write_artefact(compiled(name), folder)
    return folder


def pixels(number: int) -> np.ndarray:
    """A held-out digit, uint8 (1, rows, columns)."""
    return load_split()[1].images[number].transpose(2, 0, 1)


def image_file(number: int, folder: Path) -> Path:
    """The same as a file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"digit{number}.png"
    Image.fromarray(pixels(number)[0]).save(path)
    return path


def expected(name: str, image: np.ndarray) -> bytes:
    """The reference's result of uint8 (1, rows, columns)."""
    network = compiled(name)
    return network.result.pack(reference.run(network.graph, image)[network.graph.output])
