"""ONNX models with what options say of their input in their metadata."""

from __future__ import annotations

import onnx

from firelane.compiler.frame_io.preprocessing import preprocessing_of, record_preprocessing
from firelane.compiler.frame_io.record_options import Options, changed_record, checked_record, says_anything
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import Source, read_input, read_source


def with_record(model: onnx.ModelProto, options: Options) -> onnx.ModelProto:
    """A copy of a model whose metadata say what the options say; the model itself if they say nothing."""
    if not says_anything(options):
        return model
    recorded = preprocessing_of({entry.key: entry.value for entry in model.metadata_props})
    record = changed_record(recorded, read_input(model.graph).dims, options)
    assert record is not None, "options make a record"
    return record_preprocessing(model, record)


def load_recorded(source: Source, options: Options) -> Graph:
    """The graph of a quantized model, with what the options say in its metadata.

    Raises
    ------
    FirelaneError
        If it is no such model, or images cannot become its input as the options say.
    """
    model, path = read_source(source)
    return checked_record(graph_of(with_record(model, options), path), options)
