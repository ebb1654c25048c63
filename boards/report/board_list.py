"""`firelane boards`: what there is, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from string import ascii_lowercase

from rich.console import Group, RenderableType
from rich.text import Text

from firelane.boards.board import Board
from firelane.boards.report.board_fit import Fit, shortage
from firelane.boards.report.end_to_end import frames_in_words, limits_in_words
from firelane.compiler.fit.resources import engine_resources
from firelane.compiler.support.fitted_table import Column, FittedTable, shortened
from firelane.compiler.support.indented import Indented
from firelane.compiler.support.json_document import json_document

HELP = ("firelane estimate MODEL says what would help; firelane build compresses weights to what a board holds, where "
        "they are not more than about twice as much.")
HEADING = 18                #: characters of a model's name at the most
BOARD_NAME = 13             #: and of a board's: in 60 columns there is room for both SqueezeNets
DROPPED = ("digits-bypass", "squeezenet1.0", "squeezenet1.1", "digits")     #: models, the first one first
DEVICE_COLUMNS = (          # what is dropped first has the largest number
    Column("board", names=True), Column("device", names=True, drop=2), Column("LUT", drop=1),
    Column("EBR, 18 Kbit", drop=4), Column("DSP", drop=5), Column("banks", drop=6), Column("multipliers", drop=3),
    Column("weights"), Column("MHz"))
SERIAL_COLUMNS = (Column("board", names=True), Column("baud"), Column("reached by", text=True))


def to_json(boards: Sequence[Board], fits: Sequence[Fit]) -> str:
    """The boards: device, engine, what it needs (estimated), clock, serial line, models."""
    return json_document("boards", {"boards": [_record(board, [fit for fit in fits if fit.board == board.name])
                                               for board in boards]})


def _record(board: Board, fits: Sequence[Fit]) -> dict:
    needs = engine_resources(board.engine, board.result_bytes)
    return {
        "name": board.name, "description": board.description, "device": asdict(board.device),
        "engine": asdict(board.engine), "multipliers": board.engine.multipliers,
        "needs": {"lut": needs.lut, "ebr": needs.ebr_total, "dsp": needs.dsp}, "short_of": shortage(board) or None,
        "clock_mhz": board.clock_hz / 1e6, "serial": board.serial, "baud": board.baud,
        "models": [{"model": fit.model, "fits": fit.fits, "reason": fit.reason or None,
                    "frame_cycles": fit.frame_cycles,
                    "frames_per_second": fit.frames_per_second and round(fit.frames_per_second, 2),
                    "end_to_end": fit.end_to_end and fit.end_to_end.to_dict()} for fit in fits],
    }


def to_tables(boards: Sequence[Board], fits: Sequence[Fit]) -> Group:
    """Tables for the terminal: models, devices and engines, serial lines."""
    return Group(*_models(boards, fits), "", _devices(boards), "", _serial_lines(boards))


def _models(boards: Sequence[Board], fits: Sequence[Fit]) -> Iterator[RenderableType]:
    """Frames a second, end to end and of the engine; below the table the reasons why not, each with a letter."""
    names = list(dict.fromkeys(fit.model for fit in fits))
    marks = {reason: _mark(number) for number, reason in enumerate(dict.fromkeys(
        fit.reason for board in boards for fit in fits if fit.board == board.name and not fit.fits))}
    by_place = {(fit.board, fit.model): fit for fit in fits}
    columns = [Column(shortened(Path(name).name, HEADING),
                      drop=len(DROPPED) - DROPPED.index(name) if name in DROPPED else 0) for name in names]
    title = "Frames a second end to end/of the engine alone, or why not"
    yield FittedTable(title, [Column("board", names=True, readable=BOARD_NAME), *columns], [
        (board.name, *(_verdict(by_place[board.name, name], marks) for name in names)) for board in boards])
    if limits := limits_in_words((f"{shortened(Path(fit.model).name, HEADING)} on {fit.board}", fit.end_to_end)
                                 for fit in fits):
        yield Indented(limits, 0)
    for reason, mark in marks.items():
        yield Indented(f"{mark}: {reason}", 2)
    if marks:
        yield Indented(HELP, 0)


def _mark(number: int) -> str:
    """a, b, ..., z, aa, ab, ...

    >>> [_mark(number) for number in (0, 25, 26, 52)]
    ['a', 'z', 'aa', 'ba']
    """
    more, last = divmod(number, len(ascii_lowercase))
    return (_mark(more - 1) if more else "") + ascii_lowercase[last]


def _verdict(fit: Fit, marks: dict[str, str]) -> Text:
    if not fit.fits:
        return Text(f"no: {marks[fit.reason]}", style="yellow")
    return Text(frames_in_words(fit.frames_per_second, fit.end_to_end))


def _devices(boards: Sequence[Board]) -> FittedTable:
    return FittedTable("Needed of what there is (LUT by estimate, weights in words of 36 bits)",
                       DEVICE_COLUMNS, [_device(board) for board in boards])


def _device(board: Board) -> tuple[str | Text, ...]:
    engine, device, needs = board.engine, board.device, engine_resources(board.engine, board.result_bytes)
    return (board.name, device.name, _of(needs.lut, device.lut), _of(needs.ebr_total, device.ebr),
            _of(needs.dsp, device.dsp), f"{engine.banks}", f"{engine.multipliers}", f"{engine.weight_words:,}",
            f"{board.clock_hz / 1e6:g}")


def _of(needed: int, available: int) -> Text:
    return Text(f"{needed:,}/{available:,}", style="" if needed <= available else "bold red")


def _serial_lines(boards: Sequence[Board]) -> FittedTable:
    rows = [(board.name, f"{board.baud:,}", board.serial) for board in boards]
    return FittedTable("Serial lines", SERIAL_COLUMNS, rows)
