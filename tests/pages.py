"""The commands of the documentation, run as they stand there: all by `make pages`, the quick ones by the test suite.

A page is run from top to bottom in one empty folder. What a block is, its fence says:

- ```` ```sh ```` and ```` ```python ````: run; must end with exit code 0.
- ```` ```{ .sh .fails } ````: run; may end with exit code 2, as an error of the user does.
- ```` ```{ .sh .long title="..." } ````: takes PyTorch, a board, or minutes; the title says to readers who runs it.
- ```` ```text ```` and no word at all: nothing to run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firelane.compiler.support.files import build_root

ROOT = Path(__file__).resolve().parent.parent
PAGES = tuple(f"docs/{name}.md" for name in ("installation", "ten_minutes", "pytorch", "which_board", "faq",
                                              "troubleshooting", "api", "python", "demo"))
LANGUAGES = ("sh", "python")
FAILS, LONG = "fails", "long"
NEVER = "run by nobody but you"             #: in the title of what not even `make pages` runs
FENCE = re.compile(r"^```(?P<words>.*)$")
USER_ERROR = 2


@dataclass(frozen=True)
class Block:
    """A block of code.

    Parameters
    ----------
    page : str
    line : int
        Of its fence, from 1.
    words : tuple of str
        Language and classes, as "sh", "long".
    title : str
    text : str
    """

    page: str
    line: int
    words: tuple[str, ...]
    title: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether it is to be run, by anybody."""
        return bool(self.words) and self.words[0] in LANGUAGES

    @property
    def is_long(self) -> bool:
        return LONG in self.words

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    """All blocks of a page."""
    found: list[Block] = []
    opened: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        match = FENCE.match(line)
        if match and opened is None:
            opened, lines = (number, match["words"]), []
        elif match and opened is not None:
            found.append(_block(page, *opened, "\n".join(lines)))
            opened = None
        else:
            lines.append(line)
    assert opened is None, f"{page}: a code block does not end"
    return found


def _block(page: str, line: int, fence: str, text: str) -> Block:
    title = re.search(r'title="([^"]*)"', fence)
    words = re.sub(r'title="[^"]*"|[{}]', " ", fence).split()
    return Block(page, line, tuple(word.lstrip(".") for word in words), title[1] if title else "", text)


def run(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block in a folder, with `firelane` and `python` of this environment."""
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100",
                   "FIRELANE_BUILD": str(build_root().resolve())}
    command = [sys.executable, "-c", block.text] if block.words[0] == "python" else [
        "bash", "-euo", "pipefail", "-c", block.text]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def went_well(block: Block, code: int) -> bool:
    return code == 0 or (FAILS in block.words and code == USER_ERROR)


def _main(pages: Iterable[str]) -> int:
    """Run pages; 1 if a block failed."""
    failed = 0
    for page in pages:
        with tempfile.TemporaryDirectory() as folder:
            for block in filter(lambda block: block.is_run and NEVER not in block.title, blocks(page)):
                print(f"{block}: {block.text.splitlines()[0]}", flush=True)
                done = run(block, Path(folder))
                if not went_well(block, done.returncode):
                    print(f"{done.stdout}{done.stderr}{block}: exit code {done.returncode}", flush=True)
                    failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:] or PAGES))
