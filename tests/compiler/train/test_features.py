"""Features are computed once, and kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.frame_io.preprocessing import Preprocessing, preprocessing_of
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.onnx_runtime import open_session
from firelane.compiler.train import features as kept
from firelane.compiler.train.classifier import take_apart
from firelane.compiler.train.features import features, seen
from firelane.compiler.train.labelled import read_labelled
from firelane.compiler.train.views import Views
from tests.compiler.train.pictures import SIDE, folder_of_stripes, network

VIEWS = Views(shape=(3, SIDE, SIDE), resize=None, mirror=False, seed=0)


@pytest.fixture
def build(build):
    """Where features are kept."""
    return build / "train"


@pytest.fixture
def given(tmp_path):
    trunk = take_apart(network())
    pictures = read_labelled(folder_of_stripes(tmp_path / "images", 3), "FOLDER")
    return trunk, preprocessing_of(metadata(trunk.model)), pictures


def computed(given, views=VIEWS, numbers=(0, 1)) -> tuple[np.ndarray, list[float]]:
    """Features, and what progress was told of."""
    trunk, record, pictures = given
    told = []
    return features(trunk, record, views, seen(pictures, numbers),
                    lambda stage, done, total: told.append(done)), told


def test_they_are_what_the_trunk_makes_of_the_pixels(given):
    trunk, record, pictures = given
    found, _ = computed(given)
    session = open_session(trunk.model)
    for index, (file, content) in enumerate(zip(pictures.files, pictures.digests)):
        for number in (0, 1):
            real = record.real(VIEWS.read(file, content, number))[None]
            [values] = session.run(None, {"image": real})
            assert found[2 * index + number] == pytest.approx(values.mean(axis=(0, 2, 3)), rel=1e-5)


def test_they_are_computed_once(given, monkeypatch, build):
    monkeypatch.setattr(kept, "CHUNK", 4)
    first, told = computed(given)
    assert told == list(range(18)) and len(list(build.glob("*/*.npz"))) == 5
    again, told = computed(given)
    assert told == [] and np.array_equal(first, again)


def test_pictures_that_are_added_cost_their_own(given, tmp_path):
    trunk, record, pictures = given
    first, _ = computed(given)
    (tmp_path / "images/across/0.png").write_bytes(pictures.files[5].read_bytes()[:-12] + bytes(12))
    (tmp_path / "images/across/twin.png").write_bytes(pictures.files[5].read_bytes())
    more = read_labelled(tmp_path / "images", "FOLDER")
    found, told = computed((trunk, record, more))
    assert len(told) == 2 and [file.name for file in more.files[:5]] == [
        "0.png", "000.png", "001.png", "002.png", "twin.png"]
    assert np.array_equal(found[2:8], first[:6]) and np.array_equal(found[8:10], first[10:12])


def test_what_was_begun_goes_on(given, monkeypatch, build):
    monkeypatch.setattr(kept, "CHUNK", 4)
    first, _ = computed(given)
    places = sorted(build.glob("*/*.npz"))
    places[0].unlink()
    places[1].write_bytes(b"PK damaged")
    again, told = computed(given)
    assert 6 <= len(told) <= 8 and np.array_equal(first, again)


@pytest.mark.parametrize("views, numbers, count", [(replace(VIEWS, seed=1), (0, 1), 18), (VIEWS, (0, 2), 9),
                                                   (replace(VIEWS, mirror=True), (0, 1), 18)])
def test_others_are_computed_anew(given, views, numbers, count):
    first, _ = computed(given)
    other, told = computed(given, views, numbers)
    assert len(told) == count and not np.array_equal(first[1::2], other[1::2])


def test_values_that_are_not_finite(given):
    trunk, _, pictures = given
    with pytest.raises(FirelaneError, match=r"across/000\.png: the network makes values of it that are not finite"):
        computed((trunk, Preprocessing(scale=(1e36,)), pictures))


def test_a_damaged_image(given):
    pictures = given[2]
    pictures.files[4].write_bytes(b"\x89PNG damaged")
    with pytest.raises(FirelaneError, match=r"down/001\.png: not an image"):
        computed(given)
