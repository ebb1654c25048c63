"""Finds out from the models what an evaluation will run, and refuses what cannot run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx

from firelane.compiler.frame_io.classes import recorded_names
from firelane.compiler.frame_io.preprocessing import CHANNELS, INPUT_KEY, Preprocessing, preprocessing_of, record_of
from firelane.compiler.frame_io.record_options import Options, changed_record
from firelane.compiler.frame_io.recorded_model import with_record
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.kind import is_quantized
from firelane.compiler.onnx_import.reader import Source as Model
from firelane.compiler.onnx_import.reader import read_input, read_source
from firelane.compiler.quantize.equalisation import channel_factors
from firelane.compiler.quantize.float_model import read_float_model
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.sim.evaluate.graphs import Pairs, derived_float, own_pairs, pairs, with_scores
from firelane.sim.evaluate.job import EvaluationJob, Networks, OnnxModel

__all__ = ["DERIVED", "Model", "Plan", "not_measured", "plan"]

DERIVED = "derived"                    # float_model: the quantized model without quantization of its activations


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will run, found and checked before the first image is read.

    Parameters
    ----------
    shape : (channels, height, width) of the images
    resize : as `Preprocessing` has it
    classes : of the network
    names : of its classes, where it records them
    """

    job: EvaluationJob
    network: str
    float_graph: str
    shape: tuple[int, int, int]
    resize: int | None
    classes: int
    names: tuple[str, ...] = ()


def plan(model: Model, *, float_model: Model | None = None, reference: bool | None = None,
         onnxruntime: bool = False, record: Options | None = None) -> Plan:
    """Reads the models; parameters and errors as for `sim.evaluate.driver.evaluate`.

    What `record` says is said of both models, but not of a quantized one that records something: as `quantize` writes
    it, a network takes pixels in another way than the float one that it was made of.
    """
    content, where = read_source(model)
    options = record or {}
    if not is_quantized(content.graph):
        return _float_plan(model, where, float_model, bool(reference), options)
    reference = reference is not False
    if not reference and not onnxruntime:
        raise ConfigError("--no-reference", "nothing is left to run", hint="add --onnxruntime")
    if float_model is None or _is_derived(float_model) or INPUT_KEY not in metadata(content):
        content = with_record(content, options)
    graph = graph_of(content, where)
    own = _onnx_model(content, None)
    original, float_graph, pairs_ = _original(content, float_model, graph, options)
    job = EvaluationJob(key=_key(own, original, reference, onnxruntime), graph=graph, reference=reference,
                        model=own if onnxruntime else None, original=original, pairs=pairs_ if reference else (),
                        factors={} if _is_derived(float_model) else channel_factors(metadata(content)))
    source = graph.tensors[graph.input]
    shape = source.channels, source.height, source.width
    return _plan(job, graph.name, float_graph, shape, record_of(graph).resize, graph.metadata)


def not_measured(planned: Plan, labelled: bool) -> str:
    """What an evaluation will and will not measure, for want of labels or of a float network, in lines; else empty."""
    compared = planned.job.original is not None
    if labelled and compared:
        return ""
    reference = planned.job.graph is not None
    layers = ", noise of each layer" if planned.job.reference else ""
    ways = "--float or --derive-float" if reference else "--float"
    accuracy, agreement = "top-1 and top-5", f"agreement with a float network, divergence{layers}"
    if not labelled and not compared:
        return (f"measured: ties alone, and that the network runs\nnot measured: {accuracy}, for want of --labels\n"
                f"not measured: {agreement}, for want of {ways}")
    if labelled:
        return f"measured: {accuracy}\nnot measured: {agreement}, for want of {ways}"
    return f"measured: {agreement}\nnot measured: {accuracy}, for want of --labels"


