"""docs/benchmarks.md from the records that are there. The same records give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill

from firelane.compiler.support.errors import ConfigError
from firelane.sim.benchmark.builds import BuildRecord
from firelane.sim.benchmark.cases import ACCURACY, CASES, NAMES
from firelane.sim.benchmark.records import AccuracyRecord, FrameRecord
from firelane.sim.judge.layer_cycles import LayerCycles

CHECKOUT = Path(__file__).resolve().parents[2]      #: if it has a pyproject.toml: an installed package has none
NAME = "docs/benchmarks.md"
WIDTH = 100                     # columns of text
PREDICTION_BOUND = 0.005        # largest error of a layer's predicted cycles
HEAD = """# Benchmarks

Written by `make bench` from measurements that it made. `make bench ONLY=NAME` makes one of them
again, `make bench ONLY=none` only writes this file. Names:
{names}.
Raw results: `build/bench/*.json`; of boards, `build.json` and `made.json` in `build/bitstream/*`,
which `make bitstream` leaves there.
"""
FRAMES_NOTE = """
*Ideal* is the sum of non-zero taps x tiles: a cycle for each weight that is not zero and each tile
that must be computed, and nothing else; half a cycle with two taps, but for windows, whose taps go
one by one. "Convolutions" counts only those; "all layers" counts the places of pooling windows and
the operands of additions as taps as well. The frame has everything in
it: loading, pooling, starting and draining, the result. *Use* is dense multiply-accumulates per
multiplier and cycle.
"""
SPEEDS_NOTE = """
Seconds of CPU, one thread each; the build of a simulator, which uses all cores, in seconds of wall
clock. One simulator serves all networks on an engine of that size, and may be older than the rest.
Compiling is from the ONNX file to ROM images, with the search for a schedule and the choice of the
engine's memories. *Load* is how many other processes wanted to run when the measurement began: with
more of them than cores, everything is slower.
"""
ACCURACY_NOTE = """
{images} photographs, one of each tenth class of ImageNet. The ranges of the quantized network were
found on the same ones, so this flatters it; [compression.md](compression.md) has figures on
photographs that were held out. ONNX Runtime runs without its optimizations.
"""
BOARDS_NOTE = """
Placed, routed and simulated; not yet run on a physical board. Each line is a finished
`make bitstream BOARD=... MODEL=...`: what it uses of the device after place and route, the clock
that the PLL makes and what would be possible after routing, cycles of a frame as the compiler
predicts them (always those that Verilator shows, see above), and wall clock from the synthesis to
the packed bitstream on the machine below. *Load* as above: beside other work the same build takes
up to twice as long. *Model* is the ONNX file's name; c303 is the published v1.0 after
`firelane compress --budget 303KB --objective cycles`, 302 462 bytes; c304 likewise, by the
compressor of commit 17d02c3, 301 989 bytes. What place and route gives does not depend on the
model.
"""


def document_path() -> Path:
    """The document that is part of the checkout.

    Raises
    ------
    ConfigError
        If this is an installed package, which has no documents.
    """
    if not (CHECKOUT / "pyproject.toml").is_file():
        raise ConfigError("firelane bench", f"{NAME} is part of a checkout, and this is an installed package",
                          hint="name a file with -o")
    return CHECKOUT / NAME


def render(records: Mapping[str, FrameRecord | AccuracyRecord], builds: Sequence[BuildRecord] = ()) -> str:
    """The document; what was not measured is left out."""
    found = [(case, records.get(case.name)) for case in CASES]
    frames = {case: record for case, record in found if isinstance(record, FrameRecord)}
    accuracy = records.get(ACCURACY)
    parts = [HEAD.format(names=fill(", ".join(NAMES), WIDTH, break_on_hyphens=False))]
    if frames:
        parts += [_section("Whole frames, 224 x 224, through Verilator", _frame_rows(frames), FRAMES_NOTE),
                  _section("Best classes", _guess_rows(frames)),
                  _section("Predicted and measured cycles", _prediction_rows(frames)),
                  _section("Speed of the tools", _speed_rows(frames), SPEEDS_NOTE)]
    if isinstance(accuracy, AccuracyRecord):
        parts.append(_section("Accuracy", _accuracy_rows(accuracy), ACCURACY_NOTE.format(images=accuracy.images)))
    if builds:
        parts.append(_section("Boards", _board_rows(builds), BOARDS_NOTE))
    parts += [_section(f"Layers of {case.title}", _layer_rows(frame)) for case, frame in frames.items()]
    parts.append(_section("When and where", _provenance_rows(records, builds)))
    return "\n".join(parts)


def _section(title: str, rows: Iterable[Sequence[str]], note: str = "") -> str:
    return f"## {title}\n\n{table(rows)}{note}"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Markdown; the first row is the head, and columns from the second on are to the right.

    >>> print(table([("a", "b"), ("c", "1")]), end="")
    | a | b |
    |---|---:|
    | c | 1 |
    """
    head, *body = [list(row) for row in rows]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "".join("|".join(["", *(cell if line is lines[1] else f" {cell} " for cell in line), ""]) + "\n"
                   for line in lines)


