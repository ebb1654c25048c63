"""Delay lines and fan-out copies: the two shapes that data registers take here."""

from amaranth import Signal

KEEP_COPIES_SCRIPT = "proc; setattr -set keep 1 a:keep %ci1:+[Q] t:*dff* %i"
"""Yosys commands to run between reading RTLIL and synthesis. Yosys merges registers of equal inputs, whatever
attributes their wires have; this moves the `keep` of `copies` from the wires to the flip-flops, where it counts."""


def delay(m, signal, cycles: int, *, name: str):
    """`signal`, `cycles` clocks later. Data only: not reset."""
    for k in range(cycles):
        later = Signal.like(signal, name=f"{name}_d{k + 1}", reset_less=True)
        m.d.sync += later.eq(signal)
        signal = later
    return signal


def delay_control(m, signal, cycles: int, *, name: str):
    """`signal`, `cycles` clocks later, cleared by reset."""
    for k in range(cycles):
        later = Signal.like(signal, name=f"{name}_d{k + 1}")
        m.d.sync += later.eq(signal)
        signal = later
    return signal


def copies(m, signal, count: int, *, name: str) -> list:
    """`count` registers that all hold `signal` one clock later, so that each drives few loads."""
    made = [Signal.like(signal, name=f"{name}_copy{n}", reset_less=True, attrs={"keep": 1}) for n in range(count)]
    m.d.sync += [register.eq(signal) for register in made]
    return made
