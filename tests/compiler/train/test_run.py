"""From pictures to a network for their classes, its last layer fitted: without PyTorch."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from firelane.compiler.frame_io.classes import recorded_names
from firelane.compiler.frame_io.preprocessing import INPUT_KEY
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.progress import silent
from firelane.compiler.train.curve import LAST
from firelane.compiler.train.plan import Plan
from firelane.compiler.train.run import Trained, train
from tests.compiler.train.pictures import CLASSES, folder_of_stripes, network


@pytest.fixture
def folder(tmp_path):
    return folder_of_stripes(tmp_path / "images", 15)


def trained(folder, valid=None, start=None, record=None, said=None, **plan) -> Trained:
    return train(start or network(), folder, valid, record or {}, Plan(**plan),
                 say=(said if said is not None else []).append, progress=silent)


def test_a_random_network_tells_stripes_apart_by_its_last_layer(folder):
    found = trained(folder, views=1)
    assert (found.learnt, found.held, found.classes) == (36, 9, CLASSES)
    assert found.judged.images == 9 and found.judged.accuracy >= 7 / 9
    assert list(found.judged.confusion.sum(axis=1)) == [3, 3, 3]
    assert found.best in found.steps and {step.part for step in found.steps} == {LAST}
    assert found.best.held_share == found.judged.accuracy
    assert recorded_names(metadata(found.model)) == CLASSES


def test_the_same_seed_gives_the_same_bytes(folder, build):
    """From kept features, from new ones, and from files with other names."""
    first = trained(folder, views=2, seed=3)
    again = trained(folder, views=2, seed=3)
    shutil.rmtree(build)
    (folder / "down/000.png").rename(folder / "down/zzz.png")
    other = trained(folder, views=2, seed=3)
    names = [one.model.SerializeToString(deterministic=True) for one in (first, again)]
    assert names[0] == names[1] and first.steps == again.steps
    assert other.judged.images == first.judged.images and other.learnt == first.learnt
    assert trained(folder, views=2, seed=4).model.SerializeToString(deterministic=True) != names[0]


def test_held_out_images_of_their_own(folder, tmp_path):
    valid = folder_of_stripes(tmp_path / "valid", 4, first=100, classes=("down", "slanted"))
    said: list[str] = []
    found = trained(folder, valid, views=1, said=said)
    assert (found.learnt, found.held, said) == (45, 8, [])
    assert list(found.judged.confusion.sum(axis=1)) == [0, 4, 4]


def test_images_that_are_learnt_from_too(folder):
    said: list[str] = []
    trained(folder, folder, views=1, said=said)
    assert said == ["warning: 45 held-out images are learnt from, too: what is measured is too good"]


def test_a_picture_in_two_classes(folder):
    shutil.copy(folder / "down/000.png", folder / "across/twin.png")
    said: list[str] = []
    trained(folder, views=1, said=said)
    assert len(said) == 1 and "are the same picture, in two classes" in said[0]


def test_how_pixels_are_taken_may_be_said(folder):
    found = trained(folder, views=1, record={"mean": "100", "scale": "0.01"})
    assert '"mean": [100.0, 100.0, 100.0]' in metadata(found.model)[INPUT_KEY]


def test_nobody_says_how_pixels_are_taken(folder):
    start = network()
    del start.metadata_props[:]
    with pytest.raises(FirelaneError, match=r"^input of small_squeezenet: how it takes pixels is not known"):
        trained(folder, start=start)


def test_images_of_another_size(folder):
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(folder / "down/large.png")
    with pytest.raises(FirelaneError, match=r"large\.png: 30 x 30 pixels; the network wants 24 x 24"):
        trained(folder, views=1)


def test_nothing_is_left_of_a_run_that_was_interrupted_but_what_is_finished(folder, build):
    """The same call goes on: what was computed is not computed again."""
    def stop(stage, done=0, total=None):
        if stage == "fitting the last layer":
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        train(network(), folder, None, {}, Plan(views=1), say=print, progress=stop)
    told = []
    train(network(), folder, None, {}, Plan(views=1), say=print,
          progress=lambda stage, done=0, total=None: told.append((stage, done)))
    assert [done for stage, done in told if stage == "computing features"] == []
