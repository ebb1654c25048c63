"""`firelane die-plot` as a user meets it; the picture itself is in tests/boards/report/test_die_plot.py."""

import json

import pytest
from PIL import Image

from firelane.boards.report.placement import PLACEMENT_FILE
from firelane.cli.main import main

RECORD = {"board": "ulx3s_85f", "device": "LFE5U-85F", "fmax_mhz": 101.96,
          "resources": {"LUT": {"used": 36_489}, "EBR": {"used": 202}, "DSP": {"used": 140}}}


@pytest.fixture
def build(tmp_path):
    (tmp_path / PLACEMENT_FILE).write_text(json.dumps({"linked.engine.csr": {"LUT": [[3, 4, 5]]}}))
    (tmp_path / "build.json").write_text(json.dumps(RECORD))
    return tmp_path


def test_a_picture(build, capsys):
    assert main(["die-plot", str(build)]) == 0
    assert capsys.readouterr().out == f"written: {build / 'die.png'}\n"
    with Image.open(build / "die.png") as picture:
        assert picture.format == "PNG"


def test_a_board_of_a_user(build, capsys):
    """It is described in a file of his, of which nothing is known here but its name."""
    (build / "build.json").write_text(json.dumps(RECORD | {"board": "my_board"}))
    assert main(["die-plot", str(build)]) == 0
    assert capsys.readouterr().out == f"written: {build / 'die.png'}\n"


def test_where_it_goes(build, capsys):
    assert main(["die-plot", str(build), "-o", str(build / "docs" / "other.png")]) == 0
    assert (build / "docs" / "other.png").exists()
    assert main(["die-plot", str(build), "-o", "die.svg"]) == 2
    assert capsys.readouterr().err == "error: -o: die.svg is no PNG; name a file that ends in .png\n"


@pytest.mark.parametrize("name, text, problem", [
    (PLACEMENT_FILE, None, "there is no such file; name the folder of a finished `firelane bitstream`"),
    (PLACEMENT_FILE, "[]", "cannot be read as the placement of a build; make the bitstream again"),
    ("build.json", "{}", "cannot be read as the record of a build; name the folder of a finished"),
    ("build.json", None, "cannot be read as the record of a build; name the folder of a finished")])
def test_what_is_no_build(build, capsys, name: str, text: str | None, problem: str):
    path = build / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert main(["die-plot", str(build)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path}: {problem}")
