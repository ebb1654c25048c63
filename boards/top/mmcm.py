"""The 7-series clock multiplier (MMCME2_BASE): which dividers make a wanted clock, and the instance that does.

Source: AMD UG472, "7 Series FPGAs Clocking Resources" (f_vco = f_in * CLKFBOUT_MULT_F / DIVCLK_DIVIDE,
f_out = f_vco / CLKOUT0_DIVIDE_F), and DS181, "Artix-7 FPGAs Data Sheet", for the limits of speed grade -1.
"""

import math
from dataclasses import dataclass

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib.cdc import ResetSynchronizer

from firelane.compiler.support.errors import ConfigError

VCO_MIN_HZ, VCO_MAX_HZ = 600e6, 1200e6
PHASE_DETECTOR_MIN_HZ, PHASE_DETECTOR_MAX_HZ = 10e6, 450e6
INPUT_DIVIDER_MAX, MULTIPLIER_MIN, MULTIPLIER_MAX, OUTPUT_DIVIDER_MAX = 106, 2, 64, 128


@dataclass(frozen=True)
class MmcmPlan:
    """Whole dividers of one MMCME2_BASE with feedback from its VCO."""

    input_hz: float
    input_divider: int
    multiplier: int
    output_divider: int

    @property
    def vco_hz(self) -> float:
        return self.input_hz * self.multiplier / self.input_divider

    @property
    def output_hz(self) -> float:
        return self.vco_hz / self.output_divider


def plan_mmcm(input_hz: float, wanted_hz: float) -> MmcmPlan:
    """The dividers whose output comes closest to `wanted_hz` from below or equal; of these the fastest VCO, which
    jitters least.

    Raises
    ------
    ConfigError
        If no output within 5 % below the wanted clock can be made.
    """
    candidates = []
    for input_divider in range(1, INPUT_DIVIDER_MAX + 1):
        if not PHASE_DETECTOR_MIN_HZ <= input_hz / input_divider <= PHASE_DETECTOR_MAX_HZ:
            continue
        for multiplier in range(MULTIPLIER_MIN, MULTIPLIER_MAX + 1):
            vco = input_hz * multiplier / input_divider
            output_divider = max(math.ceil(vco / wanted_hz * (1 - 1e-9)), 1)        # the least that is not too fast
            if VCO_MIN_HZ <= vco <= VCO_MAX_HZ and output_divider <= OUTPUT_DIVIDER_MAX:
                candidates.append(MmcmPlan(input_hz, input_divider, multiplier, output_divider))
    best = min((plan for plan in candidates if plan.output_hz <= wanted_hz * (1 + 1e-6)), default=None,
               key=lambda plan: (wanted_hz - plan.output_hz, plan.input_divider, -plan.vco_hz))
    if best is None or best.output_hz < 0.95 * wanted_hz:
        raise ConfigError("clock", f"no MMCM setting makes {wanted_hz / 1e6:g} MHz from {input_hz / 1e6:g} MHz",
                          hint="choose another clock between 4.7 and 800 MHz")
    return best


def add_mmcm(m: Module, platform, plan: MmcmPlan, clock_in: Signal) -> None:
    """Drive domain `sync` from `clock_in` through an MMCM and a global buffer; its reset is released after lock.

    Vivado derives the constraint of the output from that of the input.
    """
    multiplied, feedback, locked = Signal(name="mmcm_clock"), Signal(name="mmcm_feedback"), Signal(name="mmcm_locked")
    m.domains.sync = ClockDomain()
    m.submodules.mmcm = Instance(
        "MMCME2_BASE",
        p_CLKIN1_PERIOD=1e9 / plan.input_hz, p_DIVCLK_DIVIDE=plan.input_divider,
        p_CLKFBOUT_MULT_F=float(plan.multiplier), p_CLKOUT0_DIVIDE_F=float(plan.output_divider),
        i_CLKIN1=clock_in, i_CLKFBIN=feedback, i_RST=Const(0, 1), i_PWRDWN=Const(0, 1),
        o_CLKFBOUT=feedback, o_CLKOUT0=multiplied, o_LOCKED=locked)
    m.submodules.clock_buffer = Instance("BUFG", i_I=multiplied, o_O=ClockSignal("sync"))
    m.submodules.reset = ResetSynchronizer(~locked, domain="sync")
