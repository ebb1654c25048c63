"""Stages of a build: kept by what they are made by, gone when the build is finished."""

from __future__ import annotations

import pytest

from firelane.boards.flow.stages import KEY, Stages


@pytest.fixture
def stages(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    return Stages(tmp_path / "target")


@pytest.fixture
def run(stages, tmp_path):
    """Runs a stage in a new folder; returns whether it was kept, and what is in the folder."""
    made = []

    def stage(*made_by, text="1", fails=False):
        work = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        work.mkdir()

        def make():
            made.append(text)
            (work / "a").write_text(text)
            if fails:
                raise KeyboardInterrupt
            (work / "b").write_text("b")
        kept = stages.stage("s", made_by, ("a", "b"), work, make)
        return kept, (work / "a").read_text() + (work / "b").read_text()
    stage.made = made
    return stage


def test_the_same_is_made_once(run, tmp_path):
    (tmp_path / "file").write_text("x")
    assert run("k", tmp_path / "file") == (False, "1b") and run("k", tmp_path / "file", text="2") == (True, "1b")
    (tmp_path / "file").write_text("y")
    assert run("k", tmp_path / "file", text="3") == (False, "3b") and run.made == ["1", "3"]


def test_one_that_was_stopped_is_not_kept(run):
    with pytest.raises(KeyboardInterrupt):
        run("k", fails=True)
    assert run("k", text="2") == (False, "2b")


def test_one_that_was_damaged_is_not_taken(run, tmp_path):
    run("k")
    [kept] = (tmp_path / "build" / "stages").glob("target-*/s")
    (kept / KEY).unlink()
    assert run("k", text="2") == (False, "2b")


def test_another_build_has_its_own(run, tmp_path, stages):
    run("k")
    work = tmp_path / "other"
    work.mkdir()
    assert not Stages(tmp_path / "deep" / "target").stage("s", ("k",), (), work, lambda: None)


def test_they_go_when_the_build_is_finished(run, stages, tmp_path):
    run("k")
    stages.remove()
    assert not list((tmp_path / "build" / "stages").iterdir())
    stages.remove()
