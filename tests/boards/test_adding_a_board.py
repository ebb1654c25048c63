"""`docs/adding_a_board.md`, executed: the file that it writes, and the checks with what they print."""

import doctest
import re
import tomllib
from pathlib import Path

import pytest

from firelane.boards import all_boards, get_board
from firelane.boards.board import Board
from firelane.boards.board_template import board_text
from firelane.boards.top.clock import plan_clock
from firelane.compiler.fit.resources import engine_resources

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "adding_a_board.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def board_file() -> dict:
    """The names that the new file defines."""
    file, = blocks("python")
    names: dict = {}
    exec(compile(file, str(DOCUMENT), "exec"), names)
    return names


def test_the_board_is_a_new_one(board_file):
    board, = board_file["BOARDS"]
    assert isinstance(board, Board) and board.name not in {known.name for known in all_boards()}


def test_every_check_prints_what_the_page_says(board_file):
    """Nothing is left out of the top level of a small engine but its size; see tests/boards/top/test_top.py."""
    checks = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), board_file, DOCUMENT.name, None, 0)
    said: list[str] = []
    result = doctest.DocTestRunner().run(checks, out=said.append)
    assert result.attempted > 8 and result.failed == 0, "".join(said)


def test_every_field_is_explained():
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", DOCUMENT.read_text(), re.MULTILINE)
    explained = set(re.findall(r"\w+", " ".join(rows)))
    assert explained == set(Board.__dataclass_fields__)


def test_the_file_of_a_user_is_a_board(tmp_path):
    file, _ = blocks("toml")
    path = tmp_path / "my_board.toml"
    path.write_text(file)
    board = get_board(str(path))
    need = engine_resources(board.engine, board.result_bytes)
    assert need.ebr_total <= board.device.ebr and need.dsp <= board.device.dsp and need.lut <= board.device.lut
    assert plan_clock(board.platform(), board.clock_hz).output_hz == board.clock_hz


def test_what_is_shown_of_a_camera_is_that_of_the_board():
    _, shown = (tomllib.loads(block) for block in blocks("toml"))
    written = tomllib.loads(board_text("my_board", get_board("ulx3s_85f"), "my_board.toml"))["camera"]
    assert shown["camera"].keys() == written.keys()
    for name, value in shown["camera"].items():
        assert value.items() <= written[name].items() if isinstance(value, dict) else value == written[name]
