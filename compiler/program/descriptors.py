"""Layer descriptors: the fields of `hw.contract.instruction.DESCRIPTOR` for each kind of layer, and what follows.

A layer is coded first, and packed when its words are asked for: so a network can be measured that is larger than any
field can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cached_property
from typing import assert_never

import numpy as np

from firelane.compiler.coding.bit_fields import descriptor_fields, field_table, pack, split_words
from firelane.compiler.coding.parameter_form import store_parameters
from firelane.compiler.coding.weight_code import EncodedLayer, encode_layer
from firelane.compiler.coding.weight_memory import StreamKind, SymbolTable, WeightMemory
from firelane.compiler.coding.weight_supply import Supply
from firelane.compiler.ir.graph import Requantize
from firelane.compiler.tiles.layers import AnyLayer, AverageLayer, LoadLayer, OutputLayer, TiledNetwork, TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORD,
    DESCRIPTOR_WORDS,
    KERNEL_ENTRY,
    KERNEL_ENTRY_BITS,
    SECOND_STREAMS,
    Destination,
    ParameterForm,
)

VALUES_AND_RUNS = ["value_address", "run_address"]

@dataclass
class Memories:
    """What descriptors point to, growing layer by layer."""

    weights: WeightMemory
    values: SymbolTable
    runs: SymbolTable


@dataclass(frozen=True, eq=False)
class Descriptor:
    """One descriptor: the fields of its fixed part, and the words behind it.

    These are those of the `codes`, the fields of SECOND_STREAMS in an engine that reads it, and those of the `kernel`
    table; `encoded` for layers with a weight stream. `layer` is the one that messages name: equal descriptors, which
    may be shared, may be of layers of other names.
    """

    layer: str
    fields: Mapping[str, int | Enum]
    codes: tuple[int, ...] = ()
    second: Mapping[str, int] | None = None
    kernel: tuple[int, ...] = ()
    encoded: EncodedLayer | None = None

    @cached_property
    def words(self) -> tuple[int, ...]:
        """All of it in words.

        Raises
        ------
        CapacityError
            If a value does not fit its field.
        """
        fixed = split_words(pack(descriptor_fields(), self.fields, self.layer), DESCRIPTOR_WORDS)
        second = [] if self.second is None else [pack(field_table(SECOND_STREAMS), self.second, self.layer)]
        return *fixed, *self.codes, *second, *self.kernel

    @cached_property
    def key(self) -> tuple:
        """What equal descriptors have in common, whether or not they can be packed; fields of 0 need not be named."""
        numbers = {name: self.number(name) for name in self.fields}
        fixed = tuple(sorted((name, number) for name, number in numbers.items() if number))
        return fixed, self.codes, tuple((self.second or {}).items()), self.kernel

    @property
    def stream_addresses(self) -> tuple[int, ...]:
        """The words of weight memory where its streams begin: values, runs, parameters, those that it has."""
        names = [] if self.encoded is None else ["value_address"] if self.encoded.dense else VALUES_AND_RUNS
        second = [self.second[name] for name in names] if self.second and self.encoded and self.encoded.pairs else []
        if self.fields.get("parameters", ParameterForm.CONSTANT) is not ParameterForm.CONSTANT:
            names = [*names, "parameter_address"]
        return *(self.number(name) for name in names), *second

    def number(self, field: str) -> int:
        """The value of a field as a number."""
        value = self.fields[field]
        return int(value.value if isinstance(value, Enum) else value)

    @property
    def length(self) -> int:
        """How many words it has."""
        return DESCRIPTOR_WORDS + len(self.codes) + (self.second is not None) + len(self.kernel)


def describe(layer: AnyLayer, network: TiledNetwork, cfg: EngineConfig, memories: Memories,
             tap_cost_bits: float) -> Descriptor:
    """The descriptor of `layer`; its streams and tables join `memories`. `tap_cost_bits`: what a tap more may cost."""
    match layer:
        case TileLayer():
            return _tile(layer, network, cfg, memories, tap_cost_bits)
        case LoadLayer():
            fields = _load(layer, network)
        case AverageLayer():
            fields = _average(layer, cfg, memories)
        case OutputLayer():
            fields = _output(layer, network)
        case _:
            assert_never(layer)
    return Descriptor(layer.name, fields)


def _tile(layer: TileLayer, network: TiledNetwork, cfg: EngineConfig, memories: Memories,
          tap_cost_bits: float) -> Descriptor:
    source = network.maps[layer.inputs[0].map]
    out_class = network.maps[layer.output.map].parts_log2 if layer.output else 0
    fields = {
        "source": layer.source,
        "operation": layer.operation, "destination": layer.destination,
        "dense": layer.block_rows > 0,
        "subsample": layer.subsample, "row_phase": layer.row_phase, "column_phase": layer.column_phase,
        "parts_log2": source.parts_log2, "out_parts_log2": out_class,
        "columns": source.columns, "out_columns": layer.out_columns, "pad": layer.pad,
        "kernel_taps": len(layer.places), "channels_in": 1, "channels_out": layer.channels_out, "group_channels": 1,
        **_requantize(layer.requantize, layer.channels_out, layer.name, cfg, memories),
    }
    kernel = tuple(_kernel_words(layer))
    if layer.weights is None:
        return Descriptor(layer.name, fields, kernel=kernel)
    encoded = encode_layer(layer.weights, tap_cost_bits=tap_cost_bits,
                           value_room=cfg.value_symbols - len(memories.values.entries),
                           run_room=cfg.run_symbols - len(memories.runs.entries),
                           pairs=cfg.taps_per_cycle == 2 and not layer.alone,
                           supply=Supply.of(cfg, fields["parameters"]))
    fields |= {"channels_in": layer.weights.shape[1], "group_channels": layer.channels_out // layer.groups,
               "dense": encoded.dense, "raw_values": encoded.raw_values,
               **_streams(memories, encoded.value_bits, encoded.run_bits),
               "value_table": memories.values.add([value & 0xFF for value in encoded.value_table]),
               "run_table": memories.runs.add(encoded.run_table)}
    codes = tuple(pack(field_table(CODE_WORD), word, layer.name) for word in encoded.code_words)
    second = _streams(memories, encoded.second_value_bits, encoded.second_run_bits) if cfg.taps_per_cycle == 2 else None
    return Descriptor(layer.name, fields, codes, second, kernel, encoded)


def _streams(memories: Memories, values: np.ndarray, runs: np.ndarray) -> dict[str, int]:
    """Where streams of values and of runs start in the weight memory, 0 for those without bits."""
    return {"value_address": memories.weights.add(StreamKind.VALUES, values) if len(values) else 0,
            "run_address": memories.weights.add(StreamKind.RUNS, runs) if len(runs) else 0}


def _kernel_words(layer: TileLayer) -> list[int]:
    """The kernel table, two entries a word."""
    fields = field_table(KERNEL_ENTRY)
    entries = [pack(fields, asdict(entry), layer.name) for entry in layer.kernel.entries]
    entries += [0] * (len(entries) % 2)
    return [low | high << KERNEL_ENTRY_BITS for low, high in zip(entries[::2], entries[1::2])]


def _requantize(requantize: Requantize, channels: int, where: str, cfg: EngineConfig, memories: Memories) -> dict:
    common = {"zero_point": requantize.zero_point, "clamp_low": requantize.low, "clamp_high": requantize.high}
    stored = store_parameters(requantize, channels, cfg, where)
    address = memories.weights.add(StreamKind.PARAMETERS, stored.bits) if len(stored.bits) else 0
    return common | stored.fields | {"parameter_address": address}


def _load(layer: LoadLayer, network: TiledNetwork) -> dict:
    target = network.maps[layer.output.map]
    return {"space_to_depth": layer.space_to_depth, "pad": layer.pad, "image_columns": layer.width,
            "channels_in": layer.channels, "channels_out": layer.output.channels,
            "group_channels": layer.output.channels, "columns": target.width, "out_columns": target.width,
            "parts_log2": target.parts_log2, "out_parts_log2": target.parts_log2}


def _average(layer: AverageLayer, cfg: EngineConfig, memories: Memories) -> dict:
    return {"destination": Destination.MEMORY if layer.output else Destination.AVERAGE,
            "channels_in": 1, "channels_out": layer.channels, "group_channels": 1, "columns": 1, "out_columns": 1,
            **_requantize(layer.requantize, layer.channels, layer.name, cfg, memories)}


def _output(layer: OutputLayer, network: TiledNetwork) -> dict:
    source = network.maps[layer.input.map]
    return {"channels_in": layer.input.channels, "channels_out": layer.input.channels,
            "group_channels": layer.input.channels, "columns": source.width, "out_columns": source.width,
            "parts_log2": source.parts_log2, "out_parts_log2": source.parts_log2}
