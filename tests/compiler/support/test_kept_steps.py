"""Steps that are kept in a folder: what counts as kept, and what a command that is killed leaves."""

from __future__ import annotations

import json

import pytest

from firelane.compiler.support import kept_steps as module
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.kept_steps import LOCK, RECORD, kept_steps
from firelane.compiler.support.marker import BUILD
from firelane.compiler.support.work_folder import replacing

KIND = "test"
FOLDERS = {"bits": (BUILD, "top.bit")}


def steps(folder):
    return kept_steps(folder, KIND, files=("a.txt", "b.txt"), folders=FOLDERS)


def write_bits(folder, text="bits"):
    with replacing(folder / "bits", BUILD) as fresh:
        (fresh / "top.bit").write_text(text)
        (fresh / "log.txt").write_text("log")


@pytest.fixture
def folder(tmp_path):
    """A folder with two steps, of which one wrote a file and one a folder."""
    with steps(tmp_path / "deep" / "d") as kept:
        kept.keep("a", "1", {"n": 3}, {"a.txt": b"A"})
        write_bits(tmp_path / "deep" / "d")
        kept.keep("bits", "1", {}, {"bits": b""})
    return tmp_path / "deep" / "d"


def test_what_was_found(folder):
    with steps(folder) as kept:
        assert kept.found("a", "1") == {"n": 3} and kept.found("bits", "1") == {}
        assert kept.found("a", "2") is None and kept.found("b", "1") is None
    assert (folder / "a.txt").read_bytes() == b"A"


def test_a_file_that_is_gone_is_made_again(folder):
    (folder / "a.txt").unlink()
    with steps(folder) as kept:
        assert kept.found("a", "1") is None and kept.found("bits", "1") == {}


@pytest.mark.parametrize("name", ["a.txt", "bits/log.txt"])
def test_a_file_that_was_changed_is_no_longer_ours(folder, name):
    (folder / name).write_text("changed")
    with pytest.raises(ConfigError, match="; nothing is deleted: "), steps(folder):
        pass
    assert (folder / name).read_text() == "changed"


def test_killed_between_the_record_and_the_file(folder, monkeypatch):
    """The old file is known as ours still, and the step counts as not made."""
    def killed(path, content, option):
        if path.name != RECORD:
            raise KeyboardInterrupt
        write(path, content, option)
    write = module.write_file
    monkeypatch.setattr(module, "write_file", killed)
    with pytest.raises(KeyboardInterrupt), steps(folder) as kept:
        kept.keep("a", "2", {"n": 4}, {"a.txt": b"B"})
    monkeypatch.undo()
    with steps(folder) as kept:
        assert (folder / "a.txt").read_bytes() == b"A" and kept.found("a", "2") is kept.found("a", "1") is None
        kept.keep("a", "2", {"n": 4}, {"a.txt": b"B"})
        assert kept.found("a", "2") == {"n": 4}


def test_a_folder_that_was_written_and_not_noted_is_ours(folder):
    write_bits(folder, "other")
    with steps(folder) as kept:
        assert kept.found("bits", "1") is None
        kept.keep("bits", "1", {}, {"bits": b""})
        assert kept.found("bits", "1") == {}


def test_what_is_not_needed_goes(folder):
    with steps(folder) as kept:
        kept.discard("a", "a.txt")
        kept.discard("b", "b.txt")
        assert kept.found("a", "1") is None
    assert not (folder / "a.txt").exists()


@pytest.mark.parametrize("text", ["", "{}", '{"firelane": "other"}', '{"firelane": "test", "steps": 3}'])
def test_a_record_that_is_none_is_nobody_elses_to_overwrite(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(ConfigError, match=f"{RECORD}: is there already, and Firelane did not write it so"), \
            steps(tmp_path):
        pass
    assert (tmp_path / RECORD).read_text() == text


def test_a_file_where_the_folder_is_to_be(tmp_path):
    (tmp_path / "d").write_text("thesis")
    with pytest.raises(ConfigError, match=r"/d: is no folder; name another with -o$"), steps(tmp_path / "d"):
        pass
    assert (tmp_path / "d").read_text() == "thesis"


def test_a_folder_of_another_command(tmp_path):
    with replacing(tmp_path / "d", BUILD) as fresh:
        (fresh / "x").write_text("x")
    with pytest.raises(ConfigError, match="is there already, and is a bitstream build"), steps(tmp_path / "d"):
        pass


def test_one_command_at_a_time(folder):
    with steps(folder), pytest.raises(ConfigError, match="another command is at work in it"), steps(folder):
        pass


def test_a_command_that_wrote_nothing_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), steps(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert not any(tmp_path.iterdir())


def test_the_record_is_for_people_too(folder):
    record = json.loads((folder / RECORD).read_text())
    assert record["firelane"] == KIND and record["steps"]["a"]["facts"] == {"n": 3}
    assert {path.name for path in folder.iterdir()} == {RECORD, LOCK, "a.txt", "bits"}
