"""Networks by name, ready to be compiled: the embedded ones, and the published ones, built and quantized here.

    find("squeezenet1.1", input_size=64).path       a QDQ ONNX file in build/models

Nothing is downloaded. Weights are random, with the densities of Deep Compression, and ranges are calibrated with
`models.made_images`. Those of the networks to compare with, `models.comparison`, are not pruned: their papers do not.
Only SqueezeNet v1.0 at the size of its images takes the published weights, and is calibrated with
photographs, where `models.published_data` finds both.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.files import build_root, digest, locked
from firelane.compiler.support.model_files import OTHER_KINDS
from firelane.compiler.support.near import hint
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.models.comparison.networks import COMPARISON
from firelane.models.published_data import INPUT_SIZES, Published, labels_file, net_file, photographs
from firelane.models.squeezenet import NETWORKS

__all__ = ["NAMES", "CatalogueEntry", "find", "is_name", "model_file", "short_name"]

HERE = Path(__file__).resolve().parent
EMBEDDED = {"digits": HERE / "digits_squeezenet.onnx", "digits-bypass": HERE / "digits_squeezenet_bypass.onnx"}
LIGHT = "light_squeezenet"              # `made_networks` makes them, and needs more packages than this
LIGHT_WEIGHTS = "the weights that the onnx package gives, one value for each layer"
PUBLISHED = tuple(NETWORKS)
NAMES = (*EMBEDDED, *PUBLISHED, LIGHT, *COMPARISON)
SIZED = (*PUBLISHED, *COMPARISON)       # of which the size of the image can be chosen
SUFFIX = ".onnx"
SIZE = 224                              # rows and columns of the image if nobody says otherwise
MADE_BY = ("firelane.models", *(f"firelane.compiler.{name}" for name in (
    "quantize", "frame_io", "onnx_import", "passes", "ir", "support")))                  #: packages that make a network
LIBRARIES = ("numpy", "onnx", "onnxruntime", "Pillow")                        #: and what they make it with


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """A quantized network.

    Parameters
    ----------
    path : Path
        The ONNX file.
    origin : str
        Where weights and ranges come from, in one line; empty for the embedded networks.
    photographs : sequence of Path
        Images that it knows.
    labels : Path, optional
        Names of its classes.
    """

    path: Path
    origin: str = ""
    photographs: Sequence[Path] = ()
    labels: Path | None = None


def find(name: str, *, input_size: int | None = None, dense: bool = False, only_cost: bool = False,
         progress: Progress = silent) -> CatalogueEntry:
    """The network called `name`, with images of `input_size` rows and columns.

    Parameters
    ----------
    dense : bool
        Random weights are not pruned, so that all networks can be given the same density.
    only_cost : bool
        It will not be computed: a network that no engine can compute is given, too, as its float model.

    Raises
    ------
    ConfigError
        If there is no such network, or not of that size, or no engine can compute it.
    """
    if name not in NAMES:
        raise ConfigError("model", f"{name}: no such network",
                          hint=hint(name, [*NAMES, *_files_here()], f"a file, or one of {', '.join(NAMES)}"))
    if name not in SIZED and input_size is not None:
        raise ConfigError("--input-size", f"{name} has one size only", hint=f"possible for {', '.join(SIZED)}")
    if name in EMBEDDED:
        return CatalogueEntry(path=EMBEDDED[name])
    why_not = COMPARISON[name].only_cost if name in COMPARISON else ""
    if why_not and not only_cost:
        raise ConfigError("model", f"{name}: {why_not}", hint=f"firelane estimate {name} counts what it would cost")
    makes = from_extra("firelane.models.made_networks", "compile", f"the network {name}")
    size = input_size or (COMPARISON[name].size if name in COMPARISON else SIZE)
    published = _published(size) if name == "squeezenet1.0" and not dense else None
    dense = dense and name in PUBLISHED
    key = digest([name, f"{size}", *["dense"] * dense, source_digest(*MADE_BY), *map(version, LIBRARIES),
                  *([published.weights, *published.photographs] if published else [])])
    path = build_root() / "models" / f"{name}-{size}-{key}.onnx"
    with locked(path):
        if not path.exists():
            makes.make(path, name, size, published, progress, dense)
    if published:
        return CatalogueEntry(path=path, origin=f"the published Deep Compression weights, {published.weights}",
                              photographs=published.photographs, labels=labels_file())
    return CatalogueEntry(path=path, origin=_origin(name, dense, bool(why_not)))


def _origin(name: str, dense: bool, is_float: bool) -> str:
    """Where weights and ranges come from."""
    if name == LIGHT:
        weights = LIGHT_WEIGHTS
    elif dense or name in COMPARISON:
        weights = "random weights, none pruned"
    else:
        weights = "random weights of the published densities"
    return weights if is_float else f"{weights}, calibrated with made images"


def is_name(model: str | Path) -> bool:
    """Whether it is the name of a network; what is neither a name nor looks like a file is taken for a name.

    So a name that was mistyped is answered with those that there are.
    """
    text = str(model)
    return text in NAMES or (isinstance(model, str) and Path(text).suffix not in (SUFFIX, *OTHER_KINDS)
                             and os.sep not in text and not os.path.lexists(text))


def _files_here() -> list[str]:
    """Networks in the folder that we are in, which may have been meant."""
    return sorted(path.name for path in Path().glob(f"*{SUFFIX}"))


def model_file(model: str | Path, progress: Progress = silent) -> Path:
    """The ONNX file of a network: by its name, or as it is.

    Raises
    ------
    ConfigError
        If it looks like a name, and there is no such network.
    """
    return find(str(model), progress=progress).path if is_name(model) else Path(model)


def short_name(model: str | Path) -> str:
    """The word for folders and tables: the name of a published network, else that of the file without its end."""
    if str(model) in EMBEDDED:
        return EMBEDDED[str(model)].stem
    return str(model) if str(model) in NAMES else Path(model).stem


def _published(size: int) -> Published | None:
    """What is there, if it is complete, and the weights are for this size of image."""
    weights, images = net_file(), photographs()
    return Published(weights, images) if weights and images and size in INPUT_SIZES else None
