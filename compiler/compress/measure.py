"""The cost of a graph on the engine: bytes of its ROM image and cycles of its taps, without a schedule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from firelane.compiler.coding.weight_memory import SymbolTable, WeightMemory
from firelane.compiler.fit.engine_fit import (
    ACCUMULATOR_BITS,
    AVERAGE_BITS,
    MEMORIES,
    accumulator_bits_needed,
    average_bits_needed,
)
from firelane.compiler.ir.graph import Graph
from firelane.compiler.lower import lower
from firelane.compiler.program.coded import CYCLE_PRICES
from firelane.compiler.program.descriptors import Descriptor, Memories, describe
from firelane.compiler.program.rom_size import RomSize, size_of
from firelane.compiler.schedule.cost_model import channel_taps
from firelane.compiler.schedule.steps import all_steps
from firelane.compiler.tiles.layers import AnyLayer, TiledNetwork, TileLayer
from firelane.hw.contract.config import EngineConfig


@dataclass(frozen=True)
class Cost:
    """`rom` of the image; `cycles` of all taps of a frame (pooling's too; not the start and end of tiles)."""

    rom: RomSize
    cycles: int


def roomy_engine(cfg: EngineConfig, own_tables: bool = False) -> EngineConfig:
    """`cfg` with memories that hold any network: what is measured must not depend on what a board has left.

    With `own_tables` the tables of symbols stay: with less room in them, codes are shared, and streams are longer.
    """
    memories: dict[str, Any] = {name: size for name, size in MEMORIES[-1].items()
                                if not (own_tables and name.endswith("_symbols"))}
    return replace(cfg, accumulator_bits=ACCUMULATOR_BITS[-1], average_bits=AVERAGE_BITS[-1], **memories)


def layer_tiles(graph: Graph, cfg: EngineConfig) -> dict[str, int]:
    """Tiles of a frame for each convolution by node name: the cycles that one tap of each channel costs."""
    network = lower(graph, roomy_engine(cfg))
    tiles = _tiles(network, cfg)
    named = {node.name for node in graph.nodes}
    return {layer.name: tiles[number] for number, layer in enumerate(network.layers)
            if layer.name in named and isinstance(layer, TileLayer)}


def measure(graph: Graph, cfg: EngineConfig, *, own_tables: bool = False) -> Cost:
    """The cost of a graph as `compiler.program.emit.emit` stores it where there is room, see `roomy_engine`."""
    layers = [layer for layer in lower(graph, roomy_engine(cfg)).layers if isinstance(layer, TileLayer)]
    need = max(cfg.accumulator_bits, accumulator_bits_needed(layers), average_bits_needed(layers) + 1)
    bits = next(size for size in ACCUMULATOR_BITS if size >= need)
    cfg = replace(roomy_engine(cfg, own_tables), accumulator_bits=bits, average_bits=bits - 1)
    network = lower(graph, cfg)
    tiles = _tiles(network, cfg)
    memories = Memories(WeightMemory(), SymbolTable(), SymbolTable())
    descriptors = [describe(layer, network, cfg, memories, CYCLE_PRICES[0] * tiles[number])
                   for number, layer in enumerate(network.layers)]
    size = size_of(memories.weights.streams, descriptors, weight_words=len(memories.weights.words),
                   value_entries=len(memories.values.entries), run_entries=len(memories.runs.entries))
    cycles = sum(_cycles(layer, descriptor, cfg) * tiles[number]
                 for number, (layer, descriptor) in enumerate(zip(network.layers, descriptors)))
    return Cost(size, cycles)


def _tiles(network: TiledNetwork, cfg: EngineConfig) -> Counter[int]:
    """Tiles of a frame, by the number of the layer."""
    return Counter(step.layer for step in all_steps(network, cfg))


def _cycles(layer: AnyLayer, descriptor: Descriptor, cfg: EngineConfig) -> int:
    """Cycles of the taps of one tile."""
    return channel_taps(layer, descriptor.encoded).cycles(cfg) if isinstance(layer, TileLayer) else 0
