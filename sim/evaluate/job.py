"""What is done with one image: run every network that takes part, keep what the evaluation needs, drop the rest.

An `EvaluationJob` is what travels to another process: graph and models, no files. `Networks` is what the process makes
of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from firelane.compiler.frame_io.preprocessing import Preprocessing, stored_input
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import.reader import one_line
from firelane.compiler.support.errors import FirelaneError, ModelError
from firelane.compiler.support.onnx_runtime import open_session, session_options
from firelane.sim.evaluate.graphs import Pairs
from firelane.sim.evaluate.metrics import best_of, divergence, energies, expected_loss, is_tied
from firelane.sim.onnx_session import channels_last, fed
from firelane.sim.reference import run

REFERENCE, ONNXRUNTIME, FLOAT = "reference", "onnxruntime", "float"      # names of the runs, in their order


@dataclass(frozen=True, eq=False, kw_only=True)
class OnnxModel:
    """A model for ONNX Runtime.

    Parameters
    ----------
    content : bytes of the .onnx file
    scores : name of the tensor with a score for each class
    record : how its input is made of pixels; None: it takes the stored values of the job's graph
    """

    content: bytes
    scores: str
    record: Preprocessing | None


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluationJob:
    """What an evaluation does with each image.

    Parameters
    ----------
    key : identifies the job among others, so that a process builds its networks once
    graph : for the reference, or for the input of a model that takes stored values
    reference : run it
    model : for ONNX Runtime beside the reference
    original : the float graph that both are compared with
    pairs : tensors of graph and original that belong together
    factors : what the channels of a map of the original were multiplied by before it was quantized: float64 (C,) by
        tensor of the original; those that are missing were not, see `compiler.quantize.equalisation`
    """

    key: str
    graph: Graph | None = None
    reference: bool = True
    model: OnnxModel | None = None
    original: OnnxModel | None = None
    pairs: Pairs = ()
    factors: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranking:
    """What one network says of one image: its best classes, whether the first has a rival.

    Beside a float graph also its distance from that in nats, and `metrics.expected_loss`.
    """

    best: tuple[int, ...]
    tied: bool
    divergence: float | None = None
    expected_loss: tuple[float, float] | None = None


@dataclass(frozen=True)
class Measured:
    """What is known of one image: the outcome of each run, and signal and noise energy of each of the job's pairs."""

    outcomes: Mapping[str, Ranking]
    energies: tuple[tuple[float, float], ...]


class Networks:
    """The networks of a job, ready to run.

    Raises
    ------
    ModelError
        If ONNX Runtime does not take a model.
    """

    def __init__(self, job: EvaluationJob):
        self._job = job
        tensors = [name for _, name in job.pairs]
        self._model = _OnnxRunner(job.model, job.graph, []) if job.model else None
        self._original = _OnnxRunner(job.original, job.graph, tensors) if job.original else None

    def measure(self, pixels: np.ndarray) -> Measured:
        """What the networks say of one image: uint8 (C, H, W), gray or RGB, of the networks' size."""
        scores, noise = self._run(pixels)
        return Measured({name: _outcome(name, values, scores.get(FLOAT)) for name, values in scores.items()}, noise)

    def classes(self, pixels: np.ndarray) -> int:
        """The number of classes, found by running the networks on an image."""
        return next(iter(self._run(pixels)[0].values())).size

    def _run(self, pixels: np.ndarray) -> tuple[dict[str, np.ndarray], tuple[tuple[float, float], ...]]:
        """The scores (classes,) of each run, and the energies of each pair."""
        graph, scores = self._job.graph, {}
        noise: tuple[tuple[float, float], ...] = ()
        theirs = self._original.run(pixels) if self._original else {}
        if self._job.reference and graph:
            maps = run(graph, stored_input(graph, pixels))
            scores[REFERENCE] = real_values(graph, graph.output, maps)
            noise = tuple(_pair_energies(graph, maps, theirs, pair, self._job.factors) for pair in self._job.pairs)
        if self._model:
            scores[ONNXRUNTIME] = self._model.run(pixels)[self._model.scores]
        if self._original:
            scores[FLOAT] = theirs[self._original.scores]
        return {name: values.ravel() for name, values in scores.items()}, noise


class _OnnxRunner:
    """ONNX Runtime with one thread, so that sums have one order.

    Parameters
    ----------
    model : OnnxModel
    graph : whose stored values a model without a record takes
    tensors : to be had besides the scores
    """

    def __init__(self, model: OnnxModel, graph: Graph | None, tensors: Iterable[str]):
        self.scores = model.scores
        self._record, self._graph = model.record, graph
        exposed = onnx.ModelProto.FromString(model.content)
        self._name = exposed.graph.name or "model"
        constants = {tensor.name for tensor in exposed.graph.initializer}
        self._source = next(value for value in exposed.graph.input if value.name not in constants)
        inside = [name for name in dict.fromkeys([model.scores, *tensors]) if name != self._source.name]
        del exposed.graph.output[:]
        exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inside)
        options = session_options()
        options.add_session_config_entry("session.x64quantprecision", "1")     # no saturating sums without VNNI
        try:
            self._session = open_session(exposed, options)
        except Exception as error:                       # it has a class of its own for each kind of failure
            raise ModelError(self._name, f"ONNX Runtime cannot run it ({one_line(error)})",
                             hint="export the model again") from None
        self._outputs = inside

    def run(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """The tensors by name, and the input."""
        if self._record is not None:
            feed = self._record.real(pixels)[None]
        elif graph := self._graph:
            feed = fed(stored_input(graph, pixels), graph.tensors[graph.input], self._source.type.tensor_type.elem_type)
            feed = feed.transpose(0, 2, 3, 1) if self._source.name in channels_last(graph) else feed
        else:
            raise ValueError(f"{self._name}: neither a record nor a graph says how it takes pixels")
        try:
            found = self._session.run(self._outputs, {self._source.name: feed})
        except Exception as error:
            raise ModelError(self._name, f"ONNX Runtime cannot run it ({one_line(error)})",
                             hint="export the model again") from None
        return {self._source.name: feed, **dict(zip(self._outputs, found))}


def real_values(graph: Graph, name: str, maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """The real values of a tensor, float64 (C, H, W)."""
    tensor = graph.tensors[name]
    return (maps[name].astype(np.float64) - tensor.zero_point) * tensor.scale


def _pair_energies(graph: Graph, maps: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray],
                   pair: tuple[str, str], factors: Mapping[str, np.ndarray]) -> tuple[float, float]:
    quantized, original = pair
    ours, wanted = real_values(graph, quantized, maps), theirs[original].ravel()
    if len(factors.get(original, ())) == len(ours):
        ours = ours / factors[original][:, None, None]
    ours = ours.ravel()
    if ours.shape != wanted.shape:
        raise FirelaneError(f"tensor {quantized}", f"{ours.size} values, {original} of the float graph has "
                            f"{wanted.size}", hint="give the float model that was quantized")
    return energies(wanted, ours)


def _outcome(name: str, scores: np.ndarray, original: np.ndarray | None) -> Ranking:
    if original is not None and original.shape != scores.shape:
        raise FirelaneError("--float", f"{original.size} classes, the quantized network has {scores.size}",
                            hint="give the float model that was quantized")
    if not np.all(np.isfinite(scores)):
        raise ModelError(name, "gives scores that are not finite", hint="train or export the model again")
    if original is None or name == FLOAT:
        return Ranking(best_of(scores), is_tied(scores))
    return Ranking(best_of(scores), is_tied(scores), divergence(original, scores), expected_loss(original, scores))
