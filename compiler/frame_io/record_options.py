"""What a user says of a network's input, on the command line or in Python, in place of what its model records.

Options are a mapping of channels, mean, scale and resize, as `Preprocessing` has them or as text, and of preset, the
name of one of `presets`, which says all four; what is said beside it counts before it. None is what nobody said. They
count before the metadata of a model, float or quantized, and what counts is recorded in what is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from firelane.compiler.frame_io.preprocessing import (
    CHANNELS,
    INPUT_KEY,
    Preprocessing,
    preprocessing_of,
    record_of,
)
from firelane.compiler.frame_io.presets import Shape, preset_record
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import ConfigError

Options = Mapping[str, Any]
PRESET = "preset"


def changed_record(recorded: Preprocessing | None, shape: Shape, options: Options) -> Preprocessing | None:
    """The recorded `Preprocessing`, or a new one, with what the options say; None if nobody says anything.

    Parameters
    ----------
    shape : (channels, height, width) of the input

    Raises
    ------
    ConfigError
        If an option is none of its kind, or the input has not so many channels.
    """
    if not says_anything(options):
        return recorded
    base = recorded or Preprocessing(channels="gray" if shape[0] == 1 else "RGB")
    alike = {name: values[:1] for name, values in (("mean", base.mean), ("scale", base.scale)) if len(set(values)) == 1}
    return replace(base, **(alike if options.get("channels") else {}) | _given(options, shape))


def checked_record(graph: Graph, options: Options) -> Graph:
    """The graph, if images can become what it records; or if it records nothing and no options were given."""
    if says_anything(options) or INPUT_KEY in graph.metadata:
        record_of(graph)
    return graph


def graph_with_record(graph: Graph, options: Options) -> Graph:
    """A graph whose metadata say what the options say."""
    record = changed_record(preprocessing_of(graph.metadata), graph.tensors[graph.input].shape, options)
    if record is None or not says_anything(options):
        return graph
    return checked_record(replace(graph, metadata={**graph.metadata, INPUT_KEY: record.to_json()}), options)


def overridden(metadata: Mapping[str, str], shape: Shape, options: Options) -> str:
    """What the options contradict in a model's metadata, in words; empty if there is nothing."""
    recorded = preprocessing_of(metadata)
    if recorded is None or not says_anything(options):
        return ""
    given = _given(options, shape)
    before, after = _texts(recorded), _texts(replace(recorded, **given))
    changed = [name for name in given if before[name] not in ("", after[name])]
    if not changed:
        return ""
    said = [f"--{name} {after[name]}" for name in changed if options.get(name) is not None]
    if len(said) < len(changed):
        said.insert(0, f"--{PRESET} {options[PRESET]}")
    return (f"{', '.join(said)} counts, in place of what the model records: "
            f"{', '.join(f'{name} {before[name]}' for name in changed)}")


def _texts(record: Preprocessing) -> dict[str, str]:
    """The record as options say it; empty for what it leaves open."""
    mean, scale = (",".join(f"{value:g}" for value in (values[:1] if len(set(values)) == 1 else values))
                   for values in (each.tolist() for each in record.per_channel()))
    return {"channels": record.channels, "mean": mean, "scale": scale, "resize": str(record.resize or "")}


def says_anything(options: Options) -> bool:
    """Whether there is an option that is not None."""
    return any(value is not None for value in options.values())


def _given(options: Options, shape: Shape) -> dict[str, Any]:
    """What the options say, as `Preprocessing` has it: a preset, and before that what is said beside it."""
    channels = options.get("channels")
    if channels is not None and CHANNELS.get(channels, shape[0]) != shape[0]:
        fitting = [name for name, count in CHANNELS.items() if count == shape[0]]
        raise ConfigError("--channels", f"{channels}, the input has {shape[0]}",
                          hint=f"{' or '.join(fitting)}, or leave it out" if fitting else "leave it out")
    given = {name: value for name, value in options.items() if value is not None}
    given |= {name: _numbers(f"--{name}", given[name]) for name in ("mean", "scale") if name in given}
    preset = given.pop(PRESET, None)
    return given if preset is None else asdict(preset_record(preset, shape, given.get("channels"))) | given


def _numbers(option: str, given: str | float | Sequence[float]) -> tuple[float, ...]:
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, Sequence) else [given]
    try:
        return tuple(float(part) for part in parts)
    except (TypeError, ValueError):
        raise ConfigError(option, f"{given!r}", hint="one number, or several with commas between") from None