def _frame_rows(frames: Mapping) -> Iterator[Sequence[str]]:
    yield ("network", "weights", "words x banks", "cycles", "/ ideal, convolutions", "/ ideal, all layers", "use",
           "results equal to the reference")
    for case, frame in frames.items():
        report = frame.report
        yield (case.title, frame.weights, f"{frame.activation_words} x {frame.banks}", _number(report.frame_cycles),
               f"{report.frame_cycles / report.ideal:.4f} of {_number(report.ideal)}",
               f"{report.frame_cycles / report.ideal_with_windows:.4f} of {_number(report.ideal_with_windows)}",
               f"{report.macs_per_multiplier_and_cycle:.3f}", f"{_number(report.values)} of {_number(report.values)}")


def _guess_rows(frames: Mapping) -> Iterator[Sequence[str]]:
    yield "network and image", *map(str, range(1, 6))
    for case, frame in frames.items():
        guesses = [f"{guess.index} {guess.name}".rstrip() + f", {guess.share:.3f}" for guess in frame.report.guesses]
        yield f"{case.title}, {frame.image}", *guesses


def _prediction_rows(frames: Mapping) -> Iterator[Sequence[str]]:
    yield "network", "predicted frame", "measured", "worst layer", "its error", "bound"
    for case, frame in frames.items():
        report, worst = frame.report, frame.report.worst_prediction
        yield (case.title, _number(report.predicted_frame_cycles), _number(report.frame_cycles),
               worst.name if worst.error else "all equal", f"{abs(worst.error):.3%}",
               f"{PREDICTION_BOUND:.1%}" + ("" if abs(worst.error) <= PREDICTION_BOUND else " EXCEEDED"))


def _speed_rows(frames: Mapping) -> Iterator[Sequence[str]]:
    yield ("network", "compile", "weights in ROM, KB", "reference, a frame", "emulator, a frame", "simulator, build",
           "simulation, a frame", "cycles/s", "load")
    for case, frame in frames.items():
        report = frame.report
        yield (case.title, f"{frame.compile_seconds:.1f}", f"{frame.rom_bytes / 1000:.1f}",
               f"{frame.reference_seconds:.2f}", f"{frame.emulator_seconds:.1f}", f"{report.build_seconds:.0f}",
               f"{report.frame_cycles / frame.cycles_per_second:.1f}",
               _number(round(frame.cycles_per_second, -3)), f"{frame.made.load:.1f}")


def _accuracy_rows(record: AccuracyRecord) -> Iterator[Sequence[str]]:
    yield "SqueezeNet v1.0, published weights", "top-1", "top-5"
    for name, score in record.scores.items():
        yield name, f"{score.top1 / record.images:.1%}", f"{score.top5 / record.images:.1%}"


def _layer_rows(frame: FrameRecord) -> Iterator[Sequence[str]]:
    yield "layer", "runs as", "taps", "tiles", "ideal", "predicted", "measured", "of the frame", "use"
    report = frame.report
    for layer in report.layers:
        use = layer.macs / (report.lanes * layer.measured) if layer.macs else 0
        yield (layer.name, f"{layer.instructions} {layer.kind}", _number(layer.taps), str(_tiles(layer) or ""),
               _number(layer.ideal), _number(layer.predicted), _number(layer.measured),
               f"{layer.measured / report.frame_cycles:.1%}", f"{use:.2f}" if use else "")
    yield ("whole frame", str(sum(layer.instructions for layer in report.layers)), "", "",
           _number(report.ideal_with_windows), _number(report.predicted_frame_cycles), _number(report.frame_cycles),
           "", f"{report.macs_per_multiplier_and_cycle:.2f}")


def _tiles(layer: LayerCycles) -> int:
    return layer.tiles if layer.kind == "TILE" else 0


def _board_rows(builds: Sequence[BuildRecord]) -> Iterator[Sequence[str]]:
    yield ("board", "model", "banks", "weight words", "LUT", "FF", "EBR", "DSP", "Fmax, MHz", "clock, MHz", "cycles",
           "frames/s", "seed", "build, s", "load")
    for build in builds:
        resources = [f"{_number(used)} of {_number(available)}" for used, available in
                     (build.resources[name] for name in ("LUT", "FF", "EBR", "DSP"))]
        yield (build.board, build.model, str(build.banks), _number(build.weight_words), *resources,
               f"{build.fmax_mhz:.1f}", f"{build.clock_mhz:g}", _number(build.frame_cycles),
               f"{build.frames_per_second:.1f}", str(build.seed), _number(build.seconds), f"{build.made.load:.1f}")


def _provenance_rows(records: Mapping, builds: Sequence[BuildRecord]) -> Iterator[Sequence[str]]:
    yield "measurement", "commit", "day", "machine"
    named = [*records.items(), *((f"{build.board}, {build.model}", build) for build in builds)]
    for name, record in named:
        yield name, record.made.commit, record.made.day, record.made.machine


def _number(value: float) -> str:
    """A number in groups of three digits; empty for 0.

    >>> _number(1234567)
    '1 234 567'
    """
    return f"{value:,.0f}".replace(",", " ") if value else ""
