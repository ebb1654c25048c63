"""Classes found on labelled photographs: by the float network, by ONNX Runtime on the QDQ graph, in integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from firelane.compiler.frame_io.preprocessing import preprocessing_of, read_image, read_pixels
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.onnx_runtime import open_session
from firelane.compiler.support.progress import Progress, silent
from firelane.models.catalogue import SIZE, find
from firelane.models.deep_compression import decode, network
from firelane.models.published_data import class_of, net_file, photographs
from firelane.sim.benchmark.cases import ACCURACY_NETWORK
from firelane.sim.benchmark.provenance import provenance
from firelane.sim.benchmark.records import AccuracyRecord, Hits
from firelane.sim.onnx_session import OnnxSession
from firelane.sim.reference import run_batch

TOP = 5


def measure_accuracy(limit: int | None = None, progress: Progress = silent) -> AccuracyRecord | None:
    """Measure on the photographs beside the published weights, the first `limit` of them; None if there are none."""
    weights, files = net_file(), photographs()[:limit]
    if weights is None or not files:
        return None
    made, path = provenance(), find(ACCURACY_NETWORK, progress=progress).path
    graph, session = load_graph(path), OnnxSession(path)
    found: dict[str, list[np.ndarray]] = {"float": [], "ONNX Runtime, QDQ graph": [], "integer reference": []}
    for number, (file, values) in enumerate(zip(files, _float_results(weights, files))):
        progress("accuracy: photographs", number, len(files))
        image = read_image(graph, file)
        results = values, session.run(graph, image)[graph.output], run_batch(graph, image[None])[0]
        for kind, result in zip(found.values(), results):
            kind.append(result.reshape(-1))
    classes = np.array([class_of(file) for file in files])
    return AccuracyRecord(made=made, images=len(files),
                          scores={name: score(np.stack(results), classes) for name, results in found.items()})


def score(results: np.ndarray, classes: np.ndarray) -> Hits:
    """Images that results (N, K) name right for classes (N,): the largest is best, among equals the first."""
    best = np.argsort(-results.astype(np.float64), axis=1, kind="stable")[:, :TOP]
    hits = best == classes[:, None]
    return Hits(top1=int(hits[:, 0].sum()), top5=int(hits.any(axis=1).sum()))


def _float_results(weights: Path, files: Sequence[Path]) -> Iterator[np.ndarray]:
    """What the published network makes of each photograph."""
    model = network(decode(weights), input_size=SIZE)
    record = preprocessing_of(metadata(model))
    assert record is not None, "made by `network`"
    running = open_session(model)
    source = running.get_inputs()[0]
    channels, height, width = source.shape[1:]
    for file in files:
        pixels = read_pixels(file, channels, height, width, record.resize)
        yield running.run(None, {source.name: record.real(pixels)[None]})[0]
