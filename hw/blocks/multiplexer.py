"""Four-way multiplexers of two LUTs a bit."""

from amaranth import Array, Instance, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.carry_chain import is_ecp5

WAYS = 4


class Multiplexer(wiring.Component):
    """One of four values, without a register.

    Resources   two LUTs a bit on ECP5, and the multiplexer (PFUMX) that joins a slice's two; Yosys takes three or more.
    Limits      choices and `select` are register outputs, and no two choices are the same wires: what the PFUMX joins
                must be LUTs, and nobody else's.

    Elsewhere it is plain Amaranth.

    Parameters
    ----------
    width : int

    Members
    -------
    select : In(2)
    choice_0, choice_1, choice_2, choice_3 : In(width)
    chosen : Out(width)
    """

    def __init__(self, width: int):
        super().__init__({"select": In(2), **{f"choice_{n}": In(width) for n in range(WAYS)}, "chosen": Out(width)})

    def elaborate(self, platform):
        m = Module()
        choices = [getattr(self, f"choice_{n}") for n in range(WAYS)]
        if not is_ecp5(platform):
            m.d.comb += self.chosen.eq(Array(choices)[self.select])
            return m
        lower, upper = (Signal.like(self.chosen, name=name) for name in ("lower", "upper"))
        m.d.comb += [lower.eq(Mux(self.select[0], choices[1], choices[0])),
                     upper.eq(Mux(self.select[0], choices[3], choices[2]))]
        for bit in range(len(self.chosen)):
            m.submodules[f"join_{bit}"] = Instance("PFUMX", i_ALUT=upper[bit], i_BLUT=lower[bit],
                                                   i_C0=self.select[1], o_Z=self.chosen[bit])
        return m


def choose(m, select, choices: list, *, name: str):
    """One of as many register outputs as `select`, a register too, can name; of four different ones by a `Multiplexer`.

    Choices that are equal are the same object.
    """
    if len(choices) != WAYS or len({id(choice) for choice in choices}) < WAYS:
        return Array(choices)[select]
    m.submodules[name] = multiplexer = Multiplexer(len(choices[0]))
    m.d.comb += [multiplexer.select.eq(select),
                 *(getattr(multiplexer, f"choice_{n}").eq(choice) for n, choice in enumerate(choices))]
    return multiplexer.chosen
