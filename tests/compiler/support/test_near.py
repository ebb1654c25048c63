"""What was meant by a word that is not known."""

import pytest

from firelane.compiler.support.near import hint, near

BOARDS = ("ulx3s_12f", "ulx3s_85f", "ecpix5_85f", "icepi_zero", "arty_a7_100")


@pytest.mark.parametrize("word, meant", [
    ("ulx3s_85", ["ulx3s_85f"]), ("ULX3S-85F", ["ulx3s_85f"]), ("icepizero", ["icepi_zero"]), ("arty", []),
    ("ulx3s", ["ulx3s_12f", "ulx3s_85f"]), ("nexys", []), ("", [])])
def test_words(word, meant):
    assert near(word, BOARDS) == meant


def test_nothing_is_known():
    assert near("ulx3s", []) == []


def test_hints():
    assert hint("ulx3s_86f", BOARDS) == "did you mean ulx3s_85f?"
    assert hint("ulx3s", iter(BOARDS)) == "did you mean ulx3s_12f or ulx3s_85f?"
    assert hint("nexys", BOARDS) == f"one of {', '.join(BOARDS)}"
    assert hint("nexys", BOARDS, "see the list") == "see the list"
