"""What `firelane bench` does: measurements one after the other, and the document of all that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from firelane.compiler.support.files import write_file
from firelane.compiler.support.json_document import json_document
from firelane.compiler.support.progress import Progress, silent
from firelane.sim.benchmark import accuracy, frame
from firelane.sim.benchmark.builds import load_builds
from firelane.sim.benchmark.cases import ACCURACY, CASES, chosen
from firelane.sim.benchmark.document import document_path, render
from firelane.sim.benchmark.records import AccuracyRecord, FrameRecord, load_all, store

NOTHING = "none"


@dataclass(frozen=True)
class Benchmark:
    """The document that was written, and the results in it by the name of the measurement."""

    path: Path
    results: Mapping[str, FrameRecord | AccuracyRecord]

    @property
    def measurements(self) -> tuple[str, ...]:
        """Names of what has been measured."""
        return tuple(self.results)

    def to_json(self) -> str:
        """What `firelane bench --json` prints: the records of build/bench."""
        return json_document("bench", {"written": self.path, "results": {
            name: asdict(record) for name, record in self.results.items()}})


def run_benchmark(only: Sequence[str] = (), output: Path | None = None, *,
                  notify: Callable[[str], None] = lambda text: None, progress: Progress = silent) -> Benchmark:
    """Measure, keep the results in build/bench, and write the document.

    Parameters
    ----------
    only : sequence of str
        What is measured; all if empty, nothing if `NOTHING`.
    output : Path, optional
        The document; that of the checkout if not given.
    notify : callable
        Told in words what is measured.

    Raises
    ------
    ConfigError
        If there is no such measurement, or no document to write.
    MismatchError
        If a level of truth disagrees.
    """
    names = () if tuple(only) == (NOTHING,) else chosen(only)
    path = output or document_path()
    for name in names:
        _measure(name, notify, progress)
    known = load_all()
    write_file(path, render(known, load_builds()).encode(), "-o")
    return Benchmark(path, known)


def _measure(name: str, notify: Callable[[str], None], progress: Progress) -> None:
    notify(f"measuring {name}")
    if name != ACCURACY:
        case = next(case for case in CASES if case.name == name)
        store(name, frame.measure_frame(case, notify=notify, progress=progress))
        return
    record = accuracy.measure_accuracy(progress=progress)
    if record is None:
        notify("no accuracy: there are no published weights and photographs (FIRELANE_DATA)")
    else:
        store(name, record)
