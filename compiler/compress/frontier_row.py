"""One size of a sweep, measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FrontierRow:
    """One compressed network.

    Parameters
    ----------
    label : what it is, a few characters
    size : bytes of the weight ROM image
    top1 : share of labelled images, None without labels
    agreement : share of images whose class is the float network's, None if it was not measured
    cycles : a frame
    """

    label: str
    size: int
    top1: float | None
    agreement: float | None
    cycles: int
