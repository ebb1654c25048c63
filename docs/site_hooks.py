"""What the site needs beside `docs/`: documents that stand elsewhere in the tree, and links that lead out of it.

MkDocs calls these functions by their names, see `mkdocs.yml`.
"""

from __future__ import annotations

import ast
import re
import tempfile
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md",
             "models/README.md": "embedded_models.md"}
ROOMS = ("hw", "compiler", "models", "sim", "boards")
COMMANDS = "commands.md"
_LINK = re.compile(r"\[([^\]\[]*)\]\(([^)\s]+)\)")


_sources = tempfile.TemporaryDirectory(prefix="firelane-site-")


@event_priority(100)                # before mkdocstrings reads its options
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Show mkdocstrings the tree as it is imported: the folders side by side are one package, see `setup.py`."""
    package = Path(_sources.name, "firelane")
    if not package.exists():
        package.mkdir()
        for entry in (ROOT / "firelane").iterdir():
            (package / entry.name).symlink_to(entry)
        for room in ROOMS:
            (package / room).symlink_to(ROOT / room)
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [_sources.name]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the documents that are not in `docs/`."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links that work in the site: to documents by their names here, to files of the tree as text."""
    if page.file.src_uri == COMMANDS:
        markdown = markdown.replace("] [", "] \\[")          # click's two brackets behind an option are no reference
    for place, names in api_names().items():
        markdown = markdown.replace(f"<!-- {place} -->", "\n".join(f"::: {name}" for name in names))
    source = next((path for path, name in ELSEWHERE.items() if name == page.file.src_uri), f"docs/{page.file.src_uri}")
    return _LINK.sub(lambda link: _link(link[1], link[2], source, page.file.src_uri), markdown)


def api_names() -> dict[str, list[str]]:
    """Functions and classes of `import firelane`, by the full names of what they are, in the order of the package."""
    tree = ast.parse((ROOT / "firelane/__init__.py").read_text())
    found = [f"{node.module}.{alias.name}" for node in ast.walk(tree)
             if isinstance(node, ast.ImportFrom) and node.module not in ("typing", "firelane.lazy")
             for alias in node.names]
    classes = [name for name in found if name.rpartition(".")[2][0].isupper()]
    return {"functions": [name for name in found if name not in classes], "classes": classes}


def _link(text: str, target: str, source: str, page: str) -> str:
    path, mark, heading = target.partition("#")
    if "://" in target or not path:
        return f"[{text}]({target})"
    wanted = normpath(str(PurePosixPath(source).parent / path))
    there = ELSEWHERE.get(wanted) or (wanted.removeprefix("docs/") if wanted.startswith("docs/") else None)
    if there is None:
        return "[the first page](index.md)" if wanted == "README.md" else text
    return f"[{text}]({relpath(there, str(PurePosixPath(page).parent))}{mark}{heading})"
