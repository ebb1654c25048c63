"""The engine's clock, from the oscillator of a board, by whatever its FPGA has for that."""

from collections.abc import Callable

from amaranth.hdl import Module, Signal

from firelane.boards.top.mmcm import MmcmPlan, add_mmcm, plan_mmcm
from firelane.boards.top.pll import PllPlan, add_pll, plan_pll

_PLANNERS: dict[str, Callable[[float, float], PllPlan | MmcmPlan]] = {"ecp5": plan_pll, "series7": plan_mmcm}
_ADDERS: dict[type, Callable[..., None]] = {PllPlan: add_pll, MmcmPlan: add_mmcm}


def plan_clock(platform, wanted_hz: float) -> PllPlan | MmcmPlan:
    """How `platform` makes at most `wanted_hz`; `output_hz` of the plan says what it will be.

    Raises
    ------
    ConfigError
        If no output within 5 % below the wanted clock can be made.
    """
    return _PLANNERS[platform.family](platform.default_clk_frequency, wanted_hz)


def add_clock(m: Module, platform, plan: PllPlan | MmcmPlan, clock_in: Signal) -> None:
    """Drive domain `sync` from `clock_in`; its reset is released when the clock is stable."""
    _ADDERS[type(plan)](m, platform, plan, clock_in)
