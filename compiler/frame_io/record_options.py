"""What a user says of a network's input, on the command line or in Python, in place of what its model records.

Options are a mapping of channels, mean, scale and resize, as `Preprocessing` has them or as text; None is what nobody
said. They count before the metadata of a model, float or quantized, and what counts is recorded in what is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import onnx

from firelane.compiler.frame_io.preprocessing import (
    INPUT_KEY,
    Preprocessing,
    preprocessing_of,
    record_of,
    record_preprocessing,
)
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.reader import Source, read_input, read_source
from firelane.compiler.support.errors import ConfigError

Options = Mapping[str, Any]


def changed_record(recorded: Preprocessing | None, channels: int, options: Options) -> Preprocessing | None:
    """The recorded `Preprocessing`, or a new one, with what the options say; None if nobody says anything.

    Raises
    ------
    ConfigError
        If an option is none of its kind.
    """
    given = _given(options)
    default = Preprocessing(channels="gray" if channels == 1 else "RGB")
    return replace(recorded or default, **given) if given else recorded


def with_record(model: onnx.ModelProto, options: Options) -> onnx.ModelProto:
    """A copy of a model whose metadata say what the options say; the model itself if they say nothing."""
    if not _given(options):
        return model
    record = changed_record(_recorded(model), read_input(model.graph).dims[0], options)
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


def checked_record(graph: Graph, options: Options) -> Graph:
    """The graph, if options were given and it records what images can become; or if none were given."""
    if _given(options):
        record_of(graph)
    return graph


def graph_with_record(graph: Graph, options: Options) -> Graph:
    """A graph whose metadata say what the options say."""
    record = changed_record(preprocessing_of(graph.metadata), graph.tensors[graph.input].channels, options)
    if record is None or not _given(options):
        return graph
    return checked_record(replace(graph, metadata={**graph.metadata, INPUT_KEY: record.to_json()}), options)


def overridden(metadata: Mapping[str, str], options: Options) -> str:
    """What the options contradict in a model's metadata, in words; empty if there is nothing."""
    recorded, given = preprocessing_of(metadata), _given(options)
    if recorded is None:
        return ""
    before, after = _texts(recorded), _texts(replace(recorded, **given))
    changed = [name for name in given if before[name] not in ("", after[name])]
    if not changed:
        return ""
    return (f"{', '.join(f'--{name} {after[name]}' for name in changed)} counts, in place of what the model records: "
            f"{', '.join(f'{name} {before[name]}' for name in changed)}")


def _texts(record: Preprocessing) -> dict[str, str]:
    """The record as options say it; empty for what it leaves open."""
    mean, scale = (",".join(f"{value:g}" for value in (values[:1] if len(set(values)) == 1 else values))
                   for values in (each.tolist() for each in record.per_channel()))
    return {"channels": record.channels, "mean": mean, "scale": scale, "resize": str(record.resize or "")}


def _given(options: Options) -> dict[str, Any]:
    """The options that somebody gave, as `Preprocessing` has them."""
    given = {name: value for name, value in options.items() if value is not None}
    return given | {name: _numbers(f"--{name}", given[name]) for name in ("mean", "scale") if name in given}


def _recorded(model: onnx.ModelProto) -> Preprocessing | None:
    return preprocessing_of({entry.key: entry.value for entry in model.metadata_props})


def _numbers(option: str, given: str | float | Sequence[float]) -> tuple[float, ...]:
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, Sequence) else [given]
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        raise ConfigError(option, f"{given!r}", hint="one number, or several with commas between") from None

