"""The first lines of docstrings make sense alone: none begins with a word that needs the name before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("hw", "compiler", "models", "sim", "boards", "firelane")
NEEDS_A_NAME = frozenset({"of", "by", "with", "that", "in", "for"})
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each docstring; a string behind a constant or a member counts as one."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and node.body and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def first_word(text: str) -> str:
    return text.split(maxsplit=1)[0].rstrip(",.:;").lower() if text.split() else ""


def unclear(path: Path) -> list[str]:
    """The docstrings of a file that do not make sense alone."""
    return [f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
            for line, text in docstrings(ast.parse(path.read_text())) if first_word(text) in NEEDS_A_NAME]


def test_the_rule_finds_what_breaks_it():
    tree = ast.parse('"""Clear."""\ndef size():\n    """Of the whole."""\nclass Box:\n    """A box; by hand."""\n')
    assert [first_word(text) for _, text in docstrings(tree)] == ["clear", "of", "a"]
    assert first_word("In place.") in NEEDS_A_NAME and first_word("Inputs of a layer.") not in NEEDS_A_NAME


@pytest.mark.parametrize("room", ROOMS)
def test_first_lines_make_sense_alone(room):
    assert [found for path in sorted((ROOT / room).rglob("*.py")) for found in unclear(path)] == []
