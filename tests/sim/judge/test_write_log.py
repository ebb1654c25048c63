"""The write log of the bench, read back."""

from __future__ import annotations

import pytest

from firelane.sim.judge.trace import first_trace_difference
from tests.sim.judge.write_logs import log_lines, read, traced_frame
from tests.steps import frames_of


def test_round_trip(tmp_path):
    trace = traced_frame()
    steps = read(tmp_path, log_lines(trace) * 2)
    assert [len(frame) for frame in frames_of(steps)] == [3, 3]
    for frame in frames_of(steps):
        assert first_trace_difference(trace, frame) is None


def test_a_load_beside_a_tile_comes_after_it(tmp_path):
    """Its marks are in the middle of the tile's writes."""
    trace = traced_frame()
    lines = log_lines(trace)
    load, tile = lines[:2], lines[2:]
    middle = next(n for n, line in enumerate(tile) if line.startswith("write ")) + 1
    steps = read(tmp_path, [*tile[:middle], *load, *tile[middle:]])
    alone = read(tmp_path, lines)
    assert [pc for pc, _ in steps] == [alone[1][0], alone[0][0], alone[2][0]]
    assert [len(writes) for _, writes in steps] == [len(alone[number][1]) for number in (1, 0, 2)]


def test_a_write_outside_any_instruction_is_refused(tmp_path):
    lines = log_lines(traced_frame())
    stray = next(line for line in lines if line.startswith("write "))
    with pytest.raises(ValueError, match=f"a write after the end of an instruction: {stray}$"):
        read(tmp_path, [*lines, stray])
