"""An independent check of a program: that every instruction finds what it should, where it should.

It replays the emitted words over a symbolic memory. What an instruction *will* read follows from the words alone; what
it *should* read follows from the network's layers. A program's notes claim which rows of which layer an instruction
makes: every claim is checked. Order, lifetimes and addresses of the scheduler are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple, assert_never

from firelane.compiler.coding.bit_fields import descriptor_fields, field_table, instruction_fields, join_words, unpack
from firelane.compiler.program.emit import InstructionNote, Program
from firelane.compiler.program.symbolic_memory import SymbolicMemory
from firelane.compiler.tiles.kernel_table import Place
from firelane.compiler.tiles.layers import AnyLayer, AverageLayer, LoadLayer, Map, OutputLayer, TileLayer, View
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    DESCRIPTOR_WORDS,
    HEADER_WORDS,
    KERNEL_ENTRY,
    KERNEL_ENTRY_BITS,
    Destination,
    Header,
    Opcode,
    RowMove,
    Source,
    instruction_words,
    stream_words,
)


class ScheduleError(Exception):
    """The compiler emitted a program that would compute something else: a defect of ours, never of the user."""


@dataclass(frozen=True)
class Region:
    """Rows (a bit mask of banks) of words [address, address + words)."""

    address: int
    words: int
    banks: int

    def overlaps(self, other: Region) -> bool:
        return bool(self.banks & other.banks and self.address < other.address + other.words
                    and other.address < self.address + self.words)


@dataclass(frozen=True)
class _Instruction:
    """An instruction as the words have it: what its note claims, its fields, and those of its descriptor."""

    note: InstructionNote
    fields: dict[str, int]
    descriptor: dict[str, int]

    def slot(self, number: int) -> tuple[int, int]:
        """Address and rows of a slot."""
        return self.fields[f"slots[{number}].address"], self.fields[f"slots[{number}].rows"]


class _Read(NamedTuple):
    """A row of lanes that looks at row `word_row` of the word at a slot: there must be row `row` of an operand."""

    slot: int
    word_row: int
    operand: int
    row: int


@dataclass
class _Replay:
    """The engine so far."""

    program: Program
    memory: SymbolicMemory
    pending: Region | None = None               #: the load under way
    at_work: list[Region] = field(default_factory=list)     #: read and written by the last tile, which may still run
    image_rows: int = 0                         #: arrived so far
    result_rows: int = 0                        #: sent so far
    result_channels: int = 0
    summed_rows: dict[str, int] = field(default_factory=dict)      #: in the channel sums: layer -> rows of it
    where: str = ""

    @property
    def cfg(self) -> EngineConfig:
        return self.program.cfg

    @property
    def maps(self) -> dict[str, Map]:
        return self.program.network.maps

    def require(self, condition: object, message: str) -> None:
        """Raise `ScheduleError` unless `condition` holds."""
        if not condition:
            raise ScheduleError(f"{self.where}: {message}")

    def use(self, region: Region, what: str) -> None:
        """Words that an instruction touches: they exist, and no load is writing them."""
        self.require(region.address + region.words <= self.cfg.activation_words,
                     f"{what} is words {region.address} .. {region.address + region.words - 1}")
        self.require(self.pending is None or not self.pending.overlaps(region), f"{what} is still being loaded")

    def region(self, address: int, words: int, parts_log2: int, first: int, rows: int) -> Region:
        """Rows [first, first + rows) of words."""
        self.require(first + rows <= self.cfg.banks >> parts_log2, f"rows {first} .. {first + rows - 1} of a word")
        banks = {int(bank) for row in range(first, first + rows) for bank in self.memory.banks(parts_log2, row)}
        return Region(address, words, sum(1 << bank for bank in banks))

    def write(self, view: View, address: int, word_row: int, first_row: int, rows: int) -> None:
        """Rows [first_row, first_row + rows) of `view` are now in the words at `address`, from row `word_row` on."""
        stored = self.maps[view.map]
        for row in range(rows):
            self.memory.write(address, word_row + row, stored.parts_log2, view, first_row + row, stored.columns)


def check_schedule(program: Program) -> None:
    """Replay one frame of `program`.

    Raises
    ------
    ScheduleError
        At the first instruction that reads something else than its layer says, overwrites what it still has to read,
        uses a word that is being loaded or that does not exist, or at a result that is not complete.
    """
    replay = _Replay(program, SymbolicMemory(program.cfg, sorted(program.network.maps)))
    numbers = {layer.name: number for number, layer in enumerate(program.network.layers)}
    words, size = program.contents.program, instruction_words(program.cfg)
    pc = HEADER_WORDS
    for note in program.notes:
        replay.where = f"word {pc}, {note.layer}, row {note.first_row}"
        fields = unpack(instruction_fields(program.cfg), join_words(words[pc:pc + size]))
        replay.require(note.address == pc and Opcode(fields["opcode"]) is note.opcode, "the note is of another one")
        address = fields["layer"]
        replay.require(address == program.descriptor_addresses[numbers[note.layer]], "another descriptor")
        descriptor = unpack(descriptor_fields(), join_words(words[address:address + DESCRIPTOR_WORDS]))
        if fields["wait_load"]:
            replay.pending = None
        _run(replay, _Instruction(note, fields, descriptor), program.network.layers[numbers[note.layer]])
        pc += size
    _end(replay, pc)


def _run(replay: _Replay, instruction: _Instruction, layer: AnyLayer) -> None:
    replay.require(instruction.note.opcode.name.lower() == layer.kind, "an instruction for another kind of layer")
    match layer:
        case TileLayer():
            _tile(replay, instruction, layer)
        case LoadLayer():
            _load(replay, instruction, layer)
        case AverageLayer():
            replay.at_work = []                 # it has waited
            _average(replay, instruction, layer)
        case OutputLayer():
            replay.at_work = []
            _output(replay, instruction, layer)
        case _:
            assert_never(layer)


def _end(replay: _Replay, pc: int) -> None:
    program, words = replay.program, replay.program.contents.program
    replay.where = f"word {pc}, end"
    fields = unpack(instruction_fields(replay.cfg), join_words(words[pc:pc + instruction_words(replay.cfg)]))
    replay.require(Opcode(fields["opcode"]) is Opcode.END, "there is no END")
    replay.require(replay.pending is None or fields["wait_load"], "a load is under way")
    replay.require(words[Header.PROGRAM_LENGTH] == len(words), "the length in the header is wrong")
    streamed = 0
    for layer in program.network.layers:
        match layer:
            case LoadLayer():
                replay.require(replay.image_rows == layer.height, f"{replay.image_rows} image rows are read")
            case OutputLayer():
                replay.require(replay.result_rows == replay.maps[layer.input.map].height,
                               f"{replay.result_rows} rows of the result are sent")
            case AverageLayer(output=None):
                streamed += layer.channels
    replay.require(replay.result_channels == streamed, "averages are missing")


def _load(replay: _Replay, instruction: _Instruction, layer: LoadLayer) -> None:
    replay.pending = None                       # a load waits for the one before
    fields, descriptor = instruction.fields, instruction.descriptor
    target, split = replay.maps[layer.output.map], 1 + descriptor["space_to_depth"]
    rows, first = instruction.slot(0)[1], instruction.note.first_row
    replay.require(descriptor["parts_log2"] == target.parts_log2, "another row class")
    replay.require((descriptor["image_columns"], descriptor["channels_in"]) == (layer.width, layer.channels),
                   "another image")
    replay.require(split == 1 + layer.space_to_depth and descriptor["pad"] == layer.pad, "another kind of load")
    replay.require(first * split == replay.image_rows, f"rows {replay.image_rows} of the image come next")
    replay.image_rows += fields["rows"]
    expected = min((first + rows) * split, layer.height)
    replay.require(replay.image_rows == expected and rows, f"takes {fields['rows']} image rows")
    replay.require(bool(fields["last"]) == (expected == layer.height), "'last' is wrong")
    region = replay.region(fields["address"], layer.output.channels, target.parts_log2, fields["row"], rows)
    replay.use(region, "the output")
    if fields["beside"]:
        replay.require(not any(map(region.overlaps, replay.at_work)), "the tile before still uses the words")
    replay.write(layer.output, fields["address"], fields["row"], first, rows)
    replay.pending = region


def _tile(replay: _Replay, instruction: _Instruction, layer: TileLayer) -> None:
    _check_descriptor(replay, layer, instruction.descriptor)
    reads = _reads_of_tile(replay, instruction, layer)
    for read in reads:
        _check_read(replay, instruction, layer.inputs[read.operand], read)
    sources = [_source_region(replay, instruction, layer.inputs[operand], slot)
               for slot, operand in dict.fromkeys((read.slot, read.operand) for read in reads)]
    replay.at_work = sources
    if layer.output is None:
        _sum(replay, instruction, layer)
    else:
        replay.at_work = [*sources, _write_tile(replay, instruction, layer, layer.output, sources)]


def _reads_of_tile(replay: _Replay, instruction: _Instruction, layer: TileLayer) -> list[_Read]:
    """All rows that some row of lanes looks at: where, by the kernel table, and for which row, by the layer."""
    rows = replay.cfg.banks >> instruction.descriptor["parts_log2"]
    kernel = _kernel(replay.program, instruction)
    replay.require(len(kernel) == len(layer.places), "another kernel")
    for place, entry in zip(layer.places, kernel):
        _check_columns(replay, layer, place, entry["column_move"])
    reads = set()
    for kept, further in product(range(instruction.fields["rows"]), range(max(layer.block_rows, 1))):
        lane_row = layer.stride * kept + layer.row_phase + further if rows > 1 else 0
        replay.require(lane_row < rows, f"output row {kept} is not in this tile")
        first = layer.stride * (instruction.note.first_row + kept) + layer.row_phase + further
        reads |= {_Read(*_seen(entry, lane_row, rows), place.operand, first + place.dy)
                  for place, entry in zip(layer.places, kernel)}
    return sorted(reads)


def _check_columns(replay: _Replay, layer: TileLayer, place: Place, move: int) -> None:
    """A place moves columns as its layer says and the engine can, and not to the left of a map that begins behind."""
    replay.require(move == place.dx and move in replay.cfg.column_moves, f"moves columns by {move}")
    first = replay.maps[layer.inputs[place.operand].map].first_column
    leftmost = layer.stride * layer.first_column + layer.column_phase + move
    replay.require(leftmost >= first or not first, f"reads column {leftmost}, the map begins at {first}")


def _write_tile(replay: _Replay, instruction: _Instruction, layer: TileLayer, output: View,
                sources: list[Region]) -> Region:
    """The rows that a tile makes of `output`, while it still reads `sources`; returns where."""
    fields, target = instruction.fields, replay.maps[output.map]
    written = replay.region(fields["address"], layer.channels_out, target.parts_log2, fields["row"], fields["rows"])
    replay.use(written, "the output")
    replay.require(fields["row"] + fields["rows"] <= target.rows_per_word(replay.cfg), "rows behind the word")
    for source in sources:
        in_order = instruction.descriptor["source"] == Source.WINDOW.value and written.address <= source.address
        replay.require(in_order or not written.overlaps(source), "overwrites what it still has to read")
    replay.write(output, fields["address"], fields["row"], instruction.note.first_row, fields["rows"])
    return written


def _check_descriptor(replay: _Replay, layer: TileLayer, descriptor: dict[str, int]) -> None:
    """The geometry that the words below are judged by is the layer's."""
    source = replay.maps[layer.inputs[0].map]
    wanted = {"columns": source.columns, "parts_log2": source.parts_log2, "subsample": layer.subsample,
              "row_phase": layer.row_phase, "column_phase": layer.column_phase, "out_columns": layer.out_columns,
              "channels_out": layer.channels_out, "operation": layer.operation.value, "pad": layer.pad,
              "destination": layer.destination.value, "zero_point": layer.requantize.zero_point,
              "clamp_low": layer.requantize.low, "clamp_high": layer.requantize.high}
    if layer.output:
        wanted["out_parts_log2"] = replay.maps[layer.output.map].parts_log2
    if layer.weights is not None:
        wanted |= {"channels_in": layer.weights.shape[1], "group_channels": layer.channels_out // layer.groups}
    elif replay.cfg.merges_blocks:
        wanted |= {"dense": layer.block_rows > 0}
        one_row = source.rows_per_word(replay.cfg) == 1
        replay.require(layer.block_rows in ((0, 1) if one_row else (0, 2)), f"merges {layer.block_rows} rows")
    for name, value in wanted.items():
        replay.require(descriptor[name] == int(value), f"{name} is {descriptor[name]}, not {int(value)}")
    for view in layer.inputs:
        channels = layer.channels_out if layer.weights is None else layer.weights.shape[1] * layer.groups
        replay.require(view.channels == channels, f"reads {channels} channels of {view.channels}")
    averages = layer.destination is Destination.AVERAGE
    replay.require(averages == (layer.output is None), "has an output and channel sums, or neither")


def _kernel(program: Program, instruction: _Instruction) -> list[dict[str, int]]:
    """The kernel table behind the descriptor of an instruction."""
    taps, stream = instruction.descriptor["kernel_taps"], instruction.descriptor["source"] == Source.STREAM.value
    start = instruction.fields["layer"] + DESCRIPTOR_WORDS + (stream_words(program.cfg) if stream else 0)
    halves = [(word >> shift) & ((1 << KERNEL_ENTRY_BITS) - 1)
              for word in program.contents.program[start:start + -(-taps // 2)] for shift in (0, KERNEL_ENTRY_BITS)]
    return [unpack(field_table(KERNEL_ENTRY), half) for half in halves[:taps]]


def _seen(entry: dict[str, int], lane_row: int, rows: int) -> tuple[int, int]:
    """Slot and word row that a row of lanes sees."""
    row = lane_row + {RowMove.NONE: 0, RowMove.UP: -1, RowMove.DOWN: 1}[RowMove(entry["row_move"])]
    inside = 0 <= row < rows
    return entry["slot" if inside else "wrap_slot"], row % rows


def _check_read(replay: _Replay, instruction: _Instruction, view: View, read: _Read) -> None:
    """The row of `view` that must be read is at the word row that is read, or reads as pad if the map has no such."""
    source, row = replay.maps[view.map], read.row
    address, exist = instruction.slot(read.slot)
    if read.word_row >= exist:
        replay.require(not 0 <= row < source.height, f"row {row} of {view.map} reads as outside the map")
        return
    replay.require(0 <= row < source.height, f"row {row} of {view.map} does not exist, but is read")
    parts_log2 = instruction.descriptor["parts_log2"]           # as the engine reads all operands
    found = replay.memory.holds(address, read.word_row, parts_log2, view, row, source.columns)
    replay.require(found, f"row {row} of {view} is not at word {address}, row {read.word_row}")


def _source_region(replay: _Replay, instruction: _Instruction, view: View, slot: int) -> Region:
    """The words that are read at a slot."""
    address, exist = instruction.slot(slot)
    region = replay.region(address, view.channels, instruction.descriptor["parts_log2"], 0, exist)
    if exist:
        replay.use(region, f"slot {slot}")
    return region


def _sum(replay: _Replay, instruction: _Instruction, layer: TileLayer) -> None:
    """A tile that adds to the channel sums: the rows of a layer in order, the layers of an average one by one."""
    if instruction.fields["first"]:
        replay.require(not replay.summed_rows, f"the sums of {', '.join(replay.summed_rows)} are lost")
    else:
        replay.require(replay.summed_rows, "adds to sums that were not begun")
    summed = replay.summed_rows.setdefault(layer.name, 0)
    replay.require(instruction.note.first_row == summed, f"row {summed} comes next")
    replay.summed_rows[layer.name] += instruction.fields["rows"]


def _average(replay: _Replay, instruction: _Instruction, layer: AverageLayer) -> None:
    fields, descriptor = instruction.fields, instruction.descriptor
    sources = [replay.program.network.tile_layer(name) for name in layer.sources]
    replay.require(replay.summed_rows == {source.name: source.out_height for source in sources},
                   f"summed are {replay.summed_rows or 'no rows'}")
    for source in sources:
        replay.require(descriptor["channels_out"] == layer.channels == source.channels_out,
                       "another number of channels")
    replay.summed_rows = {}
    to_memory = descriptor["destination"] == Destination.MEMORY.value
    replay.require(to_memory == (layer.output is not None), "another destination")
    if layer.output is None:
        replay.result_channels += layer.channels
        replay.require(bool(fields["last"]) == layer.last, "'last' is wrong")
        return
    replay.require(replay.cfg.taps_per_cycle == 1 or replay.pending is None, "stores averages beside a load")
    parts_log2 = replay.maps[layer.output.map].parts_log2
    replay.use(replay.region(fields["address"], layer.channels, parts_log2, 0, 1), "the output")
    replay.write(layer.output, fields["address"], 0, instruction.note.first_row, 1)


def _output(replay: _Replay, instruction: _Instruction, layer: OutputLayer) -> None:
    fields, descriptor = instruction.fields, instruction.descriptor
    first = instruction.note.first_row
    source, (address, rows) = replay.maps[layer.input.map], instruction.slot(0)
    replay.require((descriptor["columns"], descriptor["channels_out"], descriptor["parts_log2"])
                   == (source.width, layer.input.channels, source.parts_log2), "another map")
    replay.require(first == replay.result_rows, f"row {replay.result_rows} comes next")
    replay.use(replay.region(address, layer.input.channels, source.parts_log2, fields["row"], rows), "the map")
    for row in range(rows):
        found = replay.memory.holds(address, fields["row"] + row, source.parts_log2, layer.input, first + row,
                                    source.width)
        replay.require(found, f"row {first + row} of {layer.input} is not at word {address}")
    replay.result_rows += rows
    replay.require(bool(fields["last"]) == (replay.result_rows == source.height), "'last' is wrong")
