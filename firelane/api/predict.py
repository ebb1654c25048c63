"""What a network says of images: by the integers of the engine, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from firelane.boards.host.run import image_files
from firelane.compiler.frame_io.classes import Guess, best_classes
from firelane.compiler.frame_io.preprocessing import IMAGE_CHANNELS, UNNAMED_IMAGE, Picture, name_of, read_image
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.html_tables import HtmlTable, html_block

Pictures = Picture | Sequence[Picture]
_POSSIBLE = ("a path, bytes of an image file, an image of Pillow's, uint8 rows x columns x channels, a list of these, "
             "or uint8 (N, C, H, W) of the network's size")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Prediction:
    """What a network says of one image.

    Parameters
    ----------
    image : str
        Its file, or a word for it.
    stored : numpy.ndarray
        uint8 (C, H, W): the bytes of the result, which engine, emulator and reference have in common.
    logits : numpy.ndarray
        float64 (C, H, W): the real values of these bytes.
    classes : tuple of Guess
        The five best, with `index`, `name` and `share`: a probability, where the network ends with a Softmax or a
        Sigmoid; none if its output is a map.
    cycles : int, optional
        That a board needed, or the emulator predicts; None where the reference computed.
    device_ms : float, optional
        The same at a board's clock.
    transfer_ms : float, optional
        Until image and result were over the line of a board, what it computed meanwhile not counted.
    """

    image: str
    stored: np.ndarray
    logits: np.ndarray
    classes: tuple[Guess, ...]
    cycles: int | None = None
    device_ms: float | None = None
    transfer_ms: float | None = None

    @property
    def best(self) -> int | None:
        """The index of the best class."""
        return self.classes[0].index if self.classes else None

    def __repr__(self) -> str:
        found = ", ".join(f"{guess.index} {guess.name}".strip() + f" {guess.share:.4g}" for guess in self.classes)
        cycles = f", {self.cycles:,} cycles" if self.cycles is not None else ""
        return f"<Prediction of {self.image}: {found or f'a map of {self.stored.shape}'}{cycles}>"

    def _repr_html_(self) -> str:
        facts = {"result": "" if self.classes else f"a map of {' x '.join(map(str, self.stored.shape))}",
                 "cycles": self.cycles, "ms on the device": self.device_ms, "ms on the line": self.transfer_ms}
        rows = [(guess.index, guess.name, guess.share) for guess in self.classes]
        return html_block(f"Prediction of {self.image}", facts, [HtmlTable(("class", "name", "value"), rows)])


@dataclass(frozen=True, eq=False)
class Stored:
    """Images as the stored values of a network's input.

    Parameters
    ----------
    names : list of str
    pixels : list of numpy.ndarray
        uint8 (C, H, W) each.
    single : bool
        Whether one image was given, not several.
    """

    names: list[str]
    pixels: list[np.ndarray]
    single: bool


def stored_images(graph: Graph, images: Pictures) -> Stored:
    """What a user gave as images, as the stored values of a network's input.

    Raises
    ------
    FirelaneError
        If it is none, or cannot be fitted.
    """
    if isinstance(images, np.ndarray) and images.ndim == 4:
        return _tensors(graph, images)
    if isinstance(images, np.ndarray) and images.shape[2:] not in IMAGE_CHANNELS and \
            images.shape == graph.tensors[graph.input].shape:           # channels first, as in a batch
        return replace(_tensors(graph, images[None]), names=[UNNAMED_IMAGE], single=True)
    several = list(images) if isinstance(images, list | tuple) else None
    if several is None and isinstance(images, str | Path) and Path(images).is_dir():
        several = [*image_files([Path(images)])]
    given: list[Picture] = []
    for image in [images] if several is None else several:
        if not isinstance(image, str | Path | bytes | Image.Image | np.ndarray):
            raise ConfigError("image", repr(image)[:60], hint=_POSSIBLE)
        given.append(image)
    return Stored([name_of(image) for image in given], [read_image(graph, image) for image in given], several is None)


def prediction(graph: Graph, name: str, stored: np.ndarray, *, labels: tuple[str, ...] = (), cycles: int | None = None,
               device_ms: float | None = None, transfer_ms: float | None = None) -> Prediction:
    """What the bytes of a result, uint8 (C, H, W), mean."""
    tensor = graph.tensors[graph.output]
    return Prediction(image=name, stored=stored, logits=(stored.astype(np.float64) - tensor.zero_point) * tensor.scale,
                      classes=tuple(best_classes(graph, stored, labels)), cycles=cycles, device_ms=device_ms,
                      transfer_ms=transfer_ms)


def _tensors(graph: Graph, images: np.ndarray) -> Stored:
    shape = graph.tensors[graph.input].shape
    if images.dtype != np.uint8 or images.shape[1:] != shape:
        raise ConfigError("image", f"{images.dtype} of shape {images.shape}",
                          hint=f"stored values of the input are uint8 (N, {', '.join(map(str, shape))})")
    return Stored([f"image {number}" for number in range(len(images))], list(images), False)
