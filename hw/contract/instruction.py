"""The program format: header, instructions and layer descriptors, defined once.

Compiler, emulator and hardware all import these layouts. A program is a list of 36-bit words:

    0 .. 7          header, see `Header`
    8 .. e - 1      instructions, each `instruction_words(cfg)` words, executed in order up to END, then again
    e ..            layer descriptors, at the addresses that instructions name

Multi-word items are little-endian: bit n of an item is bit n % 36 of its word n // 36.
"""

from functools import cache

from amaranth.lib import data, enum

from firelane.hw.contract.config import (
    MAX_CODE_BITS,
    MAX_COLUMNS,
    MAX_KERNEL_TAPS,
    MEMORY_BITS,
    MULTIPLIER_BITS,
    PARAMETER_CHUNK_BITS,
    SHIFT_BITS,
    EngineConfig,
    bits_for,
)

FORMAT_VERSION = 3
MAGIC = 0x464C                  #: "FL"
SLOTS = 4                       #: words that the taps of one tile may read, each with an address of its own
CHANNEL_BITS = 11
COLUMN_BITS = 8
IMAGE_COLUMN_BITS = 10
KERNEL_BITS = bits_for(MAX_KERNEL_TAPS)
WEIGHT_ADDRESS_BITS = 18
TABLE_BITS = 12
RUN_ENTRY_BITS = CHANNEL_BITS + KERNEL_BITS
KERNEL_ENTRY_BITS = MEMORY_BITS // 2
BIAS_SHIFT_BITS = 4
OFFSET_BITS = 3                 #: of a scaled record: how far its channel's shift is above the layer's
FRACTION_BITS = 5               #: of a scaled record: of the multiplier's bits below the highest, those that are stored
SHORT_RECORD_CHUNKS = 3         #: at most
COLUMN_MOVE_BITS = 1 + bits_for(MAX_COLUMNS + 1)        #: signed


class Header(enum.IntEnum):
    """Word numbers of the program header. CRCs are CRC-32 (IEEE 802.3) over words as 5 little-endian bytes."""

    IDENTITY = 0            #: MAGIC << 8 | FORMAT_VERSION
    CONFIG_DIGEST = 1       #: EngineConfig.digest
    PROGRAM_LENGTH = 2      #: words, header included
    PROGRAM_CRC = 3         #: over words 4 .. PROGRAM_LENGTH - 1
    WEIGHT_LENGTH = 4       #: words
    WEIGHT_CRC = 5          #: over weight words 0 .. WEIGHT_LENGTH - 1
    TABLE_LENGTHS = 6       #: value entries | run entries << 18
    TABLE_CRC = 7           #: over the value entries (unsigned bytes), then the run entries, a word each


HEADER_WORDS = len(Header)


class Opcode(enum.Enum, shape=3):
    """What an instruction does. `T` is the tile, `d` its descriptor."""

    END = 0         #: end of the frame: wait for the last result, count the frame, go on at word HEADER_WORDS
    TILE = 1        #: for each output channel: accumulate taps over all lanes, requantize, write or average
    LOAD = 2        #: start loading T.slots[0].rows map rows (T.rows image rows really arrive) and go on at once
    AVERAGE = 3     #: requantize the channel sums into the result stream or into pixel 0 of words at T.address
    OUTPUT = 4      #: send T.slots[0].rows rows of channels at T.slots[0].address: channel, row, column order


class Source(enum.Enum, shape=1):
    """Where taps come from."""

    STREAM = 0      #: the compressed weights
    WINDOW = 1      #: the kernel table, all its places for every channel, with the weights written there


class Operation(enum.Enum, shape=1):
    MULTIPLY = 0    #: acc += weight * pixel
    MAXIMUM = 1     #: acc = max(acc, pixel)


class Destination(enum.Enum, shape=1):
    MEMORY = 0
    AVERAGE = 1     #: TILE: add the map's pixels to the channel sums; AVERAGE: the result stream


class ParameterForm(enum.Enum, shape=3):
    """How bias, multiplier and shift of the output channels are stored; `record_layout` has the fields.

    BIAS_n and SCALED_n are records of n chunks, the form's low two bits.
    """

    CONSTANT = 0    #: no records: those of the descriptor, for all channels
    BIAS_1 = 1      #: bias = record's bias << d.bias_shift; multiplier and shift of the descriptor
    BIAS_2 = 2
    BIAS_3 = 3
    FULL = 4        #: all three of each channel
    SCALED_1 = 5    #: bias = record's bias << (d.bias_shift + offset), shift = d.shift + offset,
    SCALED_2 = 6    #: multiplier = 2**15 + fraction * 2**10: steps of at most 1/32
    SCALED_3 = 7


