"""A compiled folder as a host reads it: what goes into the board, what an image becomes, what a result means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from firelane.compiler.artefact.container import read_contents
from firelane.compiler.artefact.file_names import MANIFEST, PROGRAM
from firelane.compiler.artefact.manifest import MANIFEST_VERSION
from firelane.compiler.frame_io.classes import Guess, best_classes
from firelane.compiler.frame_io.preprocessing import read_image
from firelane.compiler.frame_io.result import ResultFormat
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.ir.graph import Graph, Tensor
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.files import build_root
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents

FOLDERS = ("*", "bitstream/*/model")        #: under the build folder, where compiled models are looked for
_HINT = "give the folder that `firelane compile` wrote"


@dataclass(frozen=True, eq=False)
class HostModel:
    """A network that was compiled.

    Parameters
    ----------
    folder : Path
    contents : MemoryContents
        What the engine's memories hold.
    engine : EngineConfig
        The engine that it was compiled for.
    graph : Graph
        Its input and output alone: no node is left.
    result : ResultFormat
    """

    folder: Path
    contents: MemoryContents
    engine: EngineConfig
    graph: Graph
    result: ResultFormat

    @cached_property
    def digest(self) -> int:
        """The program digest, by which the board knows the model."""
        return self.contents.program_digest

    @property
    def classes(self) -> int:
        """The classes that it tells apart."""
        return self.result.channels

    def image_bytes(self, path: Path) -> bytes:
        """An image file as the board takes it."""
        return stream_bytes(read_image(self.graph, path))

    def output(self, result: bytes) -> np.ndarray:
        """The output tensor, uint8 (channels, height, width).

        Raises
        ------
        FirelaneError
            If the result has another size.
        """
        if len(result) != self.result.size:
            raise FirelaneError(str(self.folder), f"the board's result has {len(result)} bytes, this model's "
                                                  f"{self.result.size}", hint="is this the model in the board?")
        return self.result.unpack(result)

    def guesses(self, result: bytes, labels: tuple[str, ...] = ()) -> list[Guess]:
        """The best classes.

        Raises
        ------
        FirelaneError
            If the network's output is a map, or `result` is none of its results.
        """
        if self.result.size != self.result.channels:
            raise FirelaneError(str(self.folder), f"the network's output is a map of {self.result.height} x "
                                                  f"{self.result.width} pixels, not a class",
                                hint="firelane.boards.host.remote_board.RemoteBoard gives its bytes to a "
                                     "program of your own")
        return best_classes(self.graph, self.output(result), labels)


def read_model(folder: Path) -> HostModel:
    """What `firelane compile` wrote to `folder`.

    Raises
    ------
    ConfigError, FirelaneError
        If it is something else, of another version, or damaged.
    """
    manifest = _read_manifest(folder)
    contents = read_contents(folder / PROGRAM)
    try:
        digest = hashlib.sha256((folder / PROGRAM).read_bytes()).hexdigest()
        if digest != manifest["sha256"][PROGRAM]:
            raise ConfigError(str(folder), f"{PROGRAM} is not the one of {MANIFEST}", hint="compile again")
        return HostModel(folder, contents, _engine(manifest["engine"]), _graph(manifest), _result(manifest["output"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(str(folder / MANIFEST), f"cannot be understood ({type(error).__name__}: {error})",
                          hint="compile again") from None


def find_model(digest: int) -> HostModel:
    """The compiled folder under the build folder that has this program digest.

    Raises
    ------
    ConfigError
        If there is none.
    """
    for folder in _candidates():
        try:
            model = read_model(folder)
        except FirelaneError:
            continue            # not of ours, or of another version: it is not the one
        if model.digest == digest:
            return model
    raise ConfigError("--model", f"the board holds a model (digest {digest:08x}) that was not compiled here",
                      hint=f"{_HINT}, or put it into the board: firelane load DIR")


def _candidates() -> Iterable[Path]:
    for pattern in FOLDERS:
        yield from sorted(path.parent for path in build_root().glob(f"{pattern}/{MANIFEST}"))


def _read_manifest(folder: Path) -> dict:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        version = manifest["manifest_version"]
    except OSError as error:
        raise ConfigError(str(folder), f"is no compiled model ({MANIFEST}: {error.strerror})", hint=_HINT) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(str(folder / MANIFEST), "is damaged", hint=_HINT) from None
    if version != MANIFEST_VERSION:
        raise ConfigError(str(folder), f"{MANIFEST} of version {version}", hint="compile again")
    return manifest


def _engine(record: dict) -> EngineConfig:
    known = {field.name for field in fields(EngineConfig)}
    return EngineConfig(**{name: value for name, value in record.items() if name in known})


def _graph(manifest: dict) -> Graph:
    rows, columns, channels = manifest["input"]["shape"]
    tensors = {"input": _tensor("input", (channels, rows, columns), manifest["input"]),
               "output": _tensor("output", tuple(manifest["output"]["shape"]), manifest["output"])}
    return Graph(manifest["network"], (), tensors, "input", "output", manifest["metadata"])


def _tensor(name: str, shape: tuple[int, int, int], record: dict) -> Tensor:
    return Tensor(name, *shape, scale=record["scale"], zero_point=record["zero_point"])


def _result(record: dict) -> ResultFormat:
    channels, height, width = record["shape"]
    return ResultFormat(channels, height, width, record["group_rows"])
