"""Every latency of the engine, once: what each block promises, and what follows for instructions and frames.

The blocks take their own numbers from here, so that the emulator and the cost model count the same cycles.

`hw.contract.timeline` puts them together for the instructions of a frame.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from firelane.hw.contract.block_ram import weight_stations
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import HEADER_WORDS, Header, instruction_words

# Data path

MULTIPLIER_LATENCY = 2      #: a register at the operands, one at the product
PAIR_SUM_CYCLES = 2         #: from the products of two taps for two lanes to their sums
ROW_MOVE_LEAD = 2           #: a row move comes so many cycles before its pixels
COLUMN_MOVE_LATENCY = 2     #: from pixels to moved pixels
COLUMN_MOVE_LEAD = 1        #: a column move comes so many cycles before its pixels
LANE_TAP_LEAD = 2           #: a tap comes to the lanes so many cycles before its pixels
ACTIVATION_READ_LATENCY = 2 #: from a read address to its words: block RAM, and its output register
SUMS_LAG = 2                #: from a step of the drain to its sums
REQUANTIZE_LATENCY = 9      #: from sums to pixels
BLOCK_CYCLES = 1            #: more from a capture to its first step, where two banks are merged in each
KEPT_LAG = SUMS_LAG + 1     #: from a step to the pixels that write back keeps, besides REQUANTIZE_LATENCY
ACTIVATION_WRITE_LATENCY = 3    #: from a write at the activation memory's ports to the first read address that sees it
CHANNEL_SUM_LATENCY = 7     #: from a channel's last step to its sum in memory
AVERAGE_TAIL_CYCLES = REQUANTIZE_LATENCY + 6    #: from the last channel of an AVERAGE to its end
ADDING_CYCLES = 4           #: more of a tile that adds to channel sums
AVERAGE_SETTLE_CYCLES = 2   #: from the start of an AVERAGE in the data path to its first channel
PEEK_LATENCY = 4 + ACTIVATION_READ_LATENCY  #: from the address of a pixel that OUTPUT reads to the pixel
LOAD_SLOTS_OWED = 31        #: write slots that the loader may have asked for and not got, with two taps a cycle

# Input loader, with two taps a cycle

GATHERED_CHANNELS = 8       #: in a map column of an image row: of so many at most, pixels are gathered to words
GATHER_PLACES = 16          #: bank words that are gathered, or complete and to be written
LOAD_ASK_CYCLES = 2         #: from the last byte of a word to the first cycle whose second tap it may take the place of
LOAD_COLLISIONS = 6         #: cycles that it waits at most for finished channels, of which each has such a cycle, too


def read_address_cycles(cfg: EngineConfig) -> int:
    """Cycles from a tap to its addresses at the memory; where one port also writes, each bank chooses in its own."""
    return cfg.taps_per_cycle


def row_moved_cycles(cfg: EngineConfig) -> int:
    """Cycles from a tap to its pixels in their rows: tap, memory, mask, row move."""
    return read_address_cycles(cfg) + ACTIVATION_READ_LATENCY + 2


def moved_cycles(cfg: EngineConfig) -> int:
    """Cycles from a tap to its pixels at the lanes."""
    return row_moved_cycles(cfg) + COLUMN_MOVE_LATENCY


def accumulate_latency(cfg: EngineConfig) -> int:
    """Cycles from a lane's pixels to its accumulator; two products are added, and then taken apart, in between."""
    return MULTIPLIER_LATENCY + (PAIR_SUM_CYCLES if cfg.taps_per_cycle == 2 else 0) + 1


def first_pick(cfg: EngineConfig) -> int:
    """Cycles from a tap with `capture` to the pick of the first bank's sums."""
    return moved_cycles(cfg) + accumulate_latency(cfg)


def record_lag(cfg: EngineConfig) -> int:
    """Cycles from a tap with `capture` to the one after its channel's parameters were taken."""
    return first_pick(cfg)


def write_slot_lag(cfg: EngineConfig, *, blocks: bool = False) -> int:
    """Cycles from a tap with `capture` to the tap beside which its channel is written, with two taps a cycle.

    Then all banks write at once, through the port that reads for the second tap of a cycle: that has none.

    Parameters
    ----------
    blocks : bool
        Lanes are merged by blocks, two banks a cycle.
    """
    steps = BLOCK_CYCLES + cfg.banks // 2 if blocks else cfg.banks
    return first_pick(cfg) + steps + REQUANTIZE_LATENCY + 2