class RowMove(enum.Enum, shape=2):
    """Which row of a word a lane's row sees."""

    NONE = 0
    UP = 1          #: row r sees row r - 1; row 0 sees the last row of the word at `wrap_slot`
    DOWN = 2        #: row r sees row r + 1; the last row sees row 0 of the word at `wrap_slot`


def slot_layout(cfg: EngineConfig) -> data.StructLayout:
    """A word that taps may read: address of its channel 0, and how many of its rows exist (0: outside the map)."""
    return data.StructLayout({"address": cfg.address_bits, "rows": cfg.rows_bits})


def instruction_layout(cfg: EngineConfig) -> data.StructLayout:
    """One instruction; `address` and `row` are where output row 0 of channel 0 goes, `rows` how many exist."""
    return data.StructLayout({
        "opcode": Opcode,
        "wait_load": 1,         #: wait until no load is under way
        "first": 1,             #: TILE with Destination.AVERAGE: sums start at 0
        "last": 1,              #: LOAD: the image ends here; AVERAGE, OUTPUT: the result ends here
        "beside": 1,            #: LOAD: start beside the TILE before, whose words it does not touch
        "layer": bits_for(cfg.program_words),
        "address": cfg.address_bits,
        "row": bits_for(cfg.banks),
        "rows": cfg.rows_bits + 1,
        "slots": data.ArrayLayout(slot_layout(cfg), SLOTS),
    })


DESCRIPTOR = data.StructLayout({
    "source": Source,
    "operation": Operation,
    "destination": Destination,
    "dense": 1,                     #: no runs: every place of the kernel, every input channel; WINDOW: `makes_blocks`
    "raw_values": 1,                #: value codes are the int8 weights themselves, 8 bits each
    "parameters": ParameterForm,
    "space_to_depth": 1,            #: LOAD: 2x2 image pixels become 4 * image channels
    "subsample": 1,                 #: keep every second row and column of the result
    "row_phase": 1,                 #: which row of a pair to keep
    "column_phase": 1,
    "parts_log2": 3,                #: input rows take 2**parts_log2 banks
    "out_parts_log2": 3,
    "columns": COLUMN_BITS,         #: width of the input map; pixels to the right of it read as `pad`
    "out_columns": COLUMN_BITS,
    "pad": 8,                       #: what pixels outside the map read as
    "kernel_taps": KERNEL_BITS + 1,     #: places in the kernel table, 1 .. 64
    "channels_in": CHANNEL_BITS,        #: of a group
    "channels_out": CHANNEL_BITS,
    "group_channels": CHANNEL_BITS,     #: output channels of a group
    "zero_point": 8,
    "clamp_low": 8,
    "clamp_high": 8,
    "multiplier": MULTIPLIER_BITS,
    "shift": SHIFT_BITS,
    "bias": 32,                         #: signed
    "bias_shift": BIAS_SHIFT_BITS,
    "value_address": WEIGHT_ADDRESS_BITS,       #: weight memory words where this layer's bit streams start
    "run_address": WEIGHT_ADDRESS_BITS,
    "parameter_address": WEIGHT_ADDRESS_BITS,
    "value_table": TABLE_BITS,          #: first entry of this layer in the symbol tables
    "run_table": TABLE_BITS,
    "image_columns": IMAGE_COLUMN_BITS,     #: LOAD: width of the image as it arrives
})
"""Fixed part of a layer descriptor. Behind it, each from a word boundary: for Source.STREAM the code lengths
(`CODE_WORD` for code lengths 1 .. 8, one word each) and, with two taps a cycle, SECOND_STREAMS; then the kernel table,
two `KERNEL_ENTRY` a word, low half first. For OUTPUT and AVERAGE and LOAD nothing follows."""

