"""An independent check of a program: does every instruction find what it should, where it should?

It replays the emitted words over a symbolic memory. What an instruction *will* read follows from the words alone; what
it *should* read follows from the network's layers. A program's notes claim which rows of which layer an instruction
makes: every claim is checked. Order, lifetimes and addresses of the scheduler are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from firelane.compiler.coding.bit_fields import descriptor_fields, field_table, instruction_fields, join_words, unpack
from firelane.compiler.program.emit import InstructionNote, Program
from firelane.compiler.program.symbolic_memory import SymbolicMemory
from firelane.compiler.tiles.layers import AverageLayer, LoadLayer, OutputLayer, TileLayer, View
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORDS,
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


@dataclass
class _Replay:
    """The engine so far."""

    program: Program
    memory: SymbolicMemory
    pending: Region | None = None               #: the load under way
    image_rows: int = 0                         #: arrived so far
    result_rows: int = 0                        #: sent so far
    result_channels: int = 0
    summed_rows: dict[str, int] = field(default_factory=dict)      #: in the channel sums: layer -> rows of it
    where: str = ""
    layers: dict[str, int] = field(default_factory=dict)

    @property
    def cfg(self) -> EngineConfig:
        return self.program.cfg

    def require(self, condition, message: str) -> None:
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


def check_schedule(program: Program) -> None:
    """Replay one frame of `program`.

    Raises
    ------
    ScheduleError
        At the first instruction that reads something else than its layer says, overwrites what it still has to read,
        uses a word that is being loaded or that does not exist, or at a result that is not complete.
    """
    replay = _Replay(program, SymbolicMemory(program.cfg, sorted(program.network.maps)))
    replay.layers = {layer.name: number for number, layer in enumerate(program.network.layers)}
    words, size, pc = program.contents.program, instruction_words(program.cfg), HEADER_WORDS
    run = {Opcode.TILE: _tile, Opcode.LOAD: _load, Opcode.AVERAGE: _average, Opcode.OUTPUT: _output}
    for note in program.notes:
        replay.where = f"word {pc}, {note.layer}, row {note.first_row}"
        tile = unpack(instruction_fields(program.cfg), join_words(words[pc:pc + size]))
        replay.require(note.address == pc and Opcode(tile["opcode"]) is note.opcode, "the note is of another one")
        layer = program.network.layers[replay.layers[note.layer]]
        address = tile["layer"]
        replay.require(address == program.descriptor_addresses[replay.layers[note.layer]], "another descriptor")
        descriptor = unpack(descriptor_fields(), join_words(words[address:address + DESCRIPTOR_WORDS]))
        if tile["wait_load"]:
            replay.pending = None
        run[note.opcode](replay, note, layer, tile, descriptor)
        pc += size
    _end(replay, pc)


def _end(replay: _Replay, pc: int) -> None:
    program = replay.program
    replay.where = f"word {pc}, end"
    words = program.contents.program
    tile = unpack(instruction_fields(replay.cfg), join_words(words[pc:pc + instruction_words(replay.cfg)]))
    replay.require(Opcode(tile["opcode"]) is Opcode.END, "there is no END")
    replay.require(replay.pending is None or tile["wait_load"], "a load is under way")
    replay.require(words[Header.PROGRAM_LENGTH] == len(words), "the length in the header is wrong")
    for layer in program.network.layers:
        if isinstance(layer, LoadLayer):
            replay.require(replay.image_rows == layer.height, f"{replay.image_rows} image rows are read")
        if isinstance(layer, OutputLayer):
            height = program.network.maps[layer.input.map].height
            replay.require(replay.result_rows == height, f"{replay.result_rows} rows of the result are sent")
    streamed = [layer for layer in program.network.layers if isinstance(layer, AverageLayer) and layer.output is None]
    replay.require(replay.result_channels == sum(layer.channels for layer in streamed), "averages are missing")


def _slot(tile: dict, number: int) -> tuple[int, int]:
    """Address and rows of a slot."""
    return tile[f"slots[{number}].address"], tile[f"slots[{number}].rows"]


def _load(replay: _Replay, note: InstructionNote, layer: LoadLayer, tile: dict, descriptor: dict) -> None:
    replay.pending = None                       # a load waits for the one before
    target, split = replay.program.network.maps[layer.output.map], 1 + descriptor["space_to_depth"]
    rows, first = _slot(tile, 0)[1], note.first_row
    replay.require(descriptor["parts_log2"] == target.parts_log2, "another row class")
    replay.require((descriptor["image_columns"], descriptor["channels_in"]) == (layer.width, layer.channels),
                   "another image")
    replay.require(split == 1 + layer.space_to_depth and descriptor["pad"] == layer.pad, "another kind of load")
    replay.require(first * split == replay.image_rows, f"rows {replay.image_rows} of the image come next")
    replay.image_rows += tile["rows"]
    expected = min((first + rows) * split, layer.height)
    replay.require(replay.image_rows == expected and rows, f"takes {tile['rows']} image rows")
    replay.require(bool(tile["last"]) == (expected == layer.height), "'last' is wrong")
    region = replay.region(tile["address"], layer.output.channels, target.parts_log2, tile["row"], rows)
    replay.use(region, "the output")
    _write(replay, layer.output, tile, note, rows, target.width)
    replay.pending = region


def _tile(replay: _Replay, note: InstructionNote, layer: TileLayer, tile: dict, descriptor: dict) -> None:
    network, rows = replay.program.network, replay.cfg.banks >> descriptor["parts_log2"]
    _check_descriptor(replay, layer, descriptor)
    reads = {}
    kernel = _kernel(replay.program, tile["layer"], descriptor)
    replay.require(len(kernel) == len(layer.places), "another kernel")
    for kept in range(tile["rows"]):
        lane_row = layer.stride * kept + layer.row_phase if rows > 1 else 0
        replay.require(lane_row < rows, f"output row {kept} is not in this tile")
        for place, entry in zip(layer.places, kernel):
            row = layer.stride * (note.first_row + kept) + layer.row_phase + place.dy
            reads[*_seen(entry, lane_row, rows), place.operand, row] = None
    for number, word_row, operand, row in reads:
        _check_read(replay, layer.inputs[operand], descriptor, *_slot(tile, number), word_row, row)
    regions = {(number, operand): _read_region(replay, layer.inputs[operand], descriptor, tile, number)
               for number, _, operand, _ in reads}
    if layer.destination is Destination.AVERAGE:
        _sum(replay, note, layer, tile)
        return
    target = network.maps[layer.output.map]
    written = replay.region(tile["address"], layer.channels_out, target.parts_log2, tile["row"], tile["rows"])
    replay.use(written, "the output")
    replay.require(tile["row"] + tile["rows"] <= target.rows_per_word(replay.cfg), "rows behind the word")
    for region in regions.values():
        in_order = descriptor["source"] == Source.WINDOW.value and written.address <= region.address
        replay.require(in_order or not written.overlaps(region), "overwrites what it still has to read")
    _write(replay, layer.output, tile, note, tile["rows"], target.width)


def _check_descriptor(replay: _Replay, layer: TileLayer, descriptor: dict) -> None:
    """The geometry that the words below are judged by is the layer's."""
    source = replay.program.network.maps[layer.inputs[0].map]
    wanted = {"columns": source.width, "parts_log2": source.parts_log2, "subsample": layer.subsample,
              "row_phase": layer.row_phase, "column_phase": layer.column_phase, "out_columns": layer.out_width,
              "channels_out": layer.channels_out, "operation": layer.operation.value, "pad": layer.pad,
              "destination": layer.destination.value, "zero_point": layer.requantize.zero_point,
              "clamp_low": layer.requantize.low, "clamp_high": layer.requantize.high}
    if layer.output:
        wanted["out_parts_log2"] = replay.program.network.maps[layer.output.map].parts_log2
    if layer.weights is not None:
        wanted |= {"channels_in": layer.weights.shape[1], "group_channels": layer.channels_out // layer.groups}
    for name, value in wanted.items():
        replay.require(descriptor[name] == int(value), f"{name} is {descriptor[name]}, not {int(value)}")
    for view in layer.inputs:
        channels = layer.channels_out if layer.weights is None else layer.weights.shape[1] * layer.groups
        replay.require(view.channels == channels, f"reads {channels} channels of {view.channels}")


def _kernel(program: Program, address: int, descriptor: dict) -> list[dict]:
    """The kernel table behind a descriptor."""
    stream = descriptor["source"] == Source.STREAM.value
    start, fields = address + DESCRIPTOR_WORDS + (CODE_WORDS if stream else 0), field_table(KERNEL_ENTRY)
    halves = [(word >> shift) & ((1 << KERNEL_ENTRY_BITS) - 1)
              for word in program.contents.program[start:start + -(-descriptor["kernel_taps"] // 2)]
              for shift in (0, KERNEL_ENTRY_BITS)]
    return [unpack(fields, half) for half in halves[:descriptor["kernel_taps"]]]


def _seen(entry: dict, lane_row: int, rows: int) -> tuple[int, int]:
    """Slot and word row that a row of lanes sees."""
    row = lane_row + {RowMove.NONE: 0, RowMove.UP: -1, RowMove.DOWN: 1}[RowMove(entry["row_move"])]
    inside = 0 <= row < rows
    return entry["slot" if inside else "wrap_slot"], row % rows


def _check_read(replay: _Replay, view: View, descriptor: dict, address: int, exist: int, word_row: int,
                row: int) -> None:
    """One row of lanes sees row `row` of `view`, or the pad if the map has no such row."""
    source = replay.program.network.maps[view.map]
    if word_row >= exist:
        replay.require(not 0 <= row < source.height, f"row {row} of {view.map} reads as outside the map")
        return
    replay.require(0 <= row < source.height, f"row {row} of {view.map} does not exist, but is read")
    found = replay.memory.holds(address, word_row, descriptor["parts_log2"], view, row, source.width)
    replay.require(found, f"row {row} of {view} is not at word {address}, row {word_row}")


def _read_region(replay: _Replay, view: View, descriptor: dict, tile: dict, number: int) -> Region:
    address, exist = _slot(tile, number)
    region = replay.region(address, view.channels, descriptor["parts_log2"], 0, exist)
    if exist:
        replay.use(region, f"slot {number}")
    return region


def _sum(replay: _Replay, note: InstructionNote, layer: TileLayer, tile: dict) -> None:
    """A tile that adds to the channel sums: the rows of a layer in order, the layers of an average one by one."""
    if tile["first"]:
        replay.require(not replay.summed_rows, f"the sums of {', '.join(replay.summed_rows)} are lost")
    else:
        replay.require(replay.summed_rows, "adds to sums that were not begun")
    summed = replay.summed_rows.setdefault(layer.name, 0)
    replay.require(note.first_row == summed, f"row {summed} comes next")
    replay.summed_rows[layer.name] += tile["rows"]


def _average(replay: _Replay, note: InstructionNote, layer: AverageLayer, tile: dict, descriptor: dict) -> None:
    sources = [replay.program.network.layers[replay.layers[name]] for name in layer.sources]
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
        replay.require(bool(tile["last"]) == layer.last, "'last' is wrong")
        return
    parts_log2 = replay.program.network.maps[layer.output.map].parts_log2
    replay.use(replay.region(tile["address"], layer.channels, parts_log2, 0, 1), "the output")
    _write(replay, layer.output, tile | {"row": 0}, note, 1, 1)


def _output(replay: _Replay, note: InstructionNote, layer: OutputLayer, tile: dict, descriptor: dict) -> None:
    source, (address, rows) = replay.program.network.maps[layer.input.map], _slot(tile, 0)
    replay.require((descriptor["columns"], descriptor["channels_out"], descriptor["parts_log2"])
                   == (source.width, layer.input.channels, source.parts_log2), "another map")
    replay.require(note.first_row == replay.result_rows, f"row {replay.result_rows} comes next")
    replay.use(replay.region(address, layer.input.channels, source.parts_log2, tile["row"], rows), "the map")
    for row in range(rows):
        found = replay.memory.holds(address, tile["row"] + row, source.parts_log2, layer.input, note.first_row + row,
                                    source.width)
        replay.require(found, f"row {note.first_row + row} of {layer.input} is not at word {address}")
    replay.result_rows += rows
    replay.require(bool(tile["last"]) == (replay.result_rows == source.height), "'last' is wrong")


def _write(replay: _Replay, view: View, tile: dict, note: InstructionNote, rows: int, width: int) -> None:
    parts_log2 = replay.program.network.maps[view.map].parts_log2
    for row in range(rows):
        replay.memory.write(tile["address"], tile["row"] + row, parts_log2, view, note.first_row + row, width)
