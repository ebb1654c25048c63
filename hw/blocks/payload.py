"""Layouts of what the engine's blocks hand to each other."""

from amaranth.lib import data

from firelane.hw.contract.config import (
    BANK_PIXELS,
    MAX_KERNEL_TAPS,
    MEMORY_BITS,
    PIXEL_BITS,
    WEIGHT_BITS,
    EngineConfig,
    bits_for,
)
from firelane.hw.contract.instruction import CODE_WORDS, COLUMN_MOVE_BITS, RUN_ENTRY, RowMove

BANK_WORD_BITS = BANK_PIXELS * PIXEL_BITS

BYTE_LAST = data.StructLayout({"data": PIXEL_BITS, "last": 1})
"""A byte of an image or of a result; `last`: it ends with this one."""

WEIGHT_STEP = data.StructLayout({"weight": WEIGHT_BITS, "step": RUN_ENTRY})
"""What the weight decoder gives a cycle: an int8 weight (read it with `.as_signed()`) and the step to its place."""

TABLE_WRITE = data.StructLayout({
    "index": bits_for(max(MAX_KERNEL_TAPS // 2, CODE_WORDS + 1)),
    "data": MEMORY_BITS,
})
"""One word behind a descriptor on its way into the code table or the kernel table."""

MEMORY_WRITE = data.StructLayout({"address": 18, "data": MEMORY_BITS})
"""One word for the weight memory, the program memory or a symbol table, from the load port."""


def second_tap_layout(cfg: EngineConfig) -> data.StructLayout:
    """The second tap of a cycle, of the same output channel as the first. There is none if `take` = 0."""
    return data.StructLayout({
        "take": 1,
        "weight": WEIGHT_BITS,
        "row_move": RowMove,
        "column_move": COLUMN_MOVE_BITS,
        "addresses": data.ArrayLayout(cfg.address_bits, cfg.banks),
        "row_valid": cfg.banks,
    })


def tap_layout(cfg: EngineConfig) -> data.StructLayout:
    """One tap for all lanes, or a mark between two output channels. A valid cycle with `take` = 0 accumulates nothing.

    `capture`: the sums of the channel before are complete: set them aside for the drain before this tap counts.
    `first`: this tap is loaded, not added. `second`: only with two taps a cycle; loaded or added together with it.
    """
    second = {"second": second_tap_layout(cfg)} if cfg.taps_per_cycle == 2 else {}
    return data.StructLayout({
        "take": 1,
        "first": 1,
        "capture": 1,
        "weight": WEIGHT_BITS,
        "row_move": RowMove,
        "column_move": COLUMN_MOVE_BITS,
        "addresses": data.ArrayLayout(cfg.address_bits, cfg.banks),
        "row_valid": cfg.banks,
        **second,
    })


def pixel_write_layout(cfg: EngineConfig) -> data.StructLayout:
    """One pixel for the activation memory (from the input loader)."""
    return data.StructLayout({
        "bank": bits_for(cfg.banks),
        "address": cfg.address_bits,
        "pixel": bits_for(BANK_PIXELS),
        "data": PIXEL_BITS,
    })


def bank_write_layout(cfg: EngineConfig) -> data.StructLayout:
    """Up to 14 pixels for one bank (from the drain)."""
    return data.StructLayout({
        "bank": bits_for(cfg.banks),
        "address": cfg.address_bits,
        "enable": BANK_PIXELS,
        "data": BANK_WORD_BITS,
    })
