"""The FPGA resources that an engine needs: block RAM exactly, multipliers exactly, logic roughly."""

from __future__ import annotations

from dataclasses import dataclass

from firelane.hw.contract.block_ram import bank_segments, result_in_block_ram
from firelane.hw.contract.config import BANK_PIXELS, MEMORY_BITS, PIXEL_BITS, WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import RUN_ENTRY_BITS
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES

BYTE_BITS = 8
EBR_MAX_WIDTH = 36              #: 512 words
EBR_TRUE_DUAL_PORT_WIDTH = 18   #: 1024 words
REQUANTIZE_DSP = 2              #: 18x18 multipliers of a requantizer
LUT_PER_CELL_NUMERATOR, LUT_PER_CELL_DENOMINATOR = 3, 32   #: distributed RAM: 3 LUTs hold 32 bits with two ports
LUT_BASE, LUT_PER_LANE, LUT_PER_LOGIC_LANE = 12_000, 195, 80   #: from builds for the ULX3S 25F and 85F; +-15 %
# More for a second tap a cycle: decoder, address and a loader of words; mask, moves, products and their sum. From one
# netlist, of the engine of the ULX3S 45F with two taps, and from parts that were synthesised alone.
SECOND_TAP_BASE, SECOND_TAP_PER_LANE, SECOND_TAP_PER_LOGIC_LANE = 2_500, 90, 39


@dataclass(frozen=True)
class Resources:
    """Blocks by what they are for; `lut` is an estimate."""

    ebr: dict[str, int]
    dsp: int
    lut: int

    @property
    def ebr_total(self) -> int:
        return sum(self.ebr.values())


def block_rams(words: int, bits: int, widest: int = EBR_MAX_WIDTH) -> int:
    """Fewest 18 Kbit blocks that make a memory of `words` words: columns of the best width, as deep as need be."""
    widths = [width for width in (36, 18, 9, 4, 2, 1) if width <= widest]
    depths = {36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384}
    return min(-(-bits // width) * -(-words // depths[width]) for width in widths)


def _block_words(words: int) -> int:
    """Words of a bank that are kept in block RAM; the others are in distributed RAM."""
    return bank_segments(words)[0]


def engine_resources(cfg: EngineConfig, result_bytes: int = PAYLOAD_BYTES) -> Resources:
    """The resources of an engine and its host link, which keeps a frame, its identity and `result_bytes` of a result.

    Where a result is kept in distributed RAM, to spare block RAM, so is the identity.
    """
    # Two taps a cycle read a table through both ports of its blocks.
    table_width = EBR_MAX_WIDTH if cfg.taps_per_cycle == 1 else EBR_TRUE_DUAL_PORT_WIDTH
    ebr = {
        "activation memory": cfg.banks * block_rams(_block_words(cfg.activation_words), BANK_PIXELS * PIXEL_BITS,
                                                    EBR_TRUE_DUAL_PORT_WIDTH),
        "weights": block_rams(cfg.weight_words, MEMORY_BITS),
        "program": block_rams(cfg.program_words, MEMORY_BITS),
        "symbol tables": (block_rams(cfg.value_symbols, WEIGHT_BITS, table_width)
                          + block_rams(cfg.run_symbols, RUN_ENTRY_BITS, table_width)),
        "channel sums": block_rams(cfg.average_channels, cfg.average_bits),
        "host link": block_rams(PAYLOAD_BYTES, BYTE_BITS) + (
            block_rams(result_bytes, BYTE_BITS) + block_rams(PAYLOAD_BYTES, BYTE_BITS)
            if result_in_block_ram(result_bytes) else 0),
    }
    lut = LUT_BASE + LUT_PER_LANE * cfg.lanes + LUT_PER_LOGIC_LANE * cfg.logic_lanes
    if cfg.taps_per_cycle == 2:
        lut += SECOND_TAP_BASE + SECOND_TAP_PER_LANE * cfg.lanes + SECOND_TAP_PER_LOGIC_LANE * cfg.logic_lanes
    rest = cfg.activation_words - _block_words(cfg.activation_words)
    lut += cfg.lanes * PIXEL_BITS * rest * LUT_PER_CELL_NUMERATOR // LUT_PER_CELL_DENOMINATOR
    return Resources(ebr, _lane_multipliers(cfg) + REQUANTIZE_DSP * BANK_PIXELS, lut)


def _lane_multipliers(cfg: EngineConfig) -> int:
    """Blocks of the lanes: one a lane. With two taps a cycle one gives the products of a tap for two lanes."""
    lanes = cfg.lanes - cfg.logic_lanes
    return lanes if cfg.taps_per_cycle == 1 else lanes // 2 * 2
