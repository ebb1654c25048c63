"""A layer for the tap path, and the list of taps that it must make: plain Python, from the documents."""

from dataclasses import dataclass, field

import numpy as np

from firelane.compiler.coding.prefix_code import words_of
from firelane.compiler.coding.weight_code import EncodedLayer, encode_layer
from firelane.hw.contract.config import MAX_CODE_BITS, PARAMETER_CHUNK_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORD,
    DESCRIPTOR,
    KERNEL_ENTRY,
    KERNEL_ENTRY_BITS,
    SECOND_STREAMS,
    SLOTS,
    Operation,
    ParameterForm,
    RowMove,
    Source,
    instruction_layout,
    record_chunks,
    record_layout,
)


def packed(layout, fields: dict) -> int:
    return layout.const(fields).as_bits()


@dataclass
class Images:
    """What the memories hold."""

    weights: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)


@dataclass
class Tile:
    """One tile to run: descriptor and instruction fields, table words, expected taps."""

    layer: dict
    instruction: dict
    code_words: list[int]
    kernel_words: list[int]
    taps: np.ndarray                # per output channel
    expected: list[dict]            # fields of `tap_layout`, the terminator last
    records: list[dict]             # parameters
    streamed: bool
    alone: bool                     # taps are made one by one
    blocks: bool = False            # lanes are merged by blocks


def random_kernel(rng, places: int, banks: int, parts: int) -> list[dict]:
    return [{"column_move": int(rng.integers(-3, 4)) & 7, "row_move": RowMove(int(rng.integers(3))),
             "slot": int(rng.integers(SLOTS)), "wrap_slot": int(rng.integers(SLOTS)),
             "weight": int(rng.integers(256))} for _ in range(places)]


def random_slots(rng, cfg: EngineConfig, channels: int) -> list[dict]:
    return [{"address": int(rng.integers(cfg.activation_words - channels + 1)),
             "rows": int(rng.integers(cfg.banks + 1))} for _ in range(SLOTS)]


def make_tile(rng, cfg: EngineConfig, images: Images, weights, *, groups: int = 1, window: bool = False,
              form: ParameterForm | None = None, channels_out: int = 0, places: int = 0,
              encoded: EncodedLayer | None = None, maximum: bool = False, blocks: bool = False, **options) -> Tile:
    """A tile of a random kernel table; its streams are appended to `images`. A window layer has no weights, and may be
    one by `blocks`;
    without a `form` the parameters have any, records of their own all the same. With two taps a cycle each channel
    of a layer that is not `maximum`, and has more than one place, must have two weights that are not zero."""
    alone = window or maximum or weights[0].size == 1
    if window:
        layer = {"source": Source.WINDOW, "channels_out": channels_out, "group_channels": 1, "channels_in": 1,
                 "dense": int(blocks)}
        code_words, input_channels = [], channels_out
        taps = np.full(channels_out, places)
        order = [(o, o, k, None) for o in range(channels_out) for k in range(places)]
    else:
        channels_out, channels_in, places = weights.shape
        encoded = encoded or encode_layer(weights, **options)
        layer = {"source": Source.STREAM, "channels_out": channels_out, "channels_in": channels_in,
                 "group_channels": channels_out // groups, "dense": encoded.dense, "raw_values": encoded.raw_values,
                 "value_table": len(images.values), "run_table": len(images.runs),
                 "operation": Operation.MAXIMUM if maximum else Operation.MULTIPLY}
        second = add_streams(cfg, images, layer, encoded, alone)
        images.values += [value & 0xff for value in encoded.value_table]
        images.runs += encoded.run_table
        code_words = [*(packed(CODE_WORD, word) for word in encoded.code_words), *second]
        input_channels, taps = channels_in * groups, encoded.taps
        order = stream_order(weights, encoded, groups)
    parts = int(rng.integers(cfg.classes))
    kernel = random_kernel(rng, places, cfg.banks, parts)
    slots = random_slots(rng, cfg, input_channels)
    if form is None:
        form = ParameterForm(int(rng.integers(1, len(ParameterForm))))
    fields, words, records = random_parameters(rng, cfg, channels_out, form)
    layer |= {"parts_log2": parts, "kernel_taps": places, "parameter_address": len(images.weights), **fields}
    images.weights += words
    entries = [packed(KERNEL_ENTRY, entry) for entry in kernel] + [0]
    kernel_words = [entries[n] | entries[n + 1] << KERNEL_ENTRY_BITS for n in range(0, places, 2)]
    expected = expected_taps(cfg, order, kernel, slots, parts)
    return Tile(layer, {"slots": slots}, code_words, kernel_words, taps, expected, records, not window, alone,
                blocks)


def add_streams(cfg: EngineConfig, images: Images, layer: dict, encoded: EncodedLayer, alone: bool) -> list[int]:
    """Append the streams of values and runs, and put their addresses into `layer`; with two taps a cycle those of every
    second tap, too. Gives the words of SECOND_STREAMS."""
    second = {}
    for label, bits in (("value", encoded.value_bits), ("run", encoded.run_bits)):
        parts = [bits]
        if cfg.taps_per_cycle == 2 and not alone and len(bits):
            plain = label == "value" and encoded.raw_values
            limits = [0 if plain else word[f"{label}_limit"] for word in encoded.code_words]
            symbols = split_symbols(bits, limits)
            symbols += symbols[-1:] * (len(symbols) % 2)
            parts = [np.concatenate(symbols[first::2]) for first in range(2)]
        for address, part in zip((layer, second), parts):
            address[f"{label}_address"] = len(images.weights)
            images.weights += words_of(part).tolist()
    return [packed(SECOND_STREAMS, second)] * (cfg.taps_per_cycle - 1)


