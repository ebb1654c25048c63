"""What a worker process keeps."""

from __future__ import annotations

import pickle

import numpy as np

from firelane.models.catalogue import EMBEDDED
from firelane.models.digits import load_split
from firelane.sim.evaluate import worker
from firelane.sim.evaluate.job import EvaluationJob, Networks
from firelane.sim.evaluate.plan import plan


def test_a_worker_keeps_the_networks_of_few_jobs(monkeypatch):
    built = []

    def counted(job: EvaluationJob) -> Networks:
        built.append(key)
        return Networks(job)
    monkeypatch.setattr(worker, "Networks", counted)
    monkeypatch.setattr(worker, "_networks", {})
    image = np.ascontiguousarray(load_split()[1].images[0].transpose(2, 0, 1))
    blob = pickle.dumps(plan(EMBEDDED["digits"]).job)
    for key in "aabcbca":
        [(index, measured)] = worker.measure_batch(key, blob, worker.code_digest(), 5, (1, *image.shape),
                                                   image.tobytes())
        assert index == 5 and measured == Networks(pickle.loads(blob)).measure(image)
    assert built == ["a", "b", "c", "a"] and len(worker._networks) == worker.KEPT
