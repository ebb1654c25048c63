"""The program: what the engine's memories hold, and what each instruction is about.

`emit` writes the words; nothing else makes instructions. Every field is checked against its width.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from firelane.compiler.coding.bit_fields import instruction_fields, pack, split_words
from firelane.compiler.coding.weight_code import EncodedLayer
from firelane.compiler.coding.weight_memory import WeightStream
from firelane.compiler.program.coded import CodedNetwork, code_network, distinct, encoded_layers
from firelane.compiler.program.descriptors import Descriptor, Memories
from firelane.compiler.schedule.search import Schedule
from firelane.compiler.schedule.steps import Block, Step
from firelane.compiler.support.errors import CapacityError
from firelane.compiler.support.problems import raise_all
from firelane.compiler.tiles.larger_engine import larger_engine, weight_bytes
from firelane.compiler.tiles.layers import AverageLayer, LoadLayer, OutputLayer, TiledNetwork, TileLayer, View
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    FORMAT_VERSION,
    HEADER_WORDS,
    MAGIC,
    WEIGHT_ADDRESS_BITS,
    Destination,
    Header,
    Opcode,
    instruction_words,
)
from firelane.hw.contract.memory_contents import MemoryContents

CRC_WORD_BYTES = 5


@dataclass(frozen=True)
class InstructionNote:
    """What one instruction does, for people and for tracing; `address` is its word in the program.

    A TILE, LOAD or AVERAGE makes rows [first_row, first_row + rows) of `tensor`, channels [0, channels), which are
    stored in the words from `words` on, those of map row group `group`, from word row `row` on. An OUTPUT sends them.
    """

    address: int
    opcode: Opcode
    layer: str
    tensor: str | None          #: None: channel sums, the result stream
    group: int
    first_row: int
    rows: int
    channels: int
    words: int
    row: int


@dataclass(frozen=True, eq=False)
class Program:
    """What the memories of one engine hold for one network, and what it means."""

    cfg: EngineConfig
    network: TiledNetwork
    contents: MemoryContents
    streams: tuple[WeightStream, ...]           #: what is stored in `contents.weights`
    descriptor_addresses: tuple[int, ...]       #: of each layer of the network
    descriptors: tuple[Descriptor, ...]
    notes: tuple[InstructionNote, ...]

    @property
    def encoded(self) -> dict[str, EncodedLayer]:
        """The weight streams by layer name."""
        return encoded_layers(self.network, self.descriptors)


def emit(network: TiledNetwork, plan: Schedule, cfg: EngineConfig) -> Program:
    """The program: what all memories hold.

    Raises
    ------
    CapacityError
        If a memory is too small, or if a value does not fit its field.
    """
    coded = code_network(network, plan, cfg)
    _check_sizes(cfg, coded)
    memories, size = coded.memories, instruction_words(cfg)
    addresses, tail = _arrange(coded)
    instructions: list[int] = []
    notes: list[InstructionNote] = []
    for number, step in enumerate(plan.steps):
        fields = _instruction(step, network, plan, cfg)
        fields |= {"wait_load": plan.wait_load[number], "beside": plan.beside[number], "layer": addresses[step.layer]}
        name = network.layers[step.layer].name
        instructions += split_words(pack(instruction_fields(cfg), fields, name), size)
        notes.append(_note(step, network, fields, HEADER_WORDS + number * size))
    instructions += split_words(pack(instruction_fields(cfg), {"opcode": Opcode.END, "wait_load": 1}, "end"), size)
    body = [*instructions, *tail]
    header = _header(cfg, body, memories)
    contents = MemoryContents((*header, *body), tuple(memories.weights.words), tuple(memories.values.entries),
                              tuple(memories.runs.entries))
    return Program(cfg, network, contents, tuple(memories.weights.streams), addresses, coded.descriptors, tuple(notes))


def _arrange(coded: CodedNetwork) -> tuple[tuple[int, ...], list[int]]:
    """Addresses of the descriptors, equal ones shared, and their words."""
    found: dict[tuple, int] = {}
    words: list[int] = []
    for descriptor in distinct(coded.descriptors):
        found[descriptor.key] = coded.tail + len(words)
        words += descriptor.words
    return tuple(found[descriptor.key] for descriptor in coded.descriptors), words


def _instruction(step: Step, network: TiledNetwork, plan: Schedule, cfg: EngineConfig) -> dict:
    """The fields of one instruction except `layer`, `wait_load` and `beside`."""
    layer = network.layers[step.layer]
    match layer:
        case LoadLayer():
            return _load(step, layer, plan)
        case TileLayer():
            return _tile(step, layer, network, plan, cfg)
        case AverageLayer():
            address = _first_word(plan, step.output, layer.output) if layer.output else 0
            return {"opcode": Opcode.AVERAGE, "last": layer.last, "address": address, "rows": 1}
        case OutputLayer():
            source = network.maps[layer.input.map]
            return {"opcode": Opcode.OUTPUT, "last": step.first_row + step.rows == source.height,
                    "slots[0].address": _first_word(plan, step.blocks_read[0], layer.input),
                    "slots[0].rows": step.rows}
        case _:
            assert_never(layer)


def _first_word(plan: Schedule, block: Block | None, view: View) -> int:
    """The word that holds channel 0 of `view` in a row group of its map."""
    assert block is not None, f"a step that touches {view} has no block of it"
    return plan.addresses[block] + view.channel


def _load(step: Step, layer: LoadLayer, plan: Schedule) -> dict:
    split = 2 if layer.space_to_depth else 1
    return {"opcode": Opcode.LOAD, "last": split * (step.first_row + step.rows) >= layer.height,
            "address": _first_word(plan, step.output, layer.output),
            "rows": min(split * step.rows, layer.height - split * step.first_row), "slots[0].rows": step.rows}


def _tile(step: Step, layer: TileLayer, network: TiledNetwork, plan: Schedule, cfg: EngineConfig) -> dict:
    fields: dict = {"opcode": Opcode.TILE, "rows": step.rows}
    if layer.output:
        rows = network.maps[layer.output.map].rows_per_word(cfg)
        fields |= {"address": _first_word(plan, step.output, layer.output), "row": step.first_row % rows}
    if layer.destination is Destination.AVERAGE:
        fields["first"] = step.index == 0 and not layer.continues
    blocks = {(block.map, block.group): block for block in step.blocks_read}
    for number, slot in enumerate(layer.kernel.slots):
        view = layer.inputs[slot.operand]
        source, block = network.maps[view.map], blocks.get((view.map, step.base + slot.group))
        if block is not None:
            rows = source.rows_per_word(cfg)
            fields[f"slots[{number}].address"] = _first_word(plan, block, view)
            fields[f"slots[{number}].rows"] = min(rows, source.height - rows * block.group)
    return fields


def _note(step: Step, network: TiledNetwork, fields: dict, address: int) -> InstructionNote:
    """The note of the instruction with `fields` at word `address`: about what it sends, or else about what it makes."""
    layer = network.layers[step.layer]
    sends = isinstance(layer, OutputLayer)
    view = layer.input if isinstance(layer, OutputLayer) else layer.writes
    block = step.blocks_read[0] if sends else step.output
    return InstructionNote(
        address=address, opcode=fields["opcode"], layer=layer.name, tensor=_tensor_of(network, view),
        group=block.group if block else 0, first_row=step.first_row, rows=step.rows,
        channels=view.channels if view else layer.channels_summed,
        words=fields.get("slots[0].address" if sends else "address", 0),
        row=0 if sends else fields.get("row", 0))


def _tensor_of(network: TiledNetwork, view: View | None) -> str | None:
    """The tensor of the graph that is stored in exactly `view`, else the map."""
    if view is None:
        return None
    view = network.origin(view)
    return next((name for name, found in network.tensors.items() if found == view), view.map)


def _header(cfg: EngineConfig, body: Sequence[int], memories: Memories) -> list[int]:
    weights = memories.weights.words
    values, runs = memories.values.entries, memories.runs.entries
    header = [0] * HEADER_WORDS
    header[Header.IDENTITY] = MAGIC << 8 | FORMAT_VERSION
    header[Header.CONFIG_DIGEST] = cfg.digest
    header[Header.PROGRAM_LENGTH] = HEADER_WORDS + len(body)
    header[Header.WEIGHT_LENGTH] = len(weights)
    header[Header.WEIGHT_CRC] = crc_of_words(weights)
    header[Header.TABLE_LENGTHS] = len(values) | len(runs) << 18
    header[Header.TABLE_CRC] = crc_of_words([*values, *runs])
    header[Header.PROGRAM_CRC] = crc_of_words([*header[Header.WEIGHT_LENGTH:], *body])
    return header


def crc_of_words(words: Iterable[int]) -> int:
    """CRC-32 of `words`, each as 5 little-endian bytes."""
    return zlib.crc32(b"".join(word.to_bytes(CRC_WORD_BYTES, "little") for word in words))


def _check_sizes(cfg: EngineConfig, coded: CodedNetwork) -> None:
    memories, program_words = coded.memories, coded.program_words
    values, runs, words = len(memories.values.entries), len(memories.runs.entries), len(memories.weights.words)
    assert values <= cfg.value_symbols and runs <= cfg.run_symbols, "layers are coded in what room there is"
    problems = []
    if program_words > cfg.program_words:
        ways = [*larger_engine(cfg, program_words=program_words), "more --banks or a smaller input, for fewer tiles"]
        problems.append(_lacking(cfg, "program_words", program_words, " or ".join(ways)))
    if words > cfg.weight_words:
        problems.append(_lacking(cfg, "weight_words", words, " or ".join(_ways_for_weights(cfg, words))))
    raise_all(problems)


def _lacking(cfg: EngineConfig, name: str, need: int, hint: str) -> CapacityError:
    return CapacityError(name, f"the network needs {need:,}, the engine has {getattr(cfg, name):,}", hint=hint)


def _ways_for_weights(cfg: EngineConfig, need: int) -> list[str]:
    """What a user can do about weights that are too large: a smaller network, or a larger engine, or both."""
    compress, most = "firelane compress MODEL --calib DIR -o SMALLER --budget {}", 1 << WEIGHT_ADDRESS_BITS
    ways = [compress.format(weight_bytes(cfg.weight_words)), *larger_engine(cfg, weight_words=need)]
    if cfg.weight_words < most < need:
        ways.append(f"--budget {weight_bytes(most)} and {larger_engine(cfg, weight_words=most)[0]}")
    return ways
