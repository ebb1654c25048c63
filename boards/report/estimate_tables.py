"""What `firelane estimate` prints: the answer, then the boards, what would help, and the layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from firelane.boards.report.board_estimate import LARGEST_NAME, NO_BOARD, NODES, BoardEstimate, Shortage
from firelane.boards.report.end_to_end import frames_in_words, limits_in_words
from firelane.boards.report.lacking import SHORT_NAMES
from firelane.compiler.fit.energy import FrameEnergy
from firelane.compiler.fit.report import MEMORIES, Report, Usage, layer_table
from firelane.compiler.onnx_import.in_pytorch import change
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.fitted_table import Column, FittedTable
from firelane.compiler.support.indented import Indented
from firelane.compiler.support.shell_line import ShellLine
from firelane.hw.contract.config import MEMORY_BITS

BOUNDS = ("(<=, >=: at most, at least. There is no schedule: counted is a cycle for each tap, in each pass of a "
          "layer's pixels over the multipliers.)")
WITHOUT = "Everything else would cost this, if there were an engine for it:"
RATES = ("(frames/s: end to end, from an image at the host to its result there, one after the other / of the engine "
         "alone.)")
MODELLED = "(Modelled, not measured: true to a factor of two either way, see docs/energy.md.)"
ALIKE = 1.1                 #: boards that lack so much more than the least are no worse

BOARD_COLUMNS = (           # what is dropped first has the largest number
    Column("board", names=True), Column("frames/s"), Column("verdict", text=True), Column("cycles", drop=1),
    Column("weights, bytes", drop=2), Column("activations", drop=3), Column("program", drop=4))

ENERGY_COLUMNS = (Column("", names=True), Column("mJ, low", drop=1), Column("mJ, middle"), Column("mJ, high", drop=2),
                  Column("share", drop=3))


def answer(boards: Sequence[BoardEstimate], problems: Sequence[FirelaneError]) -> str:
    """The answer, in one line."""
    if problems:
        return f"not as it is: {len(problems)} thing{'s' * (len(problems) > 1)} to change in the network"
    held = sorted((board for board in boards if board.fits), key=_slowness)
    if held:
        most = held[0]
        where = f"fits {most.board} at {_rates(most)}"
        return where + (f", and {len(held) - 1} more of {len(boards)} boards" if len(held) > 1 else "")
    real = [board for board in boards if board.board != LARGEST_NAME]
    near = nearest(real)
    short = f"{near.board}: {_lacking(near.shortages[0])}" if near else ""
    return f"does not fit {short}" if len(real) == 1 else f"no board holds it; nearest is {short}"


def _rates(board: BoardEstimate) -> str:
    """Frames a second end to end first: the board gives no more of them than arrive."""
    whole = board.end_to_end
    alone = f"{board.frames_per_second:,.1f}"
    return (f"{whole.frames_per_second:,.1f} frames/s end to end (limited by {whole.limit}; the engine alone: {alone})"
            if whole else f"{alone} frames/s of the engine alone")


def _slowness(board: BoardEstimate) -> float:
    return -(board.frames_per_second or 0)


def nearest(boards: Sequence[BoardEstimate]) -> BoardEstimate | None:
    """The fastest board that holds the network, or of those that lack least; None if there are no boards."""
    held = [board for board in boards if board.fits]
    least = min((board.lacking for board in boards), default=float("inf"))
    if held or least < float("inf"):
        return min(held or [board for board in boards if board.lacking <= ALIKE * least], key=_slowness)
    return min(boards, default=None, key=lambda board: (
        board.lower_bound, board.is_too_small, -board.estimate.engine.lanes, _slowness(board)))


def render(boards: Sequence[BoardEstimate], problems: Sequence[FirelaneError], facts: str) -> Group:
    """Everything, for the terminal."""
    parts: list[RenderableType] = [Indented(answer(boards, problems), 0, style="bold"), Indented(facts, 0)]
    if problems:
        parts += _problems(problems)
        if not boards:
            return Group(*parts)
        parts += ["", Indented(WITHOUT, 0)]
    parts += ["", _board_table(boards)]
    if bracketed := [board for board in boards if board.report and not board.fits]:
        compress = any(one.compressible for board in bracketed for one in board.shortages)
        parts.append(Indented(f"(In brackets: {_unless(bracketed)}."
                              f"{' What compress makes smaller is faster, too.' * compress})", 0))
    if any(board.end_to_end for board in boards):
        parts.append(Indented(RATES, 0))
        if limits := limits_in_words((board.board, board.end_to_end) for board in boards if board.frames_per_second):
            parts.append(Indented(limits, 0))
    parts += [Indented(line, 0) for line in cameras_in_words(boards)]
    if any(board.lower_bound for board in boards):
        parts.append(Indented(BOUNDS, 0))
    parts += _ways(boards)
    shown = nearest(boards)
    if shown and shown.report:
        parts += ["", _layer_table(shown, shown.report)]
        if shown.energy:
            parts += ["", _energy_table(shown, shown.energy), Indented(MODELLED, 0)]
    return Group(*parts)


def cameras_in_words(boards: Sequence[BoardEstimate]) -> Iterator[str]:
    """Pictures a second with a camera, and what limits them; why there are none; nothing if nobody asked for one."""
    found = [(board, board.camera) for board in boards if board.camera]
    if found:
        rates = (f"{rate.frames_per_second:.1f}" for _, rate in found)
        listed = (f"{board.board} {text if board.fits else f'({text})'}" for (board, _), text in zip(found, rates))
        yield (f"Pictures/s of the camera, each answered: {', '.join(listed)}. "
               f"{limits_in_words((board.board, rate) for board, rate in found)}")
    without: dict[str, list[str]] = {}
    for board in boards:
        if board.camera_problem:
            without.setdefault(board.camera_problem, []).append(board.board)
    yield from (f"No camera at {', '.join(names)}: {problem}." for problem, names in without.items())


def _unless(boards: Sequence[BoardEstimate]) -> str:
    """What would have to be otherwise for figures of boards that do not hold the network."""
    room = any(one.what not in (NODES, NO_BOARD) for board in boards for one in board.shortages)
    return "if there were room" if room else "if there were such a board"


def _problems(problems: Sequence[FirelaneError]) -> Iterator[RenderableType]:
    for problem in problems:
        yield from ("", Indented(f"{problem.where}: {problem.found}", 0))
        in_pytorch = change(problem)
        if in_pytorch or problem.hint:
            yield Indented(f"in PyTorch: {in_pytorch}" if in_pytorch else problem.hint, 2)


def _board_table(boards: Sequence[BoardEstimate]) -> FittedTable:
    return FittedTable("Boards", BOARD_COLUMNS, [_board_row(board) for board in boards])


def _board_row(board: BoardEstimate) -> tuple[str | Text, ...]:
    most, least = ("<= ", ">= ") if board.lower_bound else ("", "")
    around = "{}" if board.fits else "({})"
    fps, cycles = board.frames_per_second, board.cycles
    usage = {line.name: line for line in board.estimate.memories}
    return (board.board, around.format(f"{most}{frames_in_words(fps, board.end_to_end)}") if fps else "",
            _verdict(board), around.format(f"{least}{cycles:,}") if cycles else "",
            _of(usage.get(MEMORIES["weight_words"]), MEMORY_BITS / 8), _of(usage.get(MEMORIES["activation_words"])),
            _of(usage.get(MEMORIES["program_words"])))


def _verdict(board: BoardEstimate) -> Text:
    if board.fits:
        return Text("fits", style="green")
    return Text("; ".join(map(_lacking, board.shortages)), style="yellow")


def _lacking(shortage: Shortage) -> str:
    return f"{SHORT_NAMES.get(shortage.what, '')} {shortage.found.removeprefix('the engine ')}".strip()


def _of(usage: Usage | None, unit: float = 1) -> Text:
    if usage is None:
        return Text("")
    text = f"{int(usage.used * unit):,}/{int((usage.available or 0) * unit):,}"
    return Text(text, style="" if usage.fits else "bold red")


def _ways(boards: Sequence[BoardEstimate]) -> Iterator[RenderableType]:
    """What would help, once for all boards for which it is the same."""
    groups: dict[tuple[Shortage, ...], list[BoardEstimate]] = {}
    for board in boards:
        if any(one.ways for one in board.shortages):
            groups.setdefault(_of_any_board(board), []).append(board)
    if groups:
        yield Text("\nWhat would help", style="bold")
    for group in groups.values():
        yield Indented(", ".join(board.board for board in group), 0)
        for shortage in group[0].shortages:
            yield Indented(_lacking(shortage) + ":" * bool(shortage.ways), 2)
            for number, way in enumerate(shortage.ways):
                yield from _way(way, last=number == len(shortage.ways) - 1)


def _of_any_board(board: BoardEstimate) -> tuple[Shortage, ...]:
    """What the board lacks, with the same words for all boards that lack the same."""
    return tuple(replace(one, ways=tuple(way.replace(f"--board {board.board} ", "--board NAME ") for way in one.ways))
                 for one in board.shortages)


def _way(way: str, last: bool) -> Iterator[RenderableType]:
    """A way out; a command in lines of its own, to be copied."""
    yield ShellLine(way, 4) if way.startswith("firelane ") else Indented(way, 4)
    if not last:
        yield Indented("or", 2)


def _layer_table(board: BoardEstimate, report: Report) -> FittedTable:
    held = "" if board.fits else f", {_unless([board])}"
    least = "at least " if board.lower_bound else ""
    title = f"Layers on {board.board}{held}: {least}{report.cost.total:,} cycles, {report.rom.bytes:,} bytes of ROM"
    return layer_table(title, report)


def _energy_table(board: BoardEstimate, energy: FrameEnergy) -> FittedTable:
    """What takes the energy of a frame."""
    watts = energy.watts
    rows = [(kind, f"{one.low:.2f}", f"{one.mid:.2f}", f"{one.high:.2f}", f"{one.mid / energy.total.mid:.0%}")
            for kind, one in energy.kinds.items()]
    total = energy.total
    return FittedTable(f"Energy of a frame on {board.board}, modelled: {watts.mid:.2f} W ({watts.low:.2f} to "
                       f"{watts.high:.2f})", ENERGY_COLUMNS, rows,
                       total=("all", f"{total.low:.2f}", f"{total.mid:.2f}", f"{total.high:.2f}", ""))
