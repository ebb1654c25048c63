"""The build folder."""

from compiler.files import build_root, digest, locked


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
