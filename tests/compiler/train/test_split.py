"""What is held out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.train.labelled import Labelled
from firelane.compiler.train.split import batches, overlap, split


def pictures(*counts: int) -> Labelled:
    """So many pictures of each class."""
    labels = tuple(label for label, count in enumerate(counts) for _ in range(count))
    names = [f"{index:04x}" for index in range(len(labels))]
    return Labelled(tuple("abcdef"[:len(counts)]), tuple(map(Path, names)), labels, tuple(names))


@pytest.mark.parametrize("share, held", [(0.2, [2, 4, 1]), (0.5, [5, 10, 1]), (0.01, [1, 1, 1]), (0.9, [9, 18, 1])])
def test_every_class_gives_its_share(share, held):
    learnt, judged = split(pictures(10, 20, 2), share, 0)
    assert [Counter(judged.labels)[label] for label in range(3)] == held
    assert sorted(learnt.files + judged.files) == sorted(pictures(10, 20, 2).files)
    assert judged.classes == ("a", "b", "c")


def test_the_seed_chooses():
    given = pictures(30, 30)
    assert split(given, 0.2, 1) == split(given, 0.2, 1)
    assert split(given, 0.2, 1)[1] != split(given, 0.2, 2)[1]


def test_names_do_not_matter():
    given = pictures(30, 30)
    renamed = Labelled(given.classes, given.files[::-1], given.labels[::-1], given.digests[::-1])
    assert set(split(given, 0.2, 1)[1].digests) == set(split(renamed, 0.2, 1)[1].digests)


def test_copies_stay_together():
    given = pictures(10, 10)
    twice = Labelled(given.classes, given.files * 2, given.labels * 2, given.digests * 2)
    learnt, judged = split(twice, 0.3, 0)
    assert not set(learnt.digests) & set(judged.digests) and len(judged) == 12


def test_a_class_of_one_image():
    with pytest.raises(FirelaneError, match=r"class b has one image, and one has to be held out; .*--valid"):
        split(pictures(5, 1), 0.2, 0)


def test_overlap():
    given = pictures(4, 4)
    assert overlap(given.some(range(4)), given.some(range(4, 8))) == ""
    assert overlap(given, given.some([1])).startswith("1 held-out image is learnt from, too")
    assert overlap(given, given.some([1, 2])).startswith("2 held-out images are learnt from, too")


def test_batches_have_all_once_in_an_order_of_the_seed():
    parts = batches(50, 16, (3, 1))
    assert [len(part) for part in parts] == [16, 16, 16, 2]
    order = np.concatenate(parts)
    assert sorted(order) == list(range(50)) and list(order) != list(range(50))
    assert list(np.concatenate(batches(50, 16, (3, 1)))) == list(order) != list(np.concatenate(batches(50, 16, (3, 2))))