def tile_tail_cycles(cfg: EngineConfig, averages: bool) -> int:
    """Cycles from a tile's terminator at the data path to the first in which that is not busy: all is written.

    Parameters
    ----------
    averages : bool
        The tile adds to the channel sums (Destination.AVERAGE) instead of writing to memory.
    """
    pick = first_pick(cfg) + cfg.banks
    return pick + REQUANTIZE_LATENCY + 3 + (ADDING_CYCLES if averages else 0)


def average_cycles(cfg: EngineConfig, channels: int) -> int:
    """Cycles from the start of an AVERAGE to its end, if the result stream (where that is its target) never stalls."""
    return PIXELS_LAG + AVERAGE_SETTLE_CYCLES + channels - 1 + AVERAGE_TAIL_CYCLES


# Tap path
#
# With `start` in cycle 0 the first tap is issued in cycle `decoder_start_cycles`, the terminator `channel_cycles`
# later, and what is issued is at `TapPath.taps` ADDRESS_CYCLES later. The decoder never runs dry. The next tile may
# start when the terminator is known, START_LEAD cycles before it is issued or earlier, but its first tap is issued
# `tile_gap_cycles` after the terminator at the earliest.

SCAN_ADDRESS_CYCLES = 1     #: from an address to the weight memory's port, in cycles without a fetch
TABLE_READ_CYCLES = 3       #: of a symbol table: address register, block RAM, its output register
PREFIX_CYCLES = 2           #: from the bits of a code to its symbol
DECODE_CYCLES = PREFIX_CYCLES + TABLE_READ_CYCLES       #: from the bits of a code to a weight and its step
FIRST_CODE_CYCLES = 6       #: from the first word of the values to their first decoding, if values are all it needs
SECOND_STREAM_CYCLES = 1    #: more for each further stream that is needed: runs, and both of every second tap
ADDRESS_CYCLES = 4          #: from the issue of a tap to the lanes: kernel entry, slots, sums, banks
FETCH_QUEUE_WORDS = 16      #: of each stream that is read ahead: at 8 bits a cycle 72 cycles, more than any read takes
PARAMETER_DELAY = 16        #: from the start of a streamed tile to that of its parameters, at least, with two taps
START_LEAD = 3              #: from the start of the next tile to the issue of the terminator before it, at least


def place_cycles(cfg: EngineConfig) -> int:
    """Cycles from a step to its tap: step, place, carry, channel, output channel, sum, queue (2).

    Two steps are added in a cycle of their own.
    """
    return 7 + cfg.taps_per_cycle


def symbol_cycles(cfg: EngineConfig) -> int:
    """Cycles from the decoding of a code to the issue of its tap."""
    return DECODE_CYCLES + place_cycles(cfg)


def weight_read_cycles(words: int) -> int:
    """Cycles from an address to its word, in a weight memory of `words` words."""
    return 3 + weight_stations(words)


