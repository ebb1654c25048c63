"""`firelane boards`: what there is, as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group
from rich.table import Table

from firelane.boards.board import Board
from firelane.boards.report.board_fit import Fit, shortage
from firelane.compiler.fit.resources import engine_resources


def to_json(boards: Sequence[Board], fits: Sequence[Fit]) -> str:
    """A list of boards: device, engine, what it needs (estimated), clock, serial line, models."""
    return json.dumps([_record(board, [fit for fit in fits if fit.board == board.name]) for board in boards], indent=1)


def _record(board: Board, fits: Sequence[Fit]) -> dict:
    needs = engine_resources(board.engine, board.result_bytes)
    return {
        "name": board.name, "description": board.description, "device": asdict(board.device),
        "engine": asdict(board.engine), "multipliers": board.engine.lanes,
        "needs": {"lut": needs.lut, "ebr": needs.ebr_total, "dsp": needs.dsp}, "short_of": shortage(board) or None,
        "clock_mhz": board.clock_hz / 1e6, "serial": board.serial, "baud": board.baud,
        "models": [{"model": fit.model, "fits": fit.fits, "reason": fit.reason or None,
                    "frame_cycles": fit.frame_cycles, "frames_per_second": fit.frames_per_second} for fit in fits],
    }


def to_tables(boards: Sequence[Board], fits: Sequence[Fit]) -> Group:
    """Tables for the terminal: devices and engines, models, serial lines."""
    return Group(_devices(boards), _models(boards, fits), _serial_lines(boards))


def _table(title: str, *columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left",
                         overflow="fold", no_wrap=column == "board")
    return table


def _devices(boards: Sequence[Board]) -> Table:
    numbers = ("LUT", "EBR", "DSP", "banks", "multipliers", "weights", "MHz")
    table = _table("Needed of what there is (LUT: estimate; EBR: blocks of 18 Kbit; weights: words of 36 bits)",
                   "board", "device", *numbers, right=numbers)
    for board in boards:
        engine, device, needs = board.engine, board.device, engine_resources(board.engine, board.result_bytes)
        table.add_row(board.name, device.name, _of(needs.lut, device.lut), _of(needs.ebr_total, device.ebr),
                      _of(needs.dsp, device.dsp), f"{engine.banks}", f"{engine.lanes}", f"{engine.weight_words}",
                      f"{board.clock_hz / 1e6:g}")
    return table


def _of(needed: int, available: int) -> str:
    text = f"{needed}/{available}"
    return text if needed <= available else f"[bold red]{text}"


def _models(boards: Sequence[Board], fits: Sequence[Fit]) -> Table:
    names = list(dict.fromkeys(fit.model for fit in fits))
    table = _table("Frames a second, or why not", "board", *names)
    by_place = {(fit.board, fit.model): fit for fit in fits}
    for board in boards:
        table.add_row(board.name, *(_verdict(by_place[board.name, name]) for name in names))
    return table


def _verdict(fit: Fit) -> str:
    return f"{fit.frames_per_second:.1f}" if fit.fits else f"[yellow]{fit.reason}"


def _serial_lines(boards: Sequence[Board]) -> Table:
    table = _table("Serial lines", "board", "baud", "reached by", right=["baud"])
    for board in boards:
        table.add_row(board.name, f"{board.baud}", board.serial)
    return table