def _float_plan(model: Model, where: Path, float_model: Model | None, reference: bool, options: Options) -> Plan:
    """The plan for a float model: ONNX Runtime only."""
    if reference:
        raise ModelError(str(where), "a float model, the reference computes with integers",
                         hint="quantize it first: firelane quantize MODEL --calib IMAGES -o QUANTIZED")
    if _is_derived(float_model):
        raise ModelError(str(where), "a float model: there is nothing to derive", hint="give another one with --float")
    content = _float_model(model)
    shape, record = read_input(content.graph).dims, _record(content, where, options)
    original, float_graph = None, ""
    if float_model is not None:
        _, original, float_graph = _given_float(float_model, shape, record.resize, options)
    own = _onnx_model(content, record)
    job = EvaluationJob(key=_key(own, original), reference=False, model=own, original=original)
    return _plan(job, content.graph.name or where.stem, float_graph, shape, record.resize, metadata(content))


def _plan(job: EvaluationJob, network: str, float_graph: str, shape: tuple[int, int, int], resize: int | None,
          recorded: Mapping[str, str]) -> Plan:
    """Runs the networks once, so that what is wrong with them is known before there are images and workers."""
    classes = Networks(job).classes(np.zeros(shape, np.uint8))
    return Plan(job=job, network=network, float_graph=float_graph, shape=shape, resize=resize, classes=classes,
                names=recorded_names(recorded, classes))


def _key(*parts: OnnxModel | bool | None) -> str:
    contents = (getattr(part, "content", repr(part).encode()) for part in parts)
    return sha256(b"".join(sha256(content).digest() for content in contents)).hexdigest()


def _original(content: onnx.ModelProto, float_model: Model | None, graph: Graph,
              options: Options) -> tuple[OnnxModel | None, str, Pairs]:
    """The float graph for the job, in words what it is, and its tensors' pairs."""
    if float_model is None:
        return None, "", ()
    record, source = record_of(graph), graph.tensors[graph.input]
    if _is_derived(float_model):
        plain = derived_float(content)
        takes_floats = read_input(plain.graph).element_type == onnx.TensorProto.FLOAT
        original = _onnx_model(plain, record if takes_floats else None)
        return original, "the model's own, without quantization of activations", own_pairs(content.graph, graph.tensors)
    given, original, words = _given_float(float_model, source.shape, record.resize, options)
    found = pairs(content.graph, given.graph, graph.tensors)
    if original.record != record:                        # then the inputs are different numbers
        found = tuple(pair for pair in found if pair[0] != graph.input)
    return original, words, found


def _given_float(float_model: Model, shape: tuple[int, ...], resize: int | None,
                 options: Options) -> tuple[onnx.ModelProto, OnnxModel, str]:
    content, where = read_source(float_model)
    if is_quantized(content.graph):
        raise ModelError(str(where), "is quantized, and a float network is compared with",
                         hint="give the one that was quantized, or --derive-float (in Python: derive_float)")
    given = _float_model(float_model)
    found, record = read_input(given.graph).dims, _record(given, where, options)
    if found != tuple(shape):
        raise ModelError(str(where), f"an input of shape {list(found)}, the evaluated model's is {list(shape)}",
                         hint="give the float model that was quantized")
    if None not in (resize, record.resize) and resize != record.resize:
        raise ModelError(str(where), f"resizes images to {record.resize}, the evaluated model to {resize}",
                         hint=f"correct metadata {INPUT_KEY}, or give --resize")
    return given, _onnx_model(given, record), str(where)


def _onnx_model(model: onnx.ModelProto, record: Preprocessing | None) -> OnnxModel:
    extended, scores = with_scores(model)
    return OnnxModel(content=extended.SerializeToString(), scores=scores, record=record)


def _record(model: onnx.ModelProto, where: Path, options: Options) -> Preprocessing:
    shape = read_input(model.graph).dims
    record = changed_record(preprocessing_of(metadata(model)), shape, options)
    if record is None:
        raise ModelError(str(where), "how the network takes pixels is not known",
                         hint=f"it has no metadata {INPUT_KEY}: give --preset, or --mean, --scale, --channels, "
                              "--resize")
    if CHANNELS[record.channels] != shape[0]:
        raise ModelError(f"metadata {INPUT_KEY}", f"channels {record.channels}, the input has {shape[0]}",
                         hint="correct it with --channels")
    return record


def _float_model(model: Model) -> onnx.ModelProto:
    return model if isinstance(model, onnx.ModelProto) else read_float_model(model)


def _is_derived(float_model: Model | None) -> bool:
    return isinstance(float_model, str) and float_model == DERIVED
