"""Memory with two ports that both read, one of which can write instead."""

from amaranth import Array, ClockSignal, Const, Instance, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.carry_chain import is_ecp5
from firelane.hw.blocks.pipeline import delay
from firelane.hw.contract.block_ram import BANK_BLOCK_WORDS, bank_segments
from firelane.hw.contract.config import bits_for
from firelane.hw.contract.timing import ACTIVATION_READ_LATENCY

BYTE_BITS = 8
BLOCK_BYTES = 2             #: of a word that one block RAM keeps, each in 9 bits
_BLOCK_ADDRESS_BITS, _BLOCK_DATA_BITS = 14, 18


class DualPortRam(wiring.Component):
    """Words of bytes: port A reads; port B reads, or writes the bytes that are enabled.

    Latency     ACTIVATION_READ_LATENCY = 2 cycles from an address to its word; a write is read from the next cycle on.
    Throughput  Two reads, or a read and a write, in each cycle.
    Limits      What B reads in a cycle in which it writes is undefined, and what A reads in that word, too.
    Resources   On ECP5 a DP16KD for each two bytes and 1024 words, with the output registers of both ports, and
                distributed RAM twice where `bank_segments` wants it.

    The block RAM is instantiated on ECP5, after FPGA-TN-02204, with the parameters of Yosys' own mapping: Yosys does
    not use its output registers. Elsewhere it is plain Amaranth, in the form that Yosys maps: asynchronous read ports
    with registers behind them, of which one has the write port's address.

    Parameters
    ----------
    words : int
        Depth.
    word_bytes : int
        Even.
    address_bits : int
        Width of the addresses. Those from `words` on must not be used.

    Members
    -------
    address_a, address_b : In(address_bits)
    data_a, data_b : Out(8 * word_bytes)
    write : In(1)
        Port B writes.
    enable : In(word_bytes)
        The bytes that it writes.
    write_data : In(8 * word_bytes)
    """

    def __init__(self, words: int, word_bytes: int, address_bits: int):
        if word_bytes % BLOCK_BYTES:
            raise ValueError(f"word_bytes must be even, not {word_bytes!r}")
        self._words, self._bytes, self._bits = words, word_bytes, BYTE_BITS * word_bytes
        super().__init__({
            "address_a": In(address_bits), "data_a": Out(self._bits),
            "address_b": In(address_bits), "data_b": Out(self._bits),
            "write": In(1), "enable": In(word_bytes), "write_data": In(self._bits),
        })

    def elaborate(self, platform):
        m = Module()
        pieces = list(self._pieces())
        reads = [self._piece(m, platform, number, *piece, of=len(pieces)) for number, piece in enumerate(pieces)]
        for name, address, data, read in zip("ab", (self.address_a, self.address_b), (self.data_a, self.data_b),
                                             zip(*reads)):
            which = self._piece_of(address, len(pieces))
            later = delay(m, which, ACTIVATION_READ_LATENCY, name=f"piece_{name}") if len(pieces) > 1 else which
            m.d.comb += data.eq(Array(read)[later])
        return m

    def _pieces(self):
        """Depth of each memory, and whether it is made of block RAM; all but the last have BANK_BLOCK_WORDS words."""
        for number, words in enumerate(bank_segments(self._words)):
            for start in range(0, words, BANK_BLOCK_WORDS):
                yield min(words - start, BANK_BLOCK_WORDS), number == 0

    @staticmethod
    def _piece_of(address, pieces: int):
        """Which piece has `address`."""
        low = bits_for(BANK_BLOCK_WORDS)
        return address[low:low + bits_for(pieces)] if pieces > 1 else Const(0, 1)

    def _piece(self, m, platform, number: int, words: int, in_blocks: bool, *, of: int):
        """Add memory `number`; return what its two ports read."""
        write = Signal(name=f"write_{number}")
        m.d.comb += write.eq(self.write & (self._piece_of(self.address_b, of) == number))
        add = self._add_blocks if in_blocks and is_ecp5(platform) else self._add_cells
        style = "block" if in_blocks else "distributed"
        return add(m, number, words, style, write)

    def _add_cells(self, m, number: int, words: int, style: str, write):
        cells = memory.Memory(shape=self._bits, depth=words, init=[], attrs={"ram_style": style, "no_rw_check": 1})
        m.submodules[f"cells_{number}"] = cells
        writer = cells.write_port(granularity=BYTE_BITS)
        m.d.comb += [writer.addr.eq(self.address_b), writer.data.eq(self.write_data),
                     writer.en.eq(Mux(write, self.enable, 0))]
        reads = []
        for name, address in (("a", self.address_a), ("b", self.address_b)):
            read = cells.read_port(domain="comb")
            m.d.comb += read.addr.eq(address)
            reads.append(delay(m, read.data, ACTIVATION_READ_LATENCY, name=f"read_{name}_{number}"))
        return reads

    def _add_blocks(self, m, number: int, words: int, style: str, write):
        reads = [Signal(self._bits, name=f"read_{name}_{number}") for name in "ab"]
        for block in range(self._bytes // BLOCK_BYTES):
            m.submodules[f"block_{number}_{block}"] = self._block(block, write, reads)
        return reads

    def _block(self, block: int, write, reads) -> Instance:
        """The block RAM of two bytes of the word."""
        address_bits = bits_for(BANK_BLOCK_WORDS)
        first = block * BLOCK_BYTES
        enable = [self.enable[first + byte] for byte in range(BLOCK_BYTES)]
        data = _in_nine_bits(self.write_data.word_select(block, BLOCK_BYTES * BYTE_BITS))
        outputs = [_in_nine_bits(read.word_select(block, BLOCK_BYTES * BYTE_BITS)) for read in reads]
        ports = _port("A", self.address_a[:address_bits], [1] * BLOCK_BYTES, 0, [0] * _BLOCK_DATA_BITS, outputs[0])
        ports |= _port("B", self.address_b[:address_bits], enable, write, data, outputs[1])
        return Instance("DP16KD", **_PARAMETERS, **ports)


_PARAMETERS = {
    "p_RESETMODE": "SYNC", "p_ASYNC_RESET_RELEASE": "SYNC", "p_GSR": "DISABLED",
    **{f"p_{name}_{port}": value for port in "AB" for name, value in (
        ("DATA_WIDTH", _BLOCK_DATA_BITS), ("REGMODE", "OUTREG"), ("CSDECODE", "0b000"), ("WRITEMODE", "NORMAL"))},
    **{f"p_CLK{port}MUX": f"CLK{port}" for port in "AB"},
}


def _in_nine_bits(value) -> list:
    """The bits of two bytes, where a block RAM has them; None where it has none."""
    return [value[n // 9 * 8 + n % 9] if n % 9 < 8 else None for n in range(_BLOCK_DATA_BITS)]


def _port(name: str, address, enable: list, write, data: list, outputs: list) -> dict:
    """Connections of port `name`; where a word has 18 bits, the lowest address bits are the bytes' enables."""
    address = [*enable, 0, 0, *address]
    address += [0] * (_BLOCK_ADDRESS_BITS - len(address))
    inputs = {f"CLK{name}": ClockSignal(), f"CE{name}": 1, f"OCE{name}": 1, f"RST{name}": 0, f"WE{name}": write,
              **{f"CS{name}{n}": 0 for n in range(3)},
              **{f"AD{name}{n}": bit for n, bit in enumerate(address)},
              **{f"DI{name}{n}": 0 if bit is None else bit for n, bit in enumerate(data)}}
    return {**{f"i_{pin}": Const(value, 1) if isinstance(value, int) else value for pin, value in inputs.items()},
            **{f"o_DO{name}{n}": bit for n, bit in enumerate(outputs) if bit is not None}}
