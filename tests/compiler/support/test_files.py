"""Whole files, and the build folder."""

import errno
import os
from pathlib import Path

import pytest

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.files import build_root, digest, locked, write_file


def test_digest_is_of_contents(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("x")
    second.write_text("x")
    assert digest([first]) == digest([second]) == digest(["x"])
    assert len({digest(parts) for parts in (["x"], ["x", ""], ["", "x"], ["xx"])}) == 4


def test_folder_can_be_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    assert build_root() == tmp_path


def test_lock_stands_beside(tmp_path):
    with locked(tmp_path / "new/thing"):
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["thing.lock"]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FirelaneError, match="^.*/file/new: cannot be written: Not a directory; say with "
                                            "FIRELANE_BUILD=FOLDER where to keep what is made$"), \
            locked(tmp_path / "file" / "new" / "thing"):
        pass


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    place = tmp_path / "new" / "file"
    write_file(place, b"first", "--json")
    write_file(str(place), b"second", "--json")
    assert place.read_bytes() == b"second" and list(place.parent.iterdir()) == [place]
    with pytest.raises(FirelaneError, match=f"^{place.parent}: is a folder; name a file with --json$"):
        write_file(place.parent, b"", "--json")
    with pytest.raises(FirelaneError, match=f"^{place}/x: .*; name a file that can be written with --json$"):
        write_file(place / "x", b"", "--json")
    assert place.read_bytes() == b"second"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_how_much_is_needed(tmp_path, monkeypatch, number):
    def full(path, content):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FirelaneError, match=f"^{tmp_path}/x: cannot be written: {os.strerror(number)}, 12,345 bytes "
                                            f"are needed; make room, or name another with --json$"):
        write_file(tmp_path / "x", bytes(12345), "--json")
    assert not list(tmp_path.iterdir())
