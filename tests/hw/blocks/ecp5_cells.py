"""Models of the ECP5 cells that blocks instantiate, so that Amaranth simulates what is made for ECP5.

They are written after the vendor's guides, FPGA-TN-02204 (memory) and FPGA-TN-02205 (multipliers), and carry cells
after Yosys' model. Only what is instantiated here is modelled, anything else is refused.
"""

from amaranth import Array, Cat, Const, Module, Mux, Signal, signed
from amaranth.hdl import Elaboratable, Fragment, Instance
from amaranth.lib import memory

from tests.hw.blocks.carry_proof import Ecp5


def simulated(dut) -> Fragment:
    """`dut` as it is for ECP5, with models in place of the cells; its ports are those of `dut`."""
    fragment = Fragment.get(dut, Ecp5())
    _replace_cells(fragment)
    return fragment


def _replace_cells(fragment: Fragment) -> None:
    for n, (part, name, source) in enumerate(fragment.subfragments):
        if isinstance(part, Instance):
            fragment.subfragments[n] = (Fragment.get(MODELS[part.type](part), None), name, source)
        else:
            _replace_cells(part)


class Cell(Elaboratable):
    """An instance's parameters and pins."""

    def __init__(self, instance: Instance):
        self.parameters = dict(instance.parameters)
        self._pins = {name: value for name, (value, _) in instance.ports.items()}

    def pin(self, name: str):
        """What is connected; every input must be."""
        return self._pins[name]

    def bus(self, name: str, width: int):
        """Inputs name0, name1, ..."""
        return Cat(self.pin(f"{name}{n}") for n in range(width))

    def drive(self, m, name: str, bits) -> None:
        """Outputs name0, name1, ... as far as they are connected."""
        m.d.comb += [self._pins[f"{name}{n}"].eq(bit) for n, bit in enumerate(bits) if f"{name}{n}" in self._pins]

    def require(self, **parameters) -> None:
        assert self.parameters.items() >= parameters.items(), (self.parameters, parameters)


class Ccu2c(Cell):
    """Two bits of a carry chain."""

    def elaborate(self, platform):
        m = Module()
        self.require(INJECT1_0="NO", INJECT1_1="NO")
        carry = self._pins.get("CIN", Const(0, 1))
        for half in range(2):
            init = self.parameters[f"INIT{half}"].value
            table = Array(Const(init >> n & 1, 1) for n in range(16))
            a, b, c, d = (self.pin(f"{letter}{half}") for letter in "ABCD")
            propagates, generates, total = Signal(), Signal(), Signal()
            m.d.comb += [propagates.eq(table[Cat(a, b, c, d)]), generates.eq(table[Cat(a, b, Const(0, 2))]),
                         total.eq(propagates ^ carry), self.pin(f"S{half}").eq(total)]
            carry = Mux(propagates, carry, generates)
        m.d.comb += self.pin("COUT").eq(carry)
        return m


class Pfumx(Cell):
    """The multiplexer behind two LUTs."""

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.pin("Z").eq(Mux(self.pin("C0"), self.pin("ALUT"), self.pin("BLUT")))
        return m


class Mult18x18d(Cell):
    """A multiplier with registers at its inputs and its output; each operand has a sign of its own."""

    def elaborate(self, platform):
        m = Module()
        self.require(REG_INPUTA_CLK="CLK0", REG_INPUTB_CLK="CLK0", REG_PIPELINE_CLK="NONE", REG_OUTPUT_CLK="CLK0")
        operands = []
        for letter in "AB":
            bits = self.bus(letter, 18)
            register = Signal(signed(19), name=f"register_{letter}", reset_less=True)
            m.d.sync += register.eq(Cat(bits, bits[-1] & self.pin(f"SIGNED{letter}")).as_signed())
            operands.append(register)
        product = Signal(signed(36), reset_less=True)
        m.d.sync += product.eq(operands[0] * operands[1])
        self.drive(m, "P", product)
        return m


class Dp16kd(Cell):
    """True dual port memory of 1024 words of 18 bits, byte by byte.

    With WRITEMODE NORMAL a port that writes keeps what it has read before. A word that the other port writes in the
    same cycle is not to be relied on: here all its bits are read wrong.
    """

    def elaborate(self, platform):
        m = Module()
        self.require(DATA_WIDTH_A=18, DATA_WIDTH_B=18, CLKAMUX="CLKA", CLKBMUX="CLKB", RESETMODE="SYNC")
        cells = memory.Memory(shape=18, depth=1024, init=[])
        m.submodules.cells = cells
        addresses = {port: self.bus(f"AD{port}", 14) for port in "AB"}
        writes = {port: self.pin(f"WE{port}") & self.pin(f"CE{port}") for port in "AB"}
        for port, other in ("AB", "BA"):
            self.require(**{f"WRITEMODE_{port}": "NORMAL", f"CSDECODE_{port}": "0b000"})
            address, written = addresses[port], writes[port]
            writer, reader = cells.write_port(granularity=9), cells.read_port(domain="sync")
            clash = Signal(name=f"clash_{port}")
            m.d.comb += [writer.addr.eq(address[4:]), writer.data.eq(self.bus(f"DI{port}", 18)),
                         writer.en.eq(address[:2] & written.replicate(2)),
                         reader.addr.eq(address[4:]), reader.en.eq(self.pin(f"CE{port}") & ~written)]
            with m.If(reader.en):
                m.d.sync += clash.eq(writes[other] & (address[4:] == addresses[other][4:]))
            word = Mux(clash, ~reader.data, reader.data)
            if self.parameters[f"REGMODE_{port}"] == "OUTREG":
                register = Signal(18, name=f"register_{port}", reset_less=True)
                with m.If(self.pin(f"OCE{port}")):
                    m.d.sync += register.eq(word)
                word = register
            self.drive(m, f"DO{port}", word)
        return m


MODELS = {"CCU2C": Ccu2c, "PFUMX": Pfumx, "MULT18X18D": Mult18x18d, "DP16KD": Dp16kd}