def fetch_low_words(cfg: EngineConfig) -> int:
    """Words queued or under way below which a stream is read before others, with two taps a cycle.

    A read takes so long that the decoder uses about as many.
    """
    return max(3, 2 + 2 * weight_read_cycles(cfg.weight_words) // 9)


def scan_cycles(cfg: EngineConfig) -> int:
    """Cycles from `TapPath.scan_address` to `scan_data`."""
    return SCAN_ADDRESS_CYCLES + weight_read_cycles(cfg.weight_words) + 1


def first_word_cycles(cfg: EngineConfig) -> int:
    """Cycles from the start of a tile to the first word of its values: set-up, address, memory, queue (2)."""
    return 1 + SCAN_ADDRESS_CYCLES + weight_read_cycles(cfg.weight_words) + 2


def decoder_start_cycles(cfg: EngineConfig, *, streamed: bool, dense: bool) -> int:
    """Cycles from the start of a tile until its first tap is issued; `streamed`: Source.STREAM."""
    if not streamed:
        return 3 + symbol_cycles(cfg)
    streams = cfg.taps_per_cycle * (1 if dense else 2)
    first_code = first_word_cycles(cfg) + FIRST_CODE_CYCLES + (streams - 1) * SECOND_STREAM_CYCLES
    return first_code + symbol_cycles(cfg)


def tile_gap_cycles(cfg: EngineConfig) -> int:
    """Cycles from the issue of a tile's terminator to that of the next tile's first tap, if that started in time.

    As many as the first weight takes to be read and decoded, but the tile before must be written by then, to memory or
    to the channel sums: the first tap may read it.
    """
    return max(decoder_start_cycles(cfg, streamed=True, dense=False) - START_LEAD, tile_tail_cycles(cfg, True) + 1)


def channel_cycles(cfg: EngineConfig, taps: Iterable[int]) -> int:
    """Cycles from the first tap of a tile to its terminator; `taps` of each output channel."""
    return sum(max(count, cfg.drain_cycles) for count in taps)


def tap_path_cycles(cfg: EngineConfig, taps: Iterable[int], *, streamed: bool, dense: bool) -> int:
    """Cycles from the start of a tile to the one in which its terminator is at `TapPath.tap`, the last of `busy`."""
    start = decoder_start_cycles(cfg, streamed=streamed, dense=dense)
    return start + channel_cycles(cfg, taps) + ADDRESS_CYCLES


# Control
#
# `fetch_cycles` after the fetch of an instruction was asked for it and its descriptor are here, CHECK_LAG later it has
# been checked, and START_LAG after it was here it starts, at the earliest. A LOAD waits in its check for the LOAD
# before, and so does whatever has `wait_load`. Then it waits for its turn:
#
#     TILE      starts when the tap path can take it (`START_LEAD`); the next fetch is asked for NEXT_LAG after the
#               cycle behind its start, or behind that with the terminator of the tile before at `TapPath.taps`
#     LOAD      starts in the cycle after all tiles are through, at the earliest; if it is `beside`, when the last tile
#               that has started has got the data path. The next fetch is asked for NEXT_LAG after 1 cycle more
#     others    start in the cycle after all tiles are through, at the earliest; the next fetch is asked for NEXT_LAG
#               after they are through: an AVERAGE `average_cycles` and an OUTPUT `output_cycles` after the start, if
#               nothing stalls the results
#     END       does not start: the frame ends END_LAG after the fetch is complete, or when all tiles are through,
#               results are done with, and the LOAD has been for LOAD_SETTLE_CYCLES: an error of its last pixel has
#               stopped the engine by then
#
# A tile is through in the first cycle in which all that it makes is written. The first instruction begins one cycle
# after the frame (`Sequencer.frame_start`); FRAME_CYCLES counts from that cycle on, and includes the one in which the
# frame ends.

PROGRAM_LATENCY = 2         #: from an address of the program memory to its word: block RAM, and a register behind it
FAULT_LATENCY = 2           #: from an error's pulse to `halt`
CHECK_LAG = 1
START_LAG = 3
NEXT_LAG = 1
PIXELS_LAG = 3              #: from the start of a TILE or AVERAGE until the data path has it, at the earliest
END_LAG = CHECK_LAG
LOAD_SETTLE_CYCLES = FAULT_LATENCY      #: and then a cycle until the sequencer halts, in which it would end


def fetch_cycles(cfg: EngineConfig, descriptor_words: int = 0) -> int:
    """Cycles from the beginning of an instruction until it and its descriptor are here.

    Parameters
    ----------
    descriptor_words : int
        0 if no descriptor is fetched: for END; and if the descriptor that was fetched last in this frame is the
        same, and, for a TILE, was fetched by a TILE. Otherwise DESCRIPTOR_WORDS, for a TILE `descriptor_total_words`.
    """
    cycles = instruction_words(cfg) + PROGRAM_LATENCY + 1
    return cycles + descriptor_words + PROGRAM_LATENCY + 1 if descriptor_words else cycles


def load_cycles(cfg: EngineConfig, *, map_rows: int, image_columns: int, channels: int, space_to_depth: bool) -> int:
    """Cycles after the start of a LOAD in which the loader is busy, if neither the image nor the drain stalls it.

    With two taps a cycle the drain never does: the loader is busy until its last word is written at the latest.
    """
    places = _load_places(map_rows, image_columns, channels, space_to_depth)
    if cfg.taps_per_cycle == 1:
        return places.count + 1
    return 1 + (places.count - 1) * places.pace + LOAD_ASK_CYCLES + LOAD_COLLISIONS + ADDRESS_CYCLES


@cache                                  # asked for each LOAD of a frame
def load_requests(cfg: EngineConfig, *, map_rows: int, image_columns: int, channels: int,
                  space_to_depth: bool) -> tuple[int, ...]:
    """Cycles after the start of a LOAD from which on one word each may be written, see `hw.contract.issue.WritePort`.

    With one tap a cycle the loader does not ask: none.
    """
    if cfg.taps_per_cycle == 1:
        return ()
    places = _load_places(map_rows, image_columns, channels, space_to_depth)
    first = 1 + LOAD_ASK_CYCLES
    if not places.gathered:
        return tuple(range(first, first + places.count * places.pace, places.pace))
    column_ends = (column for column in range(places.columns)
                   if column % BANK_PIXELS == BANK_PIXELS - 1 or column == places.columns - 1)
    of_row = [column * places.channels + channel for column in column_ends for channel in range(places.channels)]
    row_places = places.columns * places.channels
    return tuple(first + (row * row_places + place) * places.pace for row in range(places.rows) for place in of_row)


@dataclass(frozen=True)
class _LoadPlaces:
    """The bytes of a LOAD, with those that complete an odd image.

    `rows` of the image, of `columns` of the map with `channels` each; `gathered`: pixels of a word are collected;
    `pace`: cycles from one byte to the next, so that there is never more than a word in every second cycle on average.
    """

    rows: int
    columns: int
    channels: int

    @property
    def count(self) -> int:
        return self.rows * self.columns * self.channels

    @property
    def gathered(self) -> bool:
        return self.channels <= GATHERED_CHANNELS

    @property
    def pace(self) -> int:
        return 1 if self.gathered and self.columns > 1 else 2


def _load_places(map_rows: int, image_columns: int, channels: int, space_to_depth: bool) -> _LoadPlaces:
    fold = 2 if space_to_depth else 1
    return _LoadPlaces(map_rows * fold, -(-image_columns // fold), channels * fold)


def output_cycles(*, channels: int, rows: int, columns: int, peek_latency: int = PEEK_LATENCY) -> int:
    """Cycles from the start of an OUTPUT to its end, if the result stream does not stall."""
    return channels * rows * columns + peek_latency + 3


def integrity_cycles(program: int, weights: int, values: int, runs: int, *, scan_latency: int) -> int:
    """Cycles of the check of memories of these lengths, header included; no part of a frame."""
    longest = max(PROGRAM_LATENCY, scan_latency)
    cycles = 0
    for words, latency in ((HEADER_WORDS, PROGRAM_LATENCY), (program - Header.PROGRAM_CRC - 1, PROGRAM_LATENCY),
                           (weights, scan_latency), (values, scan_latency), (runs, scan_latency)):
        cycles += words + 2 + (max(longest, latency + 1) if words else 1)
    return cycles


# Host link

CSR_READ_CYCLES = 2         #: from the link's address register to the register that it names
CONTROL_SETTLE_CYCLES = 8   #: from a write of CONTROL until STATUS shows what follows; the shortest check takes longer
MAX_BAUD_ERROR = 0.02       #: of sender and receiver together a frame tolerates 5 %


def bit_cycles(clock_hz: float, baud: int) -> int:
    """Clock cycles of one bit of a serial line.

    Raises
    ------
    ValueError
        If the clock cannot make the rate to within 2 %, or has fewer than four cycles a bit.
    """
    cycles = round(clock_hz / baud)
    if cycles < 4 or abs(clock_hz / baud - cycles) / cycles > MAX_BAUD_ERROR:
        raise ValueError(f"a clock of {clock_hz / 1e6:g} MHz cannot make {baud} baud to within "
                         f"{MAX_BAUD_ERROR:.0%}: a bit would be {clock_hz / baud:.2f} cycles")
    return cycles
