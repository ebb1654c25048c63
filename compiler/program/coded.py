"""A scheduled network in bits: its descriptors, what they point to, and how many words all of it takes.

Nothing here looks whether an engine has so many words: `compiler.program.emit` does, and writes the program;
`compiler.fit.estimate` says what a network of any size would take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from firelane.compiler.coding.weight_code import EncodedLayer
from firelane.compiler.coding.weight_memory import SymbolTable, WeightMemory
from firelane.compiler.program.descriptors import Descriptor, Memories, describe
from firelane.compiler.schedule.search import Schedule
from firelane.compiler.tiles.layers import TiledNetwork
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import HEADER_WORDS, instruction_words

CYCLE_PRICES = (1.0, 0.3, 0.1, 0.0)    #: bits of weight memory that a cycle may cost, the first choice first
HOPELESS = 4            #: times the weight memory: no price makes so much of a difference


@dataclass(frozen=True, eq=False)
class CodedNetwork:
    """All layers of `network` in bits, and where the descriptors begin in the program: at word `tail`."""

    network: TiledNetwork
    descriptors: tuple[Descriptor, ...]
    memories: Memories
    tail: int

    @property
    def program_words(self) -> int:
        """Words of the program: header, instructions, and each descriptor once."""
        return self.tail + sum(descriptor.length for descriptor in distinct(self.descriptors))

    @property
    def encoded(self) -> dict[str, EncodedLayer]:
        """The weight streams by layer name."""
        return encoded_layers(self.network, self.descriptors)

def code_network(network: TiledNetwork, plan: Schedule, cfg: EngineConfig) -> CodedNetwork:
    """All layers in bits: with as few cycles as the weight memory has room for, or else with as few bits as can be.

    What is many times too large is not made smaller: that would take its time and change nothing.
    """
    first, *others, last = CYCLE_PRICES
    fastest = _coded(network, plan, cfg, first)
    if _holds(cfg, fastest) or len(fastest.memories.weights.words) > HOPELESS * cfg.weight_words:
        return fastest
    smallest = _coded(network, plan, cfg, last)
    between = (_coded(network, plan, cfg, price) for price in others) if _holds(cfg, smallest) else iter(())
    return next((coded for coded in between if _holds(cfg, coded)), smallest)


def _coded(network: TiledNetwork, plan: Schedule, cfg: EngineConfig, price: float) -> CodedNetwork:
    """All descriptors and what they point to. What a tap more costs are the tiles of its layer."""
    tiles = Counter(step.layer for step in plan.steps)
    memories = Memories(WeightMemory(), SymbolTable(), SymbolTable())
    descriptors = tuple(describe(layer, network, cfg, memories, price * tiles[number])
                        for number, layer in enumerate(network.layers))
    return CodedNetwork(network, descriptors, memories,
                        HEADER_WORDS + (len(plan.steps) + 1) * instruction_words(cfg))


def _holds(cfg: EngineConfig, coded: CodedNetwork) -> bool:
    return len(coded.memories.weights.words) <= cfg.weight_words


def distinct(descriptors: Iterable[Descriptor]) -> list[Descriptor]:
    """The descriptors without those that equal an earlier one."""
    found: dict[tuple, Descriptor] = {}
    for descriptor in descriptors:
        found.setdefault(descriptor.key, descriptor)
    return list(found.values())


def encoded_layers(network: TiledNetwork, descriptors: Iterable[Descriptor]) -> dict[str, EncodedLayer]:
    """The weight streams by layer name."""
    return {layer.name: descriptor.encoded for layer, descriptor in zip(network.layers, descriptors)
            if descriptor.encoded}
