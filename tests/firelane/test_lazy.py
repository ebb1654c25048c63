"""What is imported when: names are fetched when they are used, and their tables are what a type checker reads."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import firelane
from firelane import report
from firelane.cli.main import COMMANDS
from firelane.cli.support import work

LIGHT = {"click", "rich"}                           # that a command's `--help` may need, besides the standard library
LOADED = """
import contextlib, io, json, sys
before = set(sys.modules)
{statements}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HELP = """
from firelane.cli.main import main
with contextlib.redirect_stdout(io.StringIO()):
    for arguments in {arguments}:
        assert main(arguments) == 0
"""


def loaded_by(statements: str) -> set[str]:
    """Modules that a fresh interpreter imports for `statements`, besides those that it begins with."""
    done = subprocess.run([sys.executable, "-c", LOADED.format(statements=statements)], capture_output=True, text=True,
                          check=True)
    return set(json.loads(done.stdout))


def ours(modules: set[str]) -> set[str]:
    return {module for module in modules if module.split(".")[0] == "firelane"}


def rooms(modules: set[str]) -> set[str]:
    return {module.split(".")[1] for module in ours(modules) - {"firelane"}}


def foreign(modules: set[str]) -> set[str]:
    """Packages that are neither ours nor of the standard library."""
    return {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {"firelane"}


@pytest.mark.parametrize("module", [firelane, work, report])
def test_a_table_and_its_imports_for_type_checkers_are_the_same(module):
    [guarded] = [node for node in ast.parse(Path(module.__file__).read_text()).body if isinstance(node, ast.If)]
    assert ast.unparse(guarded.test) == "TYPE_CHECKING"
    imported = {alias.name: node.module for node in guarded.body for alias in node.names}
    assert sorted(imported) == sorted(module.__all__) == dir(module)
    for name, home in imported.items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name), name


def test_no_other_name():
    with pytest.raises(AttributeError, match="module 'firelane' has no attribute 'compiled'"):
        _ = firelane.compiled


def test_a_room_alone():
    assert ours(loaded_by("import firelane.hw.contract.config")) == {
        "firelane", "firelane.lazy", "firelane.hw", "firelane.hw.contract", "firelane.hw.contract.config"}


def test_help_imports_no_command():
    found = loaded_by(HELP.format(arguments=[["--help"], ["--version"]]))
    assert "firelane.cli.main" in found
    assert rooms(found) == {"cli", "compiler", "lazy"} and not any(".commands" in module for module in found)
    assert foreign(found) <= {"click"}


def test_help_of_a_command_imports_nothing_heavy():
    found = loaded_by(HELP.format(arguments=[[name, "--help"] for name in COMMANDS]))
    assert len([module for module in found if module.startswith("firelane.cli.commands.")]) == len(COMMANDS)
    assert foreign(found) <= LIGHT
    assert rooms(found) == {"cli", "compiler", "hw", "lazy"}


def test_every_command_imports_what_it_needs_at_the_top():
    """Function-local imports would be a second way to start quickly. `__main__` minds signals before it imports."""
    folder = Path(firelane.__file__).parent
    for path in sorted(set(folder.rglob("*.py")) - {folder / "__main__.py"}):
        tree = ast.parse(path.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        assert [inner.lineno for function in functions for inner in ast.walk(function)
                if isinstance(inner, ast.Import | ast.ImportFrom)] == [], path