CODE_WORD = data.StructLayout({
    "value_limit": MAX_CODE_BITS + 1,   #: codes of this length or shorter, left-justified to 8 bits, are below it
    "value_offset": MAX_CODE_BITS,      #: symbol = (code + offset) mod 256 for a code of this length
    "run_limit": MAX_CODE_BITS + 1,
    "run_offset": MAX_CODE_BITS,
})
"""One code length of a canonical prefix code. The first bit of a code is its most significant one and comes first
in the stream. With w the next 8 bits, first bit most significant, the length is the least L with w < limit[L]
(none: the code is invalid), and symbol = ((w >> (8 - L)) + offset[L]) mod 256. A table entry is at table + symbol."""

KERNEL_ENTRY = data.StructLayout({
    "column_move": COLUMN_MOVE_BITS,    #: signed, one of `cfg.column_moves`: lane x sees column x + move
    "row_move": RowMove,
    "slot": 2,              #: word that rows inside see
    "wrap_slot": 2,         #: word that the row that moved in from outside sees
    "weight": 8,            #: signed; Source.WINDOW only
})

RUN_ENTRY = data.StructLayout({"kernel_step": KERNEL_BITS, "channel_step": CHANNEL_BITS})
"""A step from one tap to the next in OIHW order, divmod(zero run + 1, kernel_taps), so that hardware never divides:
k += kernel_step; carry = k >= kernel_taps; c += channel_step + carry; c >= channels_in: next output channel."""


SECOND_STREAMS = data.StructLayout({"value_address": WEIGHT_ADDRESS_BITS, "run_address": WEIGHT_ADDRESS_BITS})
"""Where the bit streams of every second tap start, in an engine of two taps a cycle: a word behind the code words."""


def makes_blocks(layer):
    """Whether a TILE's lanes are merged by blocks, in an engine that has `cfg.merges_blocks`: a WINDOW with `dense`.

    It must be a subsampled MAXIMUM of constant parameters into memory, with phases of 0. Each pixel of the result is
    the maximum of two columns of lanes, and of two rows where a word has more than one.

    Parameters
    ----------
    layer
        A descriptor: a signal, or a record with fields of the same names.
    """
    return (layer.source == Source.WINDOW) & layer.dense


def words_for(layout: data.StructLayout) -> int:
    """36-bit words that hold `layout`."""
    return -(-layout.size // MEMORY_BITS)


@cache                                  # asked for each layer of a network
def instruction_words(cfg: EngineConfig) -> int:
    return words_for(instruction_layout(cfg))


DESCRIPTOR_WORDS = words_for(DESCRIPTOR)
CODE_WORDS = MAX_CODE_BITS


def stream_words(cfg: EngineConfig) -> int:
    """Words between the descriptor of a Source.STREAM layer and its kernel table: codes, and SECOND_STREAMS."""
    return CODE_WORDS + cfg.taps_per_cycle - 1


def descriptor_total_words(cfg: EngineConfig, source: Source, kernel_taps: int) -> int:
    """Words of a TILE layer's descriptor and of the tables behind it."""
    codes = stream_words(cfg) if source is Source.STREAM else 0
    return DESCRIPTOR_WORDS + codes + -(-kernel_taps // 2)


def parameter_layout(cfg: EngineConfig) -> data.StructLayout:
    """Bias (signed), multiplier and shift of an output channel, as a record of any form gives them."""
    return data.StructLayout({"bias": cfg.accumulator_bits, "multiplier": MULTIPLIER_BITS, "shift": SHIFT_BITS})


def record_chunks(form: ParameterForm, cfg: EngineConfig) -> int:
    """Chunks of a record of the parameter stream; 0 for CONSTANT."""
    return cfg.parameter_chunks if form is ParameterForm.FULL else form.value & SHORT_RECORD_CHUNKS


def record_layout(form: ParameterForm, cfg: EngineConfig) -> data.StructLayout:
    """A record of the parameter stream, low bits first, padded to whole chunks; `bias` is signed.

    The highest bit of a multiplier is not stored: it is 1.
    """
    bits = record_chunks(form, cfg) * PARAMETER_CHUNK_BITS
    match form:
        case ParameterForm.FULL:
            return data.StructLayout({"shift": SHIFT_BITS, "fraction": MULTIPLIER_BITS - 1,
                                      "bias": cfg.accumulator_bits})
        case ParameterForm.SCALED_1 | ParameterForm.SCALED_2 | ParameterForm.SCALED_3:
            return data.StructLayout({"offset": OFFSET_BITS, "fraction": FRACTION_BITS,
                                      "bias": bits - OFFSET_BITS - FRACTION_BITS})
        case _:
            return data.StructLayout({"bias": bits})
