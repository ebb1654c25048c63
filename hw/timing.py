"""Cycle counts that the blocks promise, for the emulator and for the blocks themselves.

A tile takes the cycles of its taps and marks, then `tile_tail_cycles` until the next one may start.
"""

from collections.abc import Iterable

from hw.config import EngineConfig
from hw.fault import FAULT_LATENCY
from hw.instruction import HEADER_WORDS, Header, instruction_words
from hw.program_memory import PROGRAM_LATENCY
from hw.weight_memory import read_cycles

# Data path

FIRST_PICK = 9              #: cycles from a tap with `capture` to the pick of the first bank's sums
REQUANTIZE_LATENCY = 9      #: from sums to pixels
AVERAGE_TAIL_CYCLES = REQUANTIZE_LATENCY + 6    #: from the last channel of an AVERAGE to its end
ADDING_CYCLES = 4           #: more of a tile that adds to channel sums
AVERAGE_SETTLE_CYCLES = 2   #: from the start of an AVERAGE to its first channel


def tile_tail_cycles(cfg: EngineConfig, averages: bool) -> int:
    """Cycles from the last tap (which has `capture`) to the first in which the data path is not busy.

    Parameters
    ----------
    averages : bool
        The tile adds to the channel sums (Destination.AVERAGE) instead of writing to memory.
    """
    pick = FIRST_PICK + cfg.banks
    return pick + REQUANTIZE_LATENCY + 3 + (ADDING_CYCLES if averages else 0)


def average_cycles(cfg: EngineConfig, channels: int) -> int:
    """Cycles from the start of an AVERAGE to its end, if the result stream (where that is its target) never stalls."""
    return AVERAGE_SETTLE_CYCLES + channels - 1 + AVERAGE_TAIL_CYCLES


# Control
#
# An instruction begins in the cycle in which its fetch is asked for. `fetch_cycles` later it and its descriptor are
# here, START_LAG later it starts. The next one begins NEXT_LAG after the cycle in which it is through:
#
#     TILE      the first cycle after the start in which neither tap path nor data path is busy
#     AVERAGE   `average_cycles` after the start, OUTPUT `output_cycles` after it (if nothing stalls the results)
#     LOAD      1 cycle after the start; but its start waits for the LOAD before, as does any start with `wait_load`
#     END       does not start: the frame ends END_LAG after the fetch is complete, or when results are done with, and
#               the LOAD has been for LOAD_SETTLE_CYCLES: an error of its last pixel has stopped the engine by then
#
# The first instruction begins one cycle after the frame (`Sequencer.frame_start`); FRAME_CYCLES counts from that cycle
# on, and includes the one in which the frame ends.

START_LAG = 2
NEXT_LAG = 1
END_LAG = 1
LOAD_SETTLE_CYCLES = FAULT_LATENCY       #: and then a cycle until the sequencer stands still, in which it would end
PEEK_LATENCY = 5        #: of the data path


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


def load_cycles(*, map_rows: int, image_columns: int, channels: int, space_to_depth: bool) -> int:
    """Cycles after the start of a LOAD in which the loader is busy, if neither the image nor the drain stalls it."""
    fold = 2 if space_to_depth else 1
    columns = -(-image_columns // fold) * fold
    return map_rows * fold * columns * channels + 1


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


# Tap path
#
# With `start` in cycle 0 the first tap is issued in cycle `decoder_start_cycles`, the terminator `channel_cycles`
# later, and what is issued is at `TapPath.tap` ADDRESS_CYCLES later. The decoder never runs dry.

SYMBOL_CYCLES = 13          #: from the decoding of a code to the issue of its tap
FIRST_WORD_CYCLES = 10      #: from the start of a tile to the first decoding if values are all it needs, and those of
                            #: reading the weight memory
SECOND_STREAM_CYCLES = 1    #: more if runs are needed, too
ADDRESS_CYCLES = 4          #: from the issue of a tap to the lanes


def decoder_start_cycles(cfg: EngineConfig, *, streamed: bool, dense: bool) -> int:
    """Cycles from the start of a tile until its first tap is issued; `streamed`: Source.STREAM."""
    if not streamed:
        return 2 + SYMBOL_CYCLES
    fetched = FIRST_WORD_CYCLES + read_cycles(cfg.weight_words) + (0 if dense else SECOND_STREAM_CYCLES)
    return fetched + SYMBOL_CYCLES


def channel_cycles(cfg: EngineConfig, taps: Iterable[int]) -> int:
    """Cycles from the first tap of a tile to its terminator; `taps` of each output channel."""
    return sum(max(count, cfg.drain_cycles) for count in taps)


def tap_path_cycles(cfg: EngineConfig, taps: Iterable[int], *, streamed: bool, dense: bool) -> int:
    """Cycles from the start of a tile to the one in which its terminator is at `TapPath.tap`, the last of `busy`."""
    start = decoder_start_cycles(cfg, streamed=streamed, dense=dense)
    return start + channel_cycles(cfg, taps) + ADDRESS_CYCLES
