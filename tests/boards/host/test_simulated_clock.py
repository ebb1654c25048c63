"""Cycles in a terminal's window size."""

from __future__ import annotations

import os

import pytest

from firelane.boards.host import simulated_clock


@pytest.fixture
def terminal():
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("cycles", [0, 1, 0x1_0000, 0xFEDC_BA98_7654])
def test_what_one_end_says_the_other_reads(terminal, cycles):
    board, host = terminal
    simulated_clock.publish(board, cycles)
    assert simulated_clock.cycles(host) == cycles


def test_others_have_none(terminal, tmp_path):
    assert simulated_clock.cycles(terminal[1]) is None
    with open(tmp_path / "file", "w") as file:
        assert simulated_clock.cycles(file.fileno()) is None
