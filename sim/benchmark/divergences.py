"""How far quantized networks are from the float one, each beside the first, on images that none of them was made with.

    python -m firelane.sim.benchmark.divergences FLOAT.onnx IMAGES MODEL.onnx [MODEL.onnx ...]

A line a model: the mean over the images of D(float || model) in nats, and its difference from that of the first model,
image by image, each with its standard error. Differences of the same images are steadier than the means. It is made
for comparisons: quantized networks run in float32, rounded to integers where the engine rounds
(`compiler.compress.float_network`), which takes a fifth of the integer reference's time.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firelane.compiler.compress.float_network import FloatNetwork
from firelane.compiler.compress.quantized_graph import graph_weights
from firelane.compiler.compress.sensitivity import logits_of
from firelane.compiler.compress.sources import EVERY
from firelane.compiler.compress.workers import workers
from firelane.compiler.frame_io.preprocessing import stored_values
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.onnx_import.reader import Source, read_input
from firelane.compiler.quantize.calibrated import Calibrated, read_calibrated
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.support.onnx_runtime import open_session
from firelane.sim.evaluate.graphs import with_scores
from firelane.sim.evaluate.metrics import divergence


@dataclass(frozen=True)
class Mean:
    """The mean of some numbers and its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, values: np.ndarray) -> Mean:
        """The mean of `values`, float64 (N,), at least two of them."""
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))

    def __str__(self) -> str:
        return f"{self.value:9.5f} ± {self.error:.5f}"


def divergences(original: Calibrated, models: Sequence[Source]) -> list[np.ndarray]:
    """D(float || model) in nats, float64 (N,), of each quantized model, for each image of the float one.

    The models take what the float one takes, as those do that `quantize` or `compress` made of it.
    """
    model, scores = with_scores(copy.deepcopy(original.model))
    if scores not in {value.name for value in model.graph.output}:
        model.graph.output.add(name=scores)
    source, session = read_input(model.graph).name, open_session(model)
    wanted = [session.run([scores], {source: image[None]})[0].ravel() for image in original.images]
    found = []
    with workers() as threads:
        for each in models:
            graph = load_graph(each)
            network, weights = FloatNetwork(graph), graph_weights(graph)

            def of_image(image: np.ndarray, network: FloatNetwork = network, weights: dict = weights) -> np.ndarray:
                return logits_of(network, network.forward(stored_values(network.graph, image), weights))
            logits = threads.map(of_image, original.images)
            found.append(np.array([divergence(*pair) for pair in zip(wanted, logits)]))
    return found


def table(names: Sequence[str], found: Sequence[np.ndarray]) -> str:
    """The lines, one for each model; the first is compared with."""
    first, lines = found[0], []
    for name, values in zip(names, found):
        difference = "" if values is first else f"   {Mean.of(values - first)}"
        lines.append(f"{name:30} {Mean.of(values)}{difference}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Print the table, and how long an image takes."""
    parser = argparse.ArgumentParser(prog="divergences")
    parser.add_argument("original", type=Path, metavar="FLOAT.onnx")
    parser.add_argument("images", type=Path, metavar="IMAGES")
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL.onnx")
    given = parser.parse_args(arguments)
    images: Images = given.images
    original = read_calibrated(given.original, images, EVERY)
    begun = time.monotonic()
    found = divergences(original, given.models)
    seconds = (time.monotonic() - begun) / len(found[0]) / len(found)
    print(f"{len(found[0])} images, {seconds:.2f} s each; nats, and difference from the first")
    print(table([path.stem for path in given.models], found))


if __name__ == "__main__":
    main(sys.argv[1:])
