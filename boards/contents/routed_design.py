"""A routed design that any model for its engine can be put into: `top.config` and, beside it, `memory_map.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from firelane.boards import all_boards
from firelane.boards.board import Board
from firelane.boards.contents.memory_key import to_bits
from firelane.boards.contents.memory_map import BlockMap, MemoryMap, recognise
from firelane.boards.contents.trellis_config import design_digest, read_blocks, replace_blocks
from firelane.compiler.artefact.file_names import MANIFEST
from firelane.compiler.fit.engine_sizes import SIZES
from firelane.compiler.support.errors import FirelaneError, MismatchError
from firelane.compiler.support.files import read_file
from firelane.compiler.tiles.larger_engine import size_option
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents, memory_shapes

CONFIG_BYTES = 1 << 29          #: more than any top.config
MAP_FILE = "memory_map.json"
MAP_VERSION = 1


@dataclass(frozen=True)
class RoutedDesign:
    """What must be known of a routed design to replace the model in it.

    Parameters
    ----------
    board : str
        Its name.
    engine : EngineConfig
    digest : str
        `boards.contents.trellis_config.design_digest` of its configuration.
    memories : MemoryMap
    """

    board: str
    engine: EngineConfig
    digest: str
    memories: MemoryMap

    def to_json(self) -> str:
        document = {"memory_map_version": MAP_VERSION, "board": self.board, "engine": asdict(self.engine),
                    "design_sha256": self.digest,
                    "blocks": {number: asdict(block) for number, block in sorted(self.memories.blocks.items())}}
        return json.dumps(document) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RoutedDesign:
        """Raises ValueError, KeyError or TypeError if `text` is something else."""
        document = json.loads(text)
        if document["memory_map_version"] != MAP_VERSION:
            raise ValueError(f"version {document['memory_map_version']}, not {MAP_VERSION}")
        engine = EngineConfig(**document["engine"])
        blocks = {int(number): BlockMap.from_json(block) for number, block in document["blocks"].items()}
        return cls(document["board"], engine, document["design_sha256"], MemoryMap(memory_shapes(engine), blocks))

    def fill(self, config: str, contents: MemoryContents) -> str:
        """The configuration with the model's `contents` in its memories."""
        return replace_blocks(config, self.memories.fill(self._bits(contents)))

    def check(self, config: str, contents: MemoryContents, where: str) -> int:
        """Compare every word of the model's memories, the zeros behind its contents included; returns how many.

        Raises
        ------
        MismatchError
            At the first word that differs, or if a block RAM is not there.
        """
        expected = self._bits(contents)
        try:
            found = self.memories.read(read_blocks(config, where))
        except ValueError as error:
            raise MismatchError(f"{where}: {error}") from error
        for name, bits in expected.items():
            wrong = np.flatnonzero((bits != found[name]).any(axis=1))
            if len(wrong):
                raise MismatchError(f"{where}: {len(wrong)} of {len(bits)} words of memory {name!r} are not the "
                                    f"model's, first word {wrong[0]}")
        return sum(map(len, expected.values()))

    def _bits(self, contents: MemoryContents) -> Mapping[str, np.ndarray]:
        words = contents.by_name
        return {name: to_bits(words[name], shape) for name, shape in self.memories.shapes.items()}


def recognise_design(config: str, board: Board, engine: EngineConfig, where: str) -> RoutedDesign:
    """What must be known of a design that was built with `boards.contents.memory_key.key_contents`.

    Raises
    ------
    FirelaneError
        If a part of a memory is not in block RAM.
    """
    memories = recognise(read_blocks(config, where), memory_shapes(engine))
    missing = memories.missing()
    if missing:
        counts = ", ".join(f"{count} bits of {name}" for name, count in missing.items())
        raise FirelaneError(where, f"not in block RAM: {counts}", hint="choose memory sizes that fill block RAMs")
    return RoutedDesign(board.name, engine, design_digest(config), memories)


def read_design(config: Path) -> tuple[str, RoutedDesign]:
    """The text of a finished `top.config` and what is known of it.

    Raises
    ------
    FirelaneError
        If it is not one of ours, or was changed in anything but the contents of block RAMs.
    """
    try:
        text = read_file(config, CONFIG_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise FirelaneError(str(config), getattr(error, "strerror", None) or "is not text",
                            hint="give the top.config that `firelane bitstream` wrote") from None
    beside = config.with_name(MAP_FILE)
    try:
        design = RoutedDesign.from_json(beside.read_text())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "is not a memory map of this version"
        raise FirelaneError(str(config), f"was not built by `firelane bitstream`: {beside}: {reason}",
                            hint="build the bitstream again") from None
    if design_digest(text) != design.digest:
        raise FirelaneError(str(config), f"is not the design that {beside} describes", hint="build the bitstream again")
    return text, design


def check_engine(design: RoutedDesign, contents: MemoryContents, model: Path) -> None:
    """Raises FirelaneError, with the sizes that differ, if `contents` are for another engine than the design's."""
    if contents.config_digest == design.engine.digest:
        return
    raise FirelaneError(str(model),
                        f"was compiled for another engine than the bitstream has{_differences(design, model)}",
                        hint=f"compile it for that engine: {_options(design)}")


def _differences(design: RoutedDesign, model: Path) -> str:
    """Size by size, if the model's manifest tells them."""
    try:
        engine = asdict(EngineConfig()) | json.loads((model / MANIFEST).read_text())["engine"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    differing = [f"{name} {engine.get(name)} in place of {value}" for name, value in asdict(design.engine).items()
                 if engine.get(name) != value and name not in ("trace", "logic_lanes")]
    return f" ({', '.join(differing)})" if differing else ""


def _options(design: RoutedDesign) -> str:
    """Options of `firelane compile`: all sizes if the board is in a user's file, which may have changed."""
    usual = next((board.engine for board in all_boards() if board.name == design.board), None)
    sizes = [f"{size_option(name)} {getattr(design.engine, name)}" for name in SIZES
             if usual is None or getattr(design.engine, name) != getattr(usual, name)]
    return " ".join([*([] if usual is None else ["--board", design.board]), *sizes])
