"""manifest.json as a host reads it: every field that counts has its type and its range, or the file is damaged."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from firelane.compiler.artefact.manifest import MANIFEST_VERSION
from firelane.compiler.frame_io.classes import host_operators, recorded_names
from firelane.compiler.frame_io.preprocessing import preprocessing_of
from firelane.compiler.frame_io.result import ResultFormat
from firelane.compiler.ir.graph import PIXEL_MAX, Graph, Tensor
from firelane.compiler.ir.limits import size_problem
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.hw.contract.config import EngineConfig

SIDE_MAX = 1 << 20          #: more than any number of channels, rows or columns


@dataclass(frozen=True, eq=False)
class ManifestFacts:
    """What a host must know of a compiled network.

    Parameters
    ----------
    engine : EngineConfig
    engine_digest : int, optional
        The engine's, as the version of Firelane that compiled the network had it.
    graph : Graph
        Its input and output alone.
    result : ResultFormat
    """

    engine: EngineConfig
    engine_digest: int | None
    graph: Graph
    result: ResultFormat


def parse_manifest(text: bytes, where: str) -> ManifestFacts:
    """The facts in manifest.json, the file that messages call `where`.

    Raises
    ------
    ConfigError
        If it is of another version, or damaged.
    """
    try:
        manifest = json.loads(text)
        if not isinstance(manifest, dict):
            raise ValueError("is no record")
        version = _whole(manifest, "manifest_version", SIDE_MAX)
        if version != MANIFEST_VERSION:
            raise ConfigError(where, f"is of version {version}", hint="compile again")
        return _facts(manifest)
    except ConfigError:
        raise
    except FirelaneError as error:
        raise damaged(where, str(error)) from None
    except UnicodeDecodeError:
        raise damaged(where, "is no text") from None
    except RecursionError:
        raise damaged(where, "is nested too deeply") from None
    except ValueError as error:
        raise damaged(where, str(error)) from None


def damaged(where: str, how: str) -> ConfigError:
    """The error to raise about a file that is not as it was written."""
    return ConfigError(where, f"is damaged ({how})", hint="remove the folder and compile again")


def _facts(manifest: Mapping[str, Any]) -> ManifestFacts:
    source, result = _record(manifest, "input"), _record(manifest, "output")
    rows, columns, channels = _shape(source)
    shape = _shape(result)
    metadata = _metadata(manifest)
    tensors = {"input": _tensor("input", (channels, rows, columns), source), "output": _tensor("output", shape, result)}
    return ManifestFacts(_engine(_record(manifest, "engine")), manifest.get("engine_digest"),
                         Graph(_text(manifest, "network"), (), tensors, "input", "output", metadata),
                         ResultFormat(*shape, _whole(result, "group_rows", SIDE_MAX, least=1)))


def _metadata(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The model's metadata; those that a host acts on can be understood."""
    metadata = _record(manifest, "metadata")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata are not texts")
    preprocessing_of(metadata)
    host_operators(metadata)
    recorded_names(metadata)
    return dict(metadata)


def _engine(record: Mapping[str, Any]) -> EngineConfig:
    known = {field.name: record[field.name] for field in fields(EngineConfig) if field.name in record}
    if not isinstance(known.get("trace", False), bool):
        raise ValueError("trace is neither true nor false")
    return EngineConfig(**known)


def _tensor(name: str, shape: tuple[int, int, int], record: Mapping[str, Any]) -> Tensor:
    scale = record.get("scale")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not math.isfinite(scale) or scale <= 0:
        raise ValueError(f"scale of the {name} is no positive number")
    return Tensor(name, *shape, scale=float(scale), zero_point=_whole(record, "zero_point", PIXEL_MAX))


def _shape(record: Mapping[str, Any]) -> tuple[int, int, int]:
    sizes = record.get("shape")
    if not isinstance(sizes, list) or len(sizes) != 3:
        raise ValueError("shape is no list of 3 numbers")
    found = {str(place): size for place, size in enumerate(sizes)}
    shape = (_whole(found, "0", SIDE_MAX, least=1), _whole(found, "1", SIDE_MAX, least=1),
             _whole(found, "2", SIDE_MAX, least=1))
    if problem := size_problem(shape):
        raise ValueError(problem)
    return shape


def _record(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no record")
    return value


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _whole(record: Mapping[str, Any], name: str, most: int, *, least: int = 0) -> int:
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is no whole number from {least} to {most}")
    return value
