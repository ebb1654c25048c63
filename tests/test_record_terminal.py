"""`docs/record_terminal.py`: what was typed and what came, nothing else, and nothing of this machine."""

import importlib.util
import re
import sys
from html import unescape
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "docs/record_terminal.py"
LAYER = "│ fire2/expand3x3  │ 1,520 │ [red] │"


@pytest.fixture
def recorder():
    spec = importlib.util.spec_from_file_location("record_terminal", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(svg: str) -> list[str]:
    """The lines that a reader sees, with the title."""
    rows: dict[str, str] = {}
    for row, text in re.findall(r'<text [^>]*?y="([\d.]+)"[^>]*>(.*?)</text>', svg, re.DOTALL):
        rows[row] = rows.get(row, "") + unescape(text).replace("\xa0", " ")
    return [line.strip() for line in rows.values() if line.strip()]


def test_everything_is_shown_as_it_was(recorder):
    svg = recorder.terminal_svg("make sim", f"{LAYER}\n\n  results  <200> of 200\n")
    assert shown(svg) == ["make sim", "$ make sim", LAYER, "results  <200> of 200"]
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', ""), "it must not fetch anything"


def test_a_command(recorder, tmp_path, capsys):
    target = tmp_path / "hello.svg"
    assert recorder.main(str(target), sys.executable, "-c", "print('hello')") == 0
    assert shown(target.read_text())[-1] == "hello"
    assert recorder.main(str(target), sys.executable, "-c", "import sys; print('no'); sys.exit(3)") == 2
    assert "exit code 3\nno" in capsys.readouterr().err


def test_a_path_of_this_machine_is_refused(recorder, tmp_path, capsys):
    target = tmp_path / "path.svg"
    assert recorder.main(str(target), sys.executable, "-c", f"print({str(SCRIPT)!r})") == 2
    assert "a path of this machine is in the output" in capsys.readouterr().err and not target.exists()


def test_the_recording_that_is_shown(recorder):
    """It is a run in which everything was equal."""
    lines = shown((SCRIPT.parent / "images/make_sim.svg").read_text())
    assert lines[:2] == ["make sim", "$ make sim"]
    assert any(re.fullmatch(r"results +200 of 200 values of 20 frames equal the reference", line) for line in lines)
