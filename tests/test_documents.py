"""The documents name what is there (files, modules, commands, targets of make, headings), and their lines fit."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import pytest

from firelane.cli.main import firelane
from tests.test_architecture import MODULES, ORDER, folder_of

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "models/README.md")
WIDTH = 100
FOLDERS = (*ORDER, "docs", "tests")
SOURCES = (".py", ".md", ".v", ".vlt", ".cpp", ".onnx", ".toml", ".svg", ".png")
USERS = ("net.onnx", "other.onnx", "v1.0.onnx", "Q.onnx", "C.onnx", "OUT.onnx", "a.png",       #: a user's own files
         "my_board.toml", "boards/ecp5_evn.py")                  #: what docs/adding_a_board.md adds
MADE = ("die.png", "top.v", "__init__.py")      #: names of files that a command makes, or that are in many folders
MADE_IN = ("build/", "DIR/", "FOLDER/", "/")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^ *```")
_PATH = re.compile(r"[\w.-]+(?:/[\w.*-]+)*/?")
_MODULE = re.compile(rf"(?:firelane\.)?(?:{'|'.join(ORDER[:-1])})(?:\.\w+)+")
_COMMAND = re.compile(r"^(?:\$ )?(?:\S*/)?firelane ([a-z][a-z-]*)")
_TARGET = re.compile(r"^(?:\$ )?make ([a-z]+)(?= |$)")


@dataclass(frozen=True)
class Document:
    """A document in three views: its text without code blocks, what stands in backticks there, and code blocks."""

    path: Path
    prose: tuple[str, ...]
    blocks: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def code(self) -> list[str]:
        return [found for line in self.prose for found in _CODE.findall(line)]


@cache
def read(path: Path) -> Document:
    prose, blocks, inside = [], [], False
    for line in path.read_text().splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif inside or (line.startswith("    ") and not line.lstrip().startswith(("-", "|", "*"))):
            blocks.append(line)
        else:
            prose.append(line)
    assert not inside, f"{path}: a code block does not end"
    return Document(path, tuple(prose), tuple(blocks))


def anchors(path: Path) -> set[str]:
    """The names that headings have as targets of links."""
    heads = [line.lstrip("#").strip().lower() for line in read(path).prose if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", head).replace(" ", "-") for head in heads}


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=named)


@every_document
def test_links(path: Path):
    document = read(path)
    for line in document.prose:
        for target in _LINK.findall(line):
            file, _, heading = target.partition("#")
            if "://" in target:
                continue
            there = (document.folder / file).resolve() if file else path
            assert there.exists(), f"{path.name}: {target} does not exist"
            assert not heading or heading in anchors(there), f"{path.name}: {target}: no such heading"


@every_document
def test_files_and_folders(path: Path):
    for code in read(path).code:
        for word in code.split():
            if not _PATH.fullmatch(word) or word in USERS + MADE or word.startswith(MADE_IN):
                continue
            if word.endswith(SOURCES) or ("/" in word and word.partition("/")[0] in FOLDERS):
                assert any(sorted(start.glob(word.rstrip("/"))) for start in (ROOT, path.parent)), f"no file {word}"


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=named)
def test_modules(path: Path):
    """The change log names what has gone, too."""
    for code in read(path).code:
        if _MODULE.fullmatch(code):
            assert is_there(code if code.startswith("firelane.") else f"firelane.{code}"), f"no module {code}"


def is_there(name: str) -> bool:
    """A module, or a name in one."""
    module, names = name, []
    while module not in MODULES:
        module, _, last = module.rpartition(".")
        names.insert(0, last)
        if not module:
            return False
    found = importlib.import_module(module)
    for part in names:
        if not hasattr(found, part) and part not in getattr(found, "__dataclass_fields__", ()):
            return False
        found = getattr(found, part, None)
    return True


@every_document
def test_commands(path: Path):
    document = read(path)
    known = firelane.list_commands(click.Context(firelane))
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for text in (*document.code, *document.blocks):
        assert set(_COMMAND.findall(text.strip())) <= set(known), text
        assert set(_TARGET.findall(text.strip())) <= set(targets), text


@every_document
def test_lines_fit(path: Path):
    """All but tables, links and what a tool prints."""
    long = [line for line in read(path).prose
            if len(line) > WIDTH and not line.lstrip().startswith("|") and " " in line[:WIDTH].strip()]
    assert long == []


def test_the_layout_names_every_folder():
    text = (ROOT / "docs/layout.md").read_text()
    folders = {folder_of(module) for module in MODULES} - {"firelane", "firelane.__main__"}
    paths = {folder.replace(".", "/").removeprefix("firelane/") + "/" for folder in folders}
    assert sorted(path for path in paths if f"`{path}`" not in text and f"`firelane/{path}`" not in text) == []


def test_pictures_are_small():
    """A clone should not be slow for them."""
    pictures = sorted((ROOT / "docs/images").iterdir())
    assert pictures and [path.name for path in pictures if path.stat().st_size > 200_000] == []
    text = "".join(path.read_text() for path in DOCUMENTS)
    assert [path.name for path in pictures if path.name not in text] == []
