"""Runs the tools, judges what they made, and keeps the results: a file of JSON for each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.compiler.onnx_import.standard import opset_of
from firelane.compiler.support.files import build_root
from tests.exporters.environment import PROJECT, ROOT, InstallationError, python_of
from tests.exporters.judge import RIGHT, TRACEBACK, WRONG, judge
from tests.exporters.recipe import NO_EXPORT, REFUSED, Announced, Tool, saved

TOOLS = {"pytorch": "exporters", "torchvision": "exporters", "tensorflow": "exporters-tensorflow",
         "onnxruntime": PROJECT, "brevitas": "exporters", "torch_quantization": "exporters",
         "neural_compressor": "exporters-intel"}         #: files `from_*.py`, and the extra of each
QUANTIZERS = frozenset({"QuantizeLinear", "DequantizeLinear"})


@dataclass(frozen=True)
class Row:
    """A graph and what came of it; `operators` of the file as the tool wrote it."""

    variant: str
    expect: str
    outcome: str
    said: str
    opset: int = 0
    operators: str = ""

    @property
    def alarming(self) -> bool:
        """Whether it is wrong, a traceback, or refused although it is expected to be right."""
        return self.outcome in (WRONG, TRACEBACK) or (self.expect == RIGHT and self.outcome in (REFUSED, NO_EXPORT))


@dataclass(frozen=True)
class Table:
    """All rows of one tool; without any if it could not be run, and then `error` says why."""

    name: str
    version: str
    rows: tuple[Row, ...] = ()
    error: str = ""


def measure(tool: str, notify: Callable[[str], None]) -> Table:
    """Make the graphs of a tool and judge each; tells of each row as soon as it is known."""
    folder = build_root() / "exporters" / "graphs" / tool
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    notify(f"{tool}: the environment")
    try:
        python = python_of(TOOLS[tool])
    except InstallationError as error:
        return Table(tool, "", error=f"cannot be installed: {error}")
    lines = _lines(python, tool, folder)
    first = next(lines, None)
    if first is None:
        return Table(tool, "", error=f"cannot be run: {_last_line(folder / 'log.txt')}")
    about, rows = Tool(**json.loads(first)), []
    for line in lines:
        rows.append(_row(Announced(**json.loads(line))))
        notify(f"{tool} {len(rows)} of {about.count}: {rows[-1].variant}: {rows[-1].outcome}, {rows[-1].said}")
    if len(rows) < about.count:
        error = f"it ended after {len(rows)} of {about.count} graphs: {_last_line(folder / 'log.txt')}"
        return Table(about.name, about.version, tuple(rows), error)
    return Table(about.name, about.version, tuple(rows))


def _lines(python: Path, tool: str, folder: Path) -> Iterator[str]:
    """What a file of graphs says on standard output; what its tool prints is in `log.txt`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen([str(python), "-m", f"tests.exporters.from_{tool}", str(folder)], cwd=ROOT,
                                   env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None, "it is a pipe"
        yield from process.stdout
        process.wait()


def _last_line(path: Path) -> str:
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"


def _row(made: Announced) -> Row:
    if made.error:
        return Row(made.variant, made.expect, NO_EXPORT, made.error)
    graph = saved(Path(made.folder))
    verdict = judge(graph, Path(made.folder, "model.onnx"), complete=made.complete)
    kinds = Counter(node.op_type for node in graph.model.graph.node)
    return Row(made.variant, made.expect, verdict.outcome, verdict.said, opset_of(graph.model),
               ", ".join(sorted(kinds)))


def kept(tool: str) -> Path:
    """The file of a tool's results."""
    return build_root() / "exporters" / "results" / f"{tool}.json"


def keep(tool: str, table: Table) -> None:
    """Write a tool's results."""
    kept(tool).parent.mkdir(parents=True, exist_ok=True)
    kept(tool).write_text(json.dumps(asdict(table), indent=1) + "\n")


def known() -> list[Table]:
    """The results of all tools that were measured, in the order of `TOOLS`."""
    found = []
    for tool in TOOLS:
        if kept(tool).exists():
            record = json.loads(kept(tool).read_text())
            found.append(Table(**{**record, "rows": tuple(Row(**row) for row in record["rows"])}))
    return found
