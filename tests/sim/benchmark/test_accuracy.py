"""sim.benchmark.accuracy: hits are counted right, and the three kinds of the network agree on photographs."""

from __future__ import annotations

import numpy as np

from firelane.models import published_data
from firelane.sim.benchmark.accuracy import measure_accuracy, score
from firelane.sim.benchmark.records import Hits
from tests.published_data import needs_images, needs_net


def test_score():
    results = np.array([[9, 1, 2, 3, 4, 5, 6], [9, 8, 7, 6, 5, 4, 3], [1, 1, 1, 1, 1, 1, 1]], np.uint8)
    assert score(results, np.array([0, 4, 0])) == Hits(top1=2, top5=3)
    assert score(results, np.array([1, 5, 5])) == Hits(top1=0, top5=0)         # of equal ones the first five


def test_nothing_is_measured_without_the_published_files(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_DATA", str(tmp_path))
    assert published_data.photographs() == [] and measure_accuracy() is None


@needs_net
@needs_images
def test_three_kinds():
    record = measure_accuracy(limit=4)
    assert record.images == 4
    assert list(record.scores) == ["float", "ONNX Runtime, QDQ graph", "integer reference"]
    assert all(0 <= found.top1 <= found.top5 <= 4 for found in record.scores.values())
    assert all(found.top5 >= 2 for found in record.scores.values())             # 92 % of 100; chance is 0.5 %
