"""Carry chains of ECP5, bit by bit: one of their bits can do more than Yosys makes it do."""

from amaranth import Const, Instance, Signal, Value

# One bit of an ECP5 carry chain (half a CCU2C): two LUTs over A, B, C, D, with one table. `table` says whether the bit
# propagates; what it generates otherwise is `table` of A, B and C = D = 0. So a table must fall back to one of the two
# bits to be added, which are equal if nothing propagates.


def carry_table(propagates) -> int:
    """INIT of a function of A, B, C and D."""
    return sum(bool(propagates(n & 1, n >> 1 & 1, n >> 2 & 1, n >> 3 & 1)) << n for n in range(16))


ADD_PAIR = carry_table(lambda a, b, c, d: (a & b) ^ (c & d))                #: a b + c d
SUBTRACT_PAIR = carry_table(lambda a, b, c, d: 1 ^ (a & b) ^ (c & d))       #: c d - a b
ADD = carry_table(lambda a, b, c, d: a ^ (b & c & d))                       #: a + b c; d = 1
ADD_UNLESS = carry_table(lambda a, b, c, d: a ^ (b & (1 ^ c) & d))          #: a + b, or a if c; d = 1
SUBTRACT = carry_table(lambda a, b, c, d: a ^ (1 ^ (b & c)) & d)            #: a - b c; d = 1
START = carry_table(lambda a, b, c, d: 0)                                   #: carry 0, whatever comes in; c = d = 1
START_WITH_CARRY = carry_table(lambda a, b, c, d: not d)                    #: carry 1
START_WITHOUT_BORROW = carry_table(lambda a, b, c, d: not (a & b) and not d)    #: carry unless a b
ALWAYS = carry_table(lambda a, b, c, d: 1)


def is_ecp5(platform) -> bool:
    return getattr(platform, "family", None) == "ecp5"


def carry_chain(m, name: str, bits: list) -> list:
    """Sum bits of a chain of (table, a, b, c, d); without that of the first, which is there to begin it."""
    carry, sums = None, []
    padded = bits + [(START, 0, 0, 1, 1)] * (len(bits) % 2)
    for n in range(0, len(padded), 2):
        total, carry_out = Signal(2, name=f"{name}_sum_{n}"), Signal(name=f"{name}_carry_{n}")
        ports = {}
        for half in range(2):
            table, *inputs = padded[n + half]
            ports |= {f"p_INIT{half}": Const(table, 16), f"p_INJECT1_{half}": "NO", f"o_S{half}": total[half]}
            ports |= {f"i_{letter}{half}": value if isinstance(value, Value) else Const(value, 1)
                      for letter, value in zip("ABCD", inputs)}
        if carry is not None:
            ports["i_CIN"] = carry
        m.submodules[f"{name}_{n}"] = Instance("CCU2C", **ports, o_COUT=carry_out)
        carry, sums = carry_out, [*sums, *total]
    return sums[1:len(bits)]
