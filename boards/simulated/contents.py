"""What a board's memories hold when it starts, out of its Verilog: one build of the simulator does for all models.

A bitstream carries program, weights and tables in its block RAMs. The Verilog of the same top level has them in
`initial` blocks, and which word stands in which memory is the hardware's affair. So the top level is elaborated once
with memories full of *marks*, words from a random generator; each memory that holds a piece of them is found again, and
its block becomes a `$readmemh` of a file that is written for the model at hand.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import MemoryContents, memory_shapes

MARK_SEED = 1
LEAST_PIECE = 8             #: words of a memory that are enough to know it by
_WORD = re.compile(r"(?P<memory>\\?\S+)\s*\[(?P<place>\d+)\] = (?P<bits>\d+)'h(?P<value>[0-9a-f]+);")
_READ = """initial begin : contents_{number}
    string folder;
    if ($value$plusargs("contents=%s", folder)) $readmemh({{folder, "/{number}.hex"}}, {memory});
  end
"""


@dataclass(frozen=True)
class Piece:
    """A memory of the Verilog holds the words `first` to `first + count - 1` of one of the engine's memories."""

    source: str
    first: int
    count: int


def marked_contents(cfg: EngineConfig) -> MemoryContents:
    """Full memories of words by which any piece of them is found again."""
    rng = random.Random(MARK_SEED)
    return MemoryContents(**{name: tuple(rng.randrange(1, 1 << shape.bits) for _ in range(shape.words))
                             for name, shape in memory_shapes(cfg).items()})


def take_out(text: str, marks: MemoryContents) -> tuple[str, list[Piece]]:
    """Verilog that reads its marked memories from files `0.hex`, `1.hex`, ..., and what these hold.

    Other memories keep what they hold.
    """
    kept: list[str] = []
    block: list[str] | None = None
    pieces: list[Piece] = []
    for line in text.splitlines(keepends=True):
        if line.strip() == "initial begin":
            block = []
        if block is None:
            kept.append(line)
            continue
        block.append(line)
        if line.strip() == "end":
            memory, words = _memory_words(block[1:-1])
            piece = _find(words, marks)
            if piece is None:
                kept += block
            else:
                kept.append("  " + _READ.format(number=len(pieces), memory=memory))
                pieces.append(piece)
            block = None
    for name, marked in marks.by_name.items():
        held = {n for piece in pieces if piece.source == name for n in range(piece.first, piece.first + piece.count)}
        assert len(held) == len(marked), f"not all of {name} was found in the Verilog's memories"
    return "".join(kept), pieces


def write_contents(pieces: Iterable[Piece], contents: MemoryContents, folder: Path) -> None:
    """Write the files for a model; none of its `contents` is longer than its memory."""
    for number, piece in enumerate(pieces):
        words = contents.by_name[piece.source][piece.first:piece.first + piece.count]
        padded = [*words, *[0] * (piece.count - len(words))]
        (folder / f"{number}.hex").write_text("".join(f"{word:x}\n" for word in padded))


def pieces_to_json(pieces: Iterable[Piece]) -> str:
    return json.dumps([asdict(piece) for piece in pieces])


def pieces_from_json(text: str) -> list[Piece]:
    return [Piece(**record) for record in json.loads(text)]


def _memory_words(lines: list[str]) -> tuple[str, list[tuple[int, int]]]:
    """The memory that an `initial` block fills, and its (bits, word)s in order; none if it does something else."""
    found = [match for line in lines if (match := _WORD.fullmatch(line.strip()))]
    if len(found) < len(lines) or [int(match["place"]) for match in found] != list(range(len(found))):
        return "", []
    memory = found[0]["memory"] if found else ""
    return f"{memory} " if memory.startswith("\\") else memory, [(int(m["bits"]), int(m["value"], 16)) for m in found]


def _find(words: list[tuple[int, int]], marks: MemoryContents) -> Piece | None:
    """Where in the marks these words stand; of a mark counts what has room in the memory."""
    values = [value for _, value in words]
    while values and values[-1] == 0:       # behind the end of the contents: no mark is 0
        values.pop()
    if len(values) < LEAST_PIECE:
        return None
    for name, marked in marks.by_name.items():
        kept = [mark & ((1 << words[0][0]) - 1) for mark in marked]
        for first in range(len(kept) - len(values) + 1):
            if kept[first] == values[0] and kept[first:first + len(values)] == values:
                return Piece(name, first, len(values))
    return None
