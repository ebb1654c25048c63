"""A multiplier with the registers of an ECP5 multiplier block, inside the block where the toolchain cannot put them."""

from amaranth import ClockSignal, Const, Instance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

BLOCK_OPERAND_BITS, BLOCK_PRODUCT_BITS = 18, 36


def is_ecp5(platform) -> bool:
    return getattr(platform, "family", None) == "ecp5"


class Multiplier(wiring.Component):
    """Product of two integers of at most 18 bits.

    Latency     2 cycles: a register at the operands, one at the product.
    Throughput  1 product a cycle.
    Resources   1 MULT18X18D on ECP5.

    Yosys makes a multiplier block of `*` but leaves the registers outside, and so 3.9 ns of unregistered multiplication
    between two long wires. On an ECP5 platform the block is therefore instantiated, after FPGA-TN-02205, with the
    same parameters as Yosys' own mapping and its input and output registers on; elsewhere it is plain Amaranth.

    Parameters
    ----------
    a_shape, b_shape : Shape

    Members
    -------
    a : In(a_shape)
    b : In(b_shape)
    product : Out(shape of a * b)
    """

    LATENCY = 2

    def __init__(self, a_shape, b_shape):
        product = Signal(a_shape) * Signal(b_shape)
        if max(len(Signal(a_shape)), len(Signal(b_shape))) > BLOCK_OPERAND_BITS:
            raise ValueError(f"operands must be at most {BLOCK_OPERAND_BITS} bits, not {a_shape!r} and {b_shape!r}")
        super().__init__({"a": In(a_shape), "b": In(b_shape), "product": Out(product.shape())})

    def elaborate(self, platform):
        m = Module()
        if is_ecp5(platform):
            self._instantiate_block(m)
        else:
            a = Signal.like(self.a, reset_less=True)
            b = Signal.like(self.b, reset_less=True)
            product = Signal.like(self.product, reset_less=True)
            m.d.sync += [a.eq(self.a), b.eq(self.b), product.eq(a * b)]
            m.d.comb += self.product.eq(product)
        return m

    def _instantiate_block(self, m):
        product = Signal(BLOCK_PRODUCT_BITS)
        parameters = {"CLK0_DIV": "ENABLED", "GSR": "DISABLED", "RESETMODE": "SYNC", "SOURCEB_MODE": "B_SHIFT",
                      "MULT_BYPASS": "DISABLED"}
        for register, clock in (("INPUTA", "CLK0"), ("INPUTB", "CLK0"), ("INPUTC", "NONE"), ("PIPELINE", "NONE"),
                                ("OUTPUT", "CLK0")):
            parameters |= {f"REG_{register}_CLK": clock, f"REG_{register}_CE": "CE0", f"REG_{register}_RST": "RST0"}
        inputs = {
            "SIGNEDA": Const(self.a.shape().signed, 1), "SIGNEDB": Const(self.b.shape().signed, 1),
            "SOURCEA": Const(0, 1), "SOURCEB": Const(0, 1),
            "CLK0": ClockSignal(), "CE0": Const(1, 1), "RST0": Const(0, 1),
        }
        for n in range(BLOCK_OPERAND_BITS):
            inputs |= {f"A{n}": self._bit(self.a, n), f"B{n}": self._bit(self.b, n), f"C{n}": Const(0, 1)}
        m.submodules.block = Instance(
            "MULT18X18D",
            **{f"p_{name}": value for name, value in parameters.items()},
            **{f"i_{name}": value for name, value in inputs.items()},
            **{f"o_P{n}": product[n] for n in range(BLOCK_PRODUCT_BITS)},
        )
        m.d.comb += self.product.eq(product)

    @staticmethod
    def _bit(operand: Value, n: int) -> Value:
        """Bit `n` of `operand`, extended by its sign or zeros."""
        if n < len(operand):
            return operand[n]
        return operand[-1] if operand.shape().signed else Const(0, 1)
