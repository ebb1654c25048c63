"""What becomes of a graph: it is loaded, quantized if it is float, compiled, and compared twice.

Layer by layer with ONNX Runtime on the quantized graph, at most one step apart (`sim.validate`); and the result of the
integer reference with what the tool itself computed for the same images: the root of the mean square of the difference
is at most `SHARE` of the spread (standard deviation) of the tool's outputs. A float network differs by its
quantization; one that the tool quantized by single steps of layers, which the layers behind them carry on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import firelane
from firelane.compiler.frame_io.classes import best_classes, host_operators
from firelane.compiler.frame_io.preprocessing import stored_input, stored_values
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.reference import run_batch
from firelane.sim.validate import REPORT, validate
from tests.exporters.recipe import ERROR_MAX, Made, in_one_line

RIGHT, REFUSED, WRONG, TRACEBACK = "right", "refused", "wrong", "traceback"
SHARE = 0.05                           # of the spread of the tool's outputs
# An engine for the largest of the graphs, uncompressed: here no board has to hold it.
ENGINE = {"weight_words": 1 << 18, "activation_words": 1 << 12, "accumulator_bits": 28}


@dataclass(frozen=True)
class Verdict:
    """What came of a graph.

    Parameters
    ----------
    outcome : str
        `RIGHT`, `REFUSED`, `WRONG` or `TRACEBACK`.
    said : str
        How near it is, the line of the refusal, or what is wrong.
    """

    outcome: str
    said: str


def judge(made: Made, path: Path, *, complete: bool = False) -> Verdict:
    """The verdict on a graph in the file `path`.

    Parameters
    ----------
    complete : bool
        Whether `firelane quantize` is called although it is quantized, because it is so only in part.
    """
    try:
        given = firelane.load(path)
        network = firelane.quantize(given, made.images) if complete or not given.quantized else given
        firelane.compile(network, **ENGINE)
        images = np.stack([_stored(network.graph, image) for image in made.images])
        agreement = validate(network.graph, network.model, images)
    except FirelaneError as error:
        said = " ".join(str(error).split()).replace(str(path), path.name)
        return Verdict(WRONG if error.hint == REPORT else REFUSED, _shortened(said))
    except Exception as error:         # what must not be: a user would see a traceback
        return Verdict(TRACEBACK, in_one_line(error))
    return _compared(network.graph, results(network.graph, images), made.outputs, by_tool=network is given,
                     agreement=f"{agreement.differing / max(agreement.values, 1):.2%}")


def _compared(graph: Graph, ours: np.ndarray, outputs: np.ndarray, *, by_tool: bool, agreement: str) -> Verdict:
    """The verdict on the results of the integer reference."""
    host = host_operators(graph.metadata)
    theirs = np.exp(outputs) if host[:1] == [("LogSoftmax", ())] else outputs
    theirs = theirs.reshape(len(theirs), -1)
    if theirs.shape != ours.shape:
        return Verdict(WRONG, f"{ours.shape[1]} results for {theirs.shape[1]}")
    apart = np.abs(ours - theirs)
    share = float(np.sqrt(np.mean(apart ** 2)) / theirs.std())
    if not share <= SHARE:
        return Verdict(WRONG, f"results {share:.1%} from the tool's, at most {SHARE:.0%} are possible")
    steps = apart.max() / graph.tensors[graph.output].scale
    most = f", at most {steps:.0f} steps" if by_tool and not host else ""
    return Verdict(RIGHT, f"results {share:.1%} from the tool's{most}; {agreement} of the layers' values one step from "
                          "ONNX Runtime")


def results(graph: Graph, images: np.ndarray) -> np.ndarray:
    """The network's results, float64 (N, values), after what the host does at the end; of a LogSoftmax its exponent."""
    stored_results, tensor = run_batch(graph, images), graph.tensors[graph.output]
    if not host_operators(graph.metadata):
        return ((stored_results.astype(np.float64) - tensor.zero_point) * tensor.scale).reshape(len(images), -1)
    guesses = [best_classes(graph, result, count=result.size) for result in stored_results]
    return np.array([[guess.share for guess in sorted(found, key=lambda guess: guess.index)] for found in guesses])


def _shortened(line: str) -> str:
    """A line for the document: what is possible instead of an unknown operator is a long list."""
    line = re.sub(r"(has no such operator); there are [\w, .]*[\w.]", r"\1", line)
    return line if len(line) <= ERROR_MAX else line[:ERROR_MAX - 3] + "..."


def _stored(graph: Graph, image: np.ndarray) -> np.ndarray:
    """An image as the network stores it; bytes are pixels."""
    return stored_input(graph, image) if image.dtype == np.uint8 else stored_values(graph, image)