def split_symbols(bits, limits) -> list:
    """The codes of a stream one by one; where no code begins, 8 bits make one."""
    codes, first = [], 0
    while first < len(bits):
        window = "".join(map(str, bits[first:first + MAX_CODE_BITS])).ljust(MAX_CODE_BITS, "0")
        length = next((n + 1 for n, limit in enumerate(limits) if int(window, 2) < limit), MAX_CODE_BITS)
        codes.append(bits[first:first + length])
        first += length
    return codes


def stream_order(weights, encoded: EncodedLayer, groups: int):
    """(output channel, absolute input channel, place, weight) of each tap."""
    channels_out, channels_in, _ = weights.shape
    taken = np.ones(weights.shape, bool) if encoded.dense else weights != 0
    fillers = ~taken.reshape(channels_out, -1).any(axis=1)
    taken[fillers, 0, 0] = True
    assert taken.sum() == encoded.taps.sum(), "this model knows no fillers within runs"
    return [(o, o // (channels_out // groups) * channels_in + c, k, int(weights[o, c, k]))
            for o, c, k in np.argwhere(taken).tolist()]


def random_parameters(rng, cfg: EngineConfig, count: int, form: ParameterForm) -> tuple[dict, list[int], list[dict]]:
    """(descriptor fields, words of the stream, bias, multiplier and shift of each channel), bit patterns all."""
    layout = record_layout(form, cfg)
    fields = {"parameters": form, "bias_shift": int(rng.integers(16)), "shift": int(rng.integers(1, 41)),
              "multiplier": int(rng.integers(1 << 16))}
    stored = [{name: int(rng.integers(1 << field.width)) for name, field in layout} for _ in range(count)]
    width = record_chunks(form, cfg) * PARAMETER_CHUNK_BITS
    whole = [packed(layout, record) for record in stored]
    words = words_of(np.array([record >> bit & 1 for record in whole for bit in range(width)])).tolist()
    expanded = [] if form is ParameterForm.CONSTANT else [
        expand(form, record, fields, layout["bias"].width, cfg.accumulator_bits) for record in stored]
    return fields, words, expanded


def expand(form: ParameterForm, record: dict, layer: dict, width: int, accumulator_bits: int) -> dict:
    """What a stored record means; its bias has `width` bits. What does not fit the accumulator is cut off."""
    bias = record["bias"] - (record["bias"] >> width - 1 << width)
    multiplier, shift, left = layer["multiplier"], layer["shift"], layer["bias_shift"]
    if form is ParameterForm.FULL:
        multiplier, shift, left = record["fraction"] + 32768, record["shift"], 0
    elif "offset" in record:
        multiplier, shift, left = (32 + record["fraction"]) * 1024, shift + record["offset"], left + record["offset"]
    return {"bias": (bias << left) & (1 << accumulator_bits) - 1, "multiplier": multiplier, "shift": shift}


def expected_taps(cfg: EngineConfig, order, kernel, slots, parts: int) -> list[dict]:
    rows = cfg.banks >> parts
    expected, last = [], None
    for output, channel, place, weight in order:
        entry = kernel[place]
        moved_in = {RowMove.NONE: None, RowMove.UP: rows - 1, RowMove.DOWN: 0}[entry["row_move"]]
        from_slot = [slots[entry["wrap_slot" if bank % rows == moved_in else "slot"]] for bank in range(cfg.banks)]
        row_valid = [bank % rows < slot["rows"] for bank, slot in enumerate(from_slot)]
        expected.append({
            "take": 1, "first": int(output != last), "capture": int(output != last and last is not None),
            "weight": (entry["weight"] if weight is None else weight) & 0xff,
            "row_move": entry["row_move"], "column_move": entry["column_move"],
            "addresses": [(slot["address"] + channel) if valid else None for slot, valid in zip(from_slot, row_valid)],
            "row_valid": sum(valid << bank for bank, valid in enumerate(row_valid)),
        })
        last = output
    return [*expected, {"take": 0, "first": 0, "capture": 1}]


def taps_of(cfg: EngineConfig, tap) -> list:
    """The one or two taps of a cycle."""
    if cfg.taps_per_cycle == 1 or not tap.second.take:
        assert cfg.taps_per_cycle == 1 or tap.second.weight == 0
        return [tap]
    return [tap, tap.second]


def matches(tap, fields: dict) -> bool:
    """Whether a tap has these fields; an address of a row that does not exist is as good as any other. A second tap of
    a cycle begins no channel and ends none."""
    has = dict(tap.shape()) if hasattr(tap, "shape") else fields
    for name, value in fields.items():
        if name not in has:
            if value:
                return False
        elif name == "addresses":
            if any(want is not None and tap.addresses[bank] != want for bank, want in enumerate(value)):
                return False
        elif tap[name] != value:
            return False
    return True


def layer_signal_value(tile: Tile) -> int:
    return packed(DESCRIPTOR, tile.layer)


def instruction_value(cfg: EngineConfig, tile: Tile) -> int:
    return packed(instruction_layout(cfg), tile.instruction)
