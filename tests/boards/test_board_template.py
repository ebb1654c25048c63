"""Where the file of a new board goes; `tests/boards/test_board_file.py` reads what is in it."""

from __future__ import annotations

import tomllib

import pytest

from firelane.boards import get_board
from firelane.boards.board_template import board_text, write_board_file
from firelane.compiler.support.errors import ConfigError


def test_it_is_written_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    board = get_board("ulx3s_25f")
    file = write_board_file("my_board", board)
    assert file.read_text() == board_text("my_board", board, "my_board.toml") and file.name == "my_board.toml"
    file.write_text("mine")
    with pytest.raises(ConfigError, match="^my_board.toml: is there already; name another file with -o"):
        write_board_file("my_board", board)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name, file, message", [
    ("My", "a.toml", "^NAME: 'My'; "), ("my", "a.txt", "^-o: a.txt does not end in .toml; name it a.toml")])
def test_names(tmp_path, name, file, message):
    with pytest.raises(ConfigError, match=message):
        write_board_file(name, get_board("ulx3s_25f"), tmp_path / file)
    assert not list(tmp_path.iterdir())


def test_what_is_commented_out_is_possible():
    """The lines of a board of pins, and of a device of its own, are as a file has them."""
    text = board_text("my_board", get_board("ulx3s_25f"), "x.toml").replace('class = ', '# class = ')
    for name in ("lut", "ebr", "dsp", "family", "package", "speed", "clock_pin", "clock_mhz", "[uart]", "rx", "tx",
                 "io_standard"):
        text = text.replace(f"\n# {name}", f"\n{name}", 1)
    record = tomllib.loads(text)
    assert record["device"] == {"name": "LFE5U-25F", "lut": 24288, "ebr": 56, "dsp": 28, "family": "ecp5"}
    assert record["platform"] == {"package": "BG381", "speed": "6", "clock_pin": "...", "clock_mhz": 25}
    assert record["uart"].keys() == {"rx", "tx", "io_standard"}
