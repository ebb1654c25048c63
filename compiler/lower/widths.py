"""Errors about rows that have more pixels than the engine has lanes."""

from __future__ import annotations

from firelane.compiler.support.errors import CapacityError
from firelane.compiler.tiles.layers import LoadLayer
from firelane.hw.contract.config import BANK_PIXELS, MAX_BANKS, EngineConfig


def too_wide(where: str, width: int, cfg: EngineConfig) -> CapacityError:
    """The error for rows of `width` pixels."""
    return CapacityError(where, f"rows of {width} pixels, the engine has {cfg.lanes} lanes",
                         hint=" or ".join([*_more_banks(width), "a smaller input"]) + " is needed")


def image_too_wide(where: str, image: LoadLayer, width: int, cfg: EngineConfig) -> CapacityError:
    """The error for an image that is loaded into rows of `width` pixels; a smaller one would be taken as it is."""
    fold = 1 + image.space_to_depth
    found = (f"its image of {image.height} x {image.width} takes rows of {width} lanes"
             f"{' for 2 x 2 pixels each' if fold > 1 else ''}, the engine has {cfg.lanes}")
    smaller = f"an input of at most {fold * cfg.lanes} columns, for which the same convolutions will do,"
    return CapacityError(where, found, hint=" or ".join([*_more_banks(width), smaller]) + " is needed")


def _more_banks(width: int) -> list[str]:
    banks = next((1 << k for k in range(MAX_BANKS.bit_length()) if width <= BANK_PIXELS << k), None)
    return [f"--banks {banks}"] if banks else []
