"""A compiled folder as a host reads it: what goes into the board, what an image becomes, what a result means."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from firelane.compiler.artefact.container import from_bytes
from firelane.compiler.artefact.file_names import MANIFEST, PROGRAM, SIMULATED
from firelane.compiler.artefact.manifest_reader import damaged, parse_manifest
from firelane.compiler.frame_io.classes import Guess, best_classes
from firelane.compiler.frame_io.preprocessing import Picture, known_record, read_image
from firelane.compiler.frame_io.record_options import Options, graph_with_record
from firelane.compiler.frame_io.result import ResultFormat
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.files import build_root
from firelane.compiler.support.marker import COMPILED, MARKER, marked_files, read_whole
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents

FOLDERS = ("*", f"{SIMULATED}/*", "bitstream/*/model")      #: under the build folder, where models are looked for
FILE_BYTES = 1 << 28                         #: more than any file of an artefact
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
        Its input and output; read from a folder, no node is left.
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

    def recording(self, options: Options) -> HostModel:
        """The same network, whose images become its input as the options say."""
        return replace(self, graph=graph_with_record(self.graph, options))

    def image_bytes(self, source: Picture) -> bytes:
        """An image as the board takes it."""
        return stream_bytes(read_image(self.graph, source))

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
                                hint="docs/host_link.md tells a program of your own how to get its bytes")
        return best_classes(self.graph, self.output(result), labels)


def read_model(folder: Path) -> HostModel:
    """What `firelane compile` wrote to `folder`.

    Raises
    ------
    ConfigError, FirelaneError
        If it is something else, of another version, or damaged.
    """
    files = _files(folder)
    where = str(folder / MANIFEST)
    kind, digests = marked_files(files[MARKER])
    if kind != COMPILED:
        raise damaged(str(folder / MARKER), "is not the record of a compiled network")
    facts = parse_manifest(files[MANIFEST], where)
    contents = from_bytes(files[PROGRAM], str(folder / PROGRAM))
    for name in (MANIFEST, PROGRAM):
        if hashlib.sha256(files[name]).hexdigest() != digests.get(name):
            raise damaged(str(folder / name), f"is not the one that {MARKER} names")
    if contents.config_digest != facts.engine.digest:
        if contents.config_digest == facts.engine_digest:       # the two agree: it is we who count otherwise
            raise ConfigError(str(folder), "was compiled by another version of Firelane", hint="compile it again")
        raise damaged(where, f"{PROGRAM} is for another engine")
    return HostModel(folder, contents, facts.engine, facts.graph, facts.result)


def _files(folder: Path) -> dict[str, bytes]:
    """The files that a host reads, all of one artefact, though another one may be put in its place meanwhile."""
    try:
        return read_whole(folder, (MANIFEST, PROGRAM, MARKER), FILE_BYTES)
    except OSError as error:
        name = error.filename if error.filename in (PROGRAM, MARKER) else MANIFEST
        raise ConfigError(str(folder), f"is no compiled model ({name}: {error.strerror})",
                          hint=_meant(folder)) from None


def _meant(folder: Path) -> str:
    """What to give instead: the compiled network in that folder, if there is one, as `firelane build` leaves it."""
    inside = sorted(manifest.parent for manifest in folder.glob(f"*/{MANIFEST}"))
    return f"did you mean {inside[0]}?" if len(inside) == 1 else _HINT


def find_model(digest: int) -> HostModel:
    """The compiled folder under the build folder that has this program digest; one that knows how it takes images.

    Raises
    ------
    ConfigError
        If there is none, or if two say otherwise how images become their input.
    """
    found = models_with(digest)
    if not found:
        raise ConfigError("--compiled", f"the board holds a model (digest {digest:08x}) that was not compiled here",
                          hint=f"{_HINT}, or put it into the board: firelane load DIR")
    knowing = {known.to_json(): model for model in reversed(found) if (known := known_record(model.graph)) is not None}
    if len(knowing) > 1:
        first, other = list(knowing.values())[-1:-3:-1]
        raise ConfigError("--compiled", f"{first.folder} and {other.folder} hold the same program, and say otherwise "
                                        "how images become its input", hint="name one of them with --compiled")
    return next(iter(knowing.values()), found[0])


def models_with(digest: int) -> list[HostModel]:
    """All compiled folders under the build folder that have this program digest."""
    found: list[HostModel] = []
    for folder in _candidates():
        try:
            model = read_model(folder)
        except FirelaneError:
            continue            # not of ours, or of another version: it is not the one
        if model.digest == digest:
            found.append(model)
    return found


def _candidates() -> Iterable[Path]:
    for pattern in FOLDERS:
        yield from sorted(path.parent for path in build_root().glob(f"{pattern}/{MANIFEST}"))
