"""Comparing the Verilog's write log with the emulator's trace."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from firelane.sim.judge.trace import first_trace_difference
from tests.sim.judge.write_logs import log_lines, read, traced_frame


@pytest.fixture
def trace():
    return traced_frame()


@pytest.mark.parametrize(("old", "new", "message"), [
    ("write 161 0 21 007f", "write 161 0 21 007e", r"instruction 1 \(TILE at word 10\): write 1: "
     r"expected word 21 bank 0 \[.*\], got word 21 bank 0 \[  - .*\]"),
    ("write 160 0 20", "write 160 1 20", r"instruction 1 .*: write 0: .*, got word 20 bank 1 .*"),
    (" 10\n", " 14\n", r"instruction 1 \(TILE at word 10\): the engine runs word 14 instead")])
def test_differences(tmp_path, trace, old, new, message):
    text = "\n".join(log_lines(trace))
    assert old in text
    text = text.replace(old, new)
    found = first_trace_difference(trace, read(tmp_path, [line for line in text.split("\n") if line]))
    assert found is not None and re.fullmatch(message, found), found


def test_pixels_that_are_not_enabled_do_not_count(tmp_path, trace):
    steps = read(tmp_path, log_lines(trace))
    pc, writes = steps[1]
    noisy = writes.data.copy()
    noisy[:, 7:] ^= 0xFF
    steps[1] = (pc, replace(writes, data=noisy))
    assert first_trace_difference(trace, steps) is None


def test_missing_and_extra_writes(tmp_path, trace):
    lines = log_lines(trace)
    assert "2 writes are expected, the engine made 1" in first_trace_difference(
        trace, read(tmp_path, [line for line in lines if not line.startswith("write 161 ")]))
    assert first_trace_difference(trace, read(tmp_path, lines)[:2]) == "3 instructions are expected, the engine ran 2"
