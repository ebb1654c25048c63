"""The ECP5's clock multiplier (EHXPLLL): which dividers make a wanted clock, and the instance that does.

Source: Lattice FPGA-TN-02200, "ECP5 and ECP5-5G sysCLOCK PLL/DLL Design and Usage Guide" (feedback from CLKOP:
f_out = f_in * CLKFB_DIV / CLKI_DIV, f_vco = f_out * CLKOP_DIV), and the family data sheet for the limits.
"""

from dataclasses import dataclass

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib.cdc import ResetSynchronizer

from firelane.compiler.support.errors import ConfigError

VCO_MIN_HZ, VCO_MAX_HZ = 400e6, 800e6
PHASE_DETECTOR_MIN_HZ = 3.125e6
DIVIDER_MAX = 128
_UNUSED_INPUTS = ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG", "PLLWAKESYNC",
                  "ENCLKOP")


@dataclass(frozen=True)
class PllPlan:
    """Dividers of one EHXPLLL with feedback from its main output."""

    input_hz: float
    input_divider: int
    feedback_divider: int
    output_divider: int

    @property
    def output_hz(self) -> float:
        return self.input_hz * self.feedback_divider / self.input_divider

    @property
    def vco_hz(self) -> float:
        return self.output_hz * self.output_divider


def plan_pll(input_hz: float, wanted_hz: float) -> PllPlan:
    """The dividers whose output comes closest to `wanted_hz` from below or equal, VCO nearest to its middle.

    Raises
    ------
    ConfigError
        If no output within 5 % below the wanted clock can be made.
    """
    def usable(plan: PllPlan) -> bool:
        return (plan.output_hz <= wanted_hz * (1 + 1e-9) and VCO_MIN_HZ <= plan.vco_hz <= VCO_MAX_HZ)

    candidates = [plan
                  for input_divider in range(1, DIVIDER_MAX + 1)
                  if input_hz / input_divider >= PHASE_DETECTOR_MIN_HZ
                  for feedback in {int(wanted_hz * input_divider / input_hz * (1 + 1e-9))} - {0}
                  for output_divider in range(1, DIVIDER_MAX + 1)
                  if usable(plan := PllPlan(input_hz, input_divider, feedback, output_divider))]
    middle = (VCO_MIN_HZ + VCO_MAX_HZ) / 2
    best = min(candidates, default=None,
               key=lambda p: (wanted_hz - p.output_hz, p.input_divider, abs(p.vco_hz - middle)))
    if best is None or best.output_hz < 0.95 * wanted_hz:
        raise ConfigError("clock", f"no PLL setting makes {wanted_hz / 1e6:g} MHz from {input_hz / 1e6:g} MHz",
                          hint="choose another clock between 3.125 and 400 MHz")
    return best


def add_pll(m: Module, platform, plan: PllPlan, clock_in: Signal) -> None:
    """Drive domain `sync` from `clock_in` through a PLL; its reset is released after lock."""
    clock, locked = Signal(name="engine_clock"), Signal(name="pll_locked")
    low = Const(0, 1)
    m.domains.sync = ClockDomain()
    m.submodules.pll = Instance(
        "EHXPLLL",
        a_FREQUENCY_PIN_CLKI=f"{plan.input_hz / 1e6:g}",
        a_FREQUENCY_PIN_CLKOP=f"{plan.output_hz / 1e6:g}",
        p_CLKI_DIV=plan.input_divider, p_CLKFB_DIV=plan.feedback_divider, p_CLKOP_DIV=plan.output_divider,
        p_CLKOP_ENABLE="ENABLED", p_CLKOP_CPHASE=plan.output_divider - 1, p_CLKOP_FPHASE=0,
        p_FEEDBK_PATH="CLKOP", p_OUTDIVIDER_MUXA="DIVA",
        i_CLKI=clock_in, i_CLKFB=clock, **{f"i_{name}": low for name in _UNUSED_INPUTS},
        o_CLKOP=clock, o_LOCK=locked)
    m.d.comb += ClockSignal("sync").eq(clock)
    platform.add_clock_constraint(clock, plan.output_hz)
    m.submodules.reset = ResetSynchronizer(~locked, domain="sync")
