"""What `firelane watch` does: the answers of a board with a camera, as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from firelane.boards.host.camera_lines import CameraLine, LineSplitter
from firelane.boards.host.port import Port, SerialPort
from firelane.compiler.artefact.reader import HostModel, models_with, read_model
from firelane.compiler.frame_io.classes import class_names
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.json_document import json_document

RATE_SECONDS = 2.0          #: of answers, over which frames are counted
SILENCE_SECONDS = 5.0       #: a board says something every second


@dataclass(frozen=True)
class SeenClass:
    """A class that a board found: its stored value, and the network's own value and the name where they are known."""

    number: int
    name: str
    stored: int
    value: float | None

    def __str__(self) -> str:
        return f"{self.name or self.number} {self.stored if self.value is None else f'{self.value:.2f}'}"


@dataclass(frozen=True)
class Sight:
    """A line of a board, made readable; `rate`: answers a second, None until two have come."""

    line: CameraLine
    classes: tuple[SeenClass, ...]
    rate: float | None

    @property
    def latency_ms(self) -> float | None:
        return None if self.line.latency is None else 1000 * self.line.latency / self.line.clock_hz

    @property
    def engine_ms(self) -> float | None:
        """What the engine took, rows that it waited for included."""
        return None if self.line.cycles is None else 1000 * self.line.cycles / self.line.clock_hz

    def __str__(self) -> str:
        line = self.line
        counted = f"dropped {line.dropped}, skipped {line.skipped}" + (f", errors {line.errors}" if line.errors else "")
        if not self.classes:
            return f"no picture; {line.frames} answers so far, {counted}"
        rate = f"{self.rate:.1f} frames/s, " if self.rate is not None else ""
        return f"{line.frames}: {', '.join(map(str, self.classes))} | {rate}{self.latency_ms:.2f} ms, {counted}"

    def to_json(self) -> str:
        """What `firelane watch --json` prints for it: one line."""
        line = self.line
        return json_document("watch", {
            "program_digest": f"{line.digest:08x}", "clock_hz": line.clock_hz, "frame": line.frames,
            "dropped": line.dropped, "skipped": line.skipped, "errors": line.errors,
            "engine_cycles": line.cycles, "latency_ms": self.latency_ms, "frames_per_second": self.rate,
            "classes": [{"class": seen.number, "name": seen.name, "stored": seen.stored, "value": seen.value}
                        for seen in self.classes]}, indent=None)


class _Names:
    """Names and values of classes, of the model whose digest a line names."""

    def __init__(self, folder: Path | None, labels: Path | None):
        self._given = read_model(folder) if folder else None
        self._labels_file = labels
        self._known: dict[int, tuple[HostModel | None, tuple[str, ...]]] = {}

    def of(self, line: CameraLine) -> tuple[SeenClass, ...]:
        if line.digest not in self._known:
            self._known[line.digest] = self._look_up(line)
        model, labels = self._known[line.digest]
        tensor = model.graph.tensors[model.graph.output] if model else None
        return tuple(SeenClass(number, labels[number] if number < len(labels) else "", stored,
                               (stored - tensor.zero_point) * tensor.scale if tensor else None)
                     for number, stored in line.best)

    def _look_up(self, line: CameraLine) -> tuple[HostModel | None, tuple[str, ...]]:
        model = self._given or next(iter(models_with(line.digest)), None)
        if model and line.digest and model.digest != line.digest:
            raise FirelaneError(str(model.folder), f"is not the model in the board (digest {model.digest:08x}, there "
                                                   f"{line.digest:08x})",
                                hint="leave --compiled out, or give the right one")
        if model is not None:
            return model, class_names(self._labels_file, model.graph.metadata, model.classes)
        if self._labels_file is not None:
            raise ConfigError("--labels", f"nothing here was compiled to the board's program, digest "
                                          f"{line.digest:08x}",
                              hint="give the folder of `firelane compile` with --compiled")
        return None, ()


def sights(port: Port, names: _Names, note: Callable[[str], None]) -> Iterator[Sight]:
    """Lines of the board for ever; `note` is told when it falls silent, or bytes are none of its lines."""
    splitter, times = LineSplitter(), deque[float]()
    heard, told = port.clock(), False
    while True:
        lines, damaged = splitter.feed(port.read()), splitter.damaged
        now = port.clock()
        if lines:
            heard, told = now, False
        elif now - heard > SILENCE_SECONDS and not told:
            told = True
            note(f"{port.name}: no line of a board with a camera for {SILENCE_SECONDS:g} s"
                 + (f" ({damaged} damaged or of something else)" if damaged else "")
                 + "; is it the right port, and a bitstream made with --camera?")
        for line in lines:
            if line.best:
                times.append(now)
            while times and now - times[0] > RATE_SECONDS:
                times.popleft()
            rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else None
            yield Sight(line, names.of(line), rate)


def watch(port_name: str, baud: int, *, folder: Path | None, labels: Path | None, count: int | None,
          show: Callable[[Sight], None], note: Callable[[str], None]) -> None:
    """Show what a board sees, until `count` answers have come; None: until the port is gone, or Ctrl-C.

    Raises
    ------
    FirelaneError
        If there is no such port, or what was given does not belong to the model in the board.
    """
    names = _Names(folder, labels)
    port = SerialPort(port_name, baud)
    answers = 0
    try:
        for sight in sights(port, names, note):
            show(sight)
            answers += bool(sight.classes)
            if answers == count:
                return
    finally:
        port.close()
