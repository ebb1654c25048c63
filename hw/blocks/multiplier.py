"""Multipliers of two cycles: of an ECP5 multiplier block with its registers, and of LUTs."""

from amaranth import Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.carry_chain import (
    ADD,
    ADD_PAIR,
    ALWAYS,
    START,
    START_WITH_CARRY,
    START_WITHOUT_BORROW,
    SUBTRACT,
    SUBTRACT_PAIR,
    carry_chain,
    is_ecp5,
)

BLOCK_OPERAND_BITS, BLOCK_PRODUCT_BITS = 18, 36


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


class LogicMultiplier(wiring.Component):
    """Product of an unsigned and a signed byte, without a multiplier block.

        product = (w0 + 2 w1) x + ((w2 + 2 w3) x << 2) + ((w4 + 2 w5) x - ((2 w7 - w6) x << 2) << 4)

    Latency     2 cycles: a register after the sums of two rows each, one at the product.
    Throughput  1 product a cycle.
    Resources   80 LUTs and 40 flip-flops on ECP5.

    On an ECP5 platform the carry chains are instantiated: one of their bits multiplies and adds two pairs of bits, but
    Yosys leaves the multiplications in LUTs of their own. Elsewhere it is plain Amaranth.

    Members
    -------
    a : In(8)
        Register outputs.
    b : In(signed(8))
        Register outputs.
    product : Out(signed(16))
    """

    def __init__(self):
        super().__init__({"a": In(8), "b": In(signed(8)), "product": Out(signed(16))})

    def elaborate(self, platform):
        m = Module()
        low = Signal(12, reset_less=True)               # of the low and high half of b
        high = Signal(signed(12), reset_less=True)
        product = Signal(signed(16), reset_less=True)
        if is_ecp5(platform):
            self._chain_carries(m, low, high, product)
        else:
            rows = [Mux(bit, self.a, 0) for bit in self.b]
            pairs = [rows[n] + (rows[n + 1] << 1) for n in range(0, 6, 2)]
            m.d.sync += low.eq(pairs[0] + (pairs[1] << 2))
            m.d.sync += high.eq(pairs[2] - ((rows[7] << 1) - rows[6] << 2))
            m.d.sync += product.eq(low + (high << 4))
        m.d.comb += self.product.eq(product)
        return m

    def _chain_carries(self, m, low, high, product):
        a, b = self.a, self.b
        pairs = [pair_of_rows(m, f"pair_{n}", a, b[n], b[n + 1]) for n in range(0, 6, 2)]
        top = pair_of_rows(m, "pair_6", a, b[6], b[7], subtract=True)
        m.d.sync += low.eq(add_pairs(m, "low", a, pairs[0], pairs[1], b[2]))
        m.d.sync += high.eq(add_pairs(m, "high", a, pairs[2], top, b[6], subtract=True))
        bits = [(ADD, low[k] if k < 12 else 0, high[k - 4], 1, 1) for k in range(4, 16)]
        m.d.sync += product.eq(Cat(low[:4], *carry_chain(m, "product", [(START, 0, 0, 1, 1), *bits])))


def pair_of_rows(m, name: str, a, first, second, *, bits: int = 10, subtract: bool = False) -> list:
    """Low bits of (first + 2 * second) * a, or (2 * second - first) * a without bit 0, which is the same in both.

    Two rows of a multiplication, on a carry chain of ECP5.

    Parameters
    ----------
    a : byte
    first, second : bits of the other operand
    bits : int
        How many are wanted, at most 10; 10 with `subtract`.
    """
    a = [*a, Const(0, 1)]
    start = (START_WITHOUT_BORROW, a[0], first, 1, 1) if subtract else (START, 0, 0, 1, 1)
    rows = [(SUBTRACT_PAIR if subtract else ADD_PAIR, a[k], first, a[k - 1], second) for k in range(1, 9)]
    carry = (ALWAYS if subtract else START, 0, 0, 1, 1)         # also the sign of the one that subtracts
    return [a[0] & first, *carry_chain(m, name, [start, *rows, carry][:bits])]


def add_pairs(m, name: str, a, lower: list, upper: list, first, *, bits: int = 12, subtract: bool = False):
    """Low bits of lower + (upper << 2), or lower - (upper << 2); bit 0 of `upper` is a[0] & first."""
    start, table = (START_WITH_CARRY, SUBTRACT) if subtract else (START, ADD)
    chain = [(table, lower[2], a[0], first, 1)]
    chain += [(table, lower[k] if k < len(lower) else 0, upper[k - 2], 1, 1) for k in range(3, bits)]
    return Cat(lower[:2], *carry_chain(m, name, [(start, 0, 0, 1, 1), *chain]))
