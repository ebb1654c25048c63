"""`firelane new-board`, and what takes its file."""

from __future__ import annotations

from firelane.boards import get_board
from firelane.cli.main import main


def test_a_file_in_place_of_a_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new-board", "my_board", "--from", "ulx3s_25f"]) == 0
    assert capsys.readouterr().out == ("written: my_board.toml; change it, then: firelane compile MODEL --board "
                                       "my_board.toml\n")
    text = (tmp_path / "my_board.toml").read_text()
    (tmp_path / "my_board.toml").write_text(text.replace("clock_mhz = 75", "clock_mhz = 60"))
    assert main(["compile", "digits", "--board", "my_board.toml", "--no-check", "-o", "out"]) == 0
    assert "frames/s at 60 MHz" in capsys.readouterr().out
    assert main(["new-board", "other", "--from", "my_board.toml", "-o", "b.toml"]) == 0
    assert get_board("b.toml").clock_hz == 60e6 and get_board("b.toml").name == "other"
    assert main(["program", "--board", "b.toml", "--bitstream", "no.bit"]) == 2
    assert "no.bit: there is no bitstream" in capsys.readouterr().err


def test_mistakes_are_one_line(tmp_path, capsys):
    path = tmp_path / "my_board.toml"
    path.write_text("name = 1")
    assert main(["compile", "digits", "--board", str(path)]) == 2
    assert capsys.readouterr().err == f"error: {path}: name: 1; a text is needed\n"
    assert main(["new-board", "x", "--from", "nothing"]) == 2
    assert "error: --from: unknown board 'nothing'; one of ulx3s_12f" in capsys.readouterr().err
