"""Who imports whom in the project, read from the text of the modules.

Imports in functions count as well, and so do modules that are named to be imported later, by `firelane.lazy`, by
`from_extra` and in the table of commands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "firelane"
COMMANDS = "firelane.cli.commands"              #: where the modules in the table of commands are
ORDER = ("hw", "compiler", "models", "sim", "boards", PACKAGE)      #: top-level folders, an import never goes up


def modules() -> dict[str, Path]:
    """Import name of each module, and its file."""
    found = {}
    for room in ORDER:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts if room == PACKAGE else (PACKAGE, *parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def folder_of(module: str) -> str:
    """The package that a module is a file of; a package is its own, and so is a `__main__`, which nobody imports."""
    return module if MODULES[module].name in ("__init__.py", "__main__.py") else module.rpartition(".")[0]


@cache
def imports(module: str, lazily: bool = True) -> tuple[str, ...]:
    """All modules of the project that a module imports, wherever in its text, at once and `lazily`.

    What only a type checker imports is imported later, if at all.
    """
    found: list[str] = []
    for node in statements(module, for_types=lazily):
        match node:
            case ast.Import():
                found += [alias.name for alias in node.names if alias.name in MODULES]
            case ast.ImportFrom(module=str(source)):
                assert node.level == 0, f"{module}: relative imports hide where they go"
                inner = [f"{source}.{alias.name}" for alias in node.names]
                found += [name if name in MODULES else source for name in inner if source in MODULES]
            case ast.Call(func=ast.Name(id="lazy_names" | "from_extra")) if lazily:
                found += [text for text in _texts(node) if text in MODULES and text != module]
            case ast.Assign(targets=[ast.Name(id="COMMANDS")]) if lazily:
                found += [f"{COMMANDS}.{text}" for text in _texts(node) if f"{COMMANDS}.{text}" in MODULES]
    return tuple(found)


def statements(module: str, *, for_types: bool) -> Iterator[ast.AST]:
    """All nodes of a module's text, with or without those that only a type checker reads."""
    waiting: list[ast.AST] = [ast.parse(MODULES[module].read_text())]
    while waiting:
        node = waiting.pop(0)
        yield node
        if for_types or not (isinstance(node, ast.If) and isinstance(node.test, ast.Name)
                             and node.test.id == "TYPE_CHECKING"):
            waiting += ast.iter_child_nodes(node)


def _texts(node: ast.AST) -> list[str]:
    return [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]


def closure(*modules: str, lazily: bool = True, above: bool = False) -> set[str]:
    """These modules, what they import, what that imports, and so on.

    A package above counts if something is imported from its `__init__.py`, not because a module in it is imported,
    unless `above` says so, as it is when the program runs.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += imports(module, lazily)
            if above and "." in module:
                waiting.append(module.rpartition(".")[0])
    return found
