"""What `firelane.compress` says before its work."""

from __future__ import annotations

import pytest

import firelane
from firelane.api.compress import _say_if_held
from firelane.compiler.support.progress import silent


@pytest.mark.parametrize("board, held", [("ulx3s_25f", True), ("ulx3s_12f", False)])
def test_a_network_that_is_held_as_it_is(board, held):
    said: list[str] = []
    _say_if_held(firelane.load("digits"), board, said.append, silent)
    assert [line.startswith(f"note: {board} holds digits as it is, and `firelane compile` takes it so") for line in
            said] == [True] * held
