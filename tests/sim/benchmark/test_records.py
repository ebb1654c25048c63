"""sim.benchmark.records: what is stored comes back."""

from __future__ import annotations

import pytest

from firelane.compiler.support.errors import FirelaneError
from firelane.sim.benchmark.records import folder, load_all, store
from tests.sim.benchmark.examples import accuracy_record, frame_record


@pytest.fixture(autouse=True)
def own_build_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))


def test_nothing_is_there_before_the_first_measurement():
    assert load_all() == {}


def test_records_come_back_as_they_were():
    store("accuracy", accuracy_record())
    store("squeezenet1.1", frame_record(frame_cycles=1200))
    store("squeezenet1.1", frame_record(frame_cycles=1100))
    assert load_all() == {"squeezenet1.1": frame_record(frame_cycles=1100), "accuracy": accuracy_record()}
    assert sorted(path.name for path in folder().iterdir()) == ["accuracy.json", "squeezenet1.1.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"made": {"commit": "a"}}', '{"weights": 3}'])
def test_files_of_another_version_are_refused(text):
    store("accuracy", accuracy_record())
    (folder() / "accuracy.json").write_text(text)
    with pytest.raises(FirelaneError, match="make bench ONLY=accuracy"):
        load_all()
