"""Groups of ports that blocks hand to each other, named once; each from the side that asks or sends.

Where nothing can stall, a stream is `always_ready`: `valid` says that there is a payload in this cycle.
"""

from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BANK_WORD_BITS, BYTE_LAST, MEMORY_WRITE, TABLE_WRITE, tap_layout
from firelane.hw.contract.config import BANK_PIXELS, MEMORY_BITS, PIXEL_BITS, EngineConfig, bits_for
from firelane.hw.contract.geometry import drain_step_layout
from firelane.hw.contract.instruction import WEIGHT_ADDRESS_BITS
from firelane.hw.contract.registers import CSR_ADDRESS_BITS, CSR_BITS

BYTES = stream.Signature(BYTE_LAST)
"""Image or result: bytes, with a mark at the last one."""

MEMORY_WRITES = stream.Signature(MEMORY_WRITE, always_ready=True)
TABLE_WRITES = stream.Signature(TABLE_WRITE, always_ready=True)


def tap_stream(cfg: EngineConfig) -> stream.Signature:
    """Taps for all lanes, and marks between output channels."""
    return stream.Signature(tap_layout(cfg), always_ready=True)


def drain_steps(cfg: EngineConfig) -> stream.Signature:
    """What is drained, cycle by cycle."""
    return stream.Signature(drain_step_layout(cfg), always_ready=True)


class Port(wiring.Signature):
    """A signature that is equal to another one of its class with equal members."""

    def __eq__(self, other):
        return type(self) is type(other) and self.members == other.members

    __hash__ = None         # compared, never looked up: as wiring.Signature itself

    def __repr__(self):
        return f"{type(self).__name__}()"


class AxiStream(Port):
    """A stream of bytes by the names of AXI4-Stream, from its source.

    Members
    -------
    tdata : Out(8)
    tvalid : Out(1)
    tready : In(1)
    tlast : Out(1)
    """

    def __init__(self):
        super().__init__({"tdata": Out(PIXEL_BITS), "tvalid": Out(1), "tready": In(1), "tlast": Out(1)})


class CsrBus(Port):
    """The register bus, from its master.

    A write acts in the cycle after it; `read_data` is one cycle behind `address`.

    Members
    -------
    address : Out(8)
        A `hw.contract.registers.Register`.
    write : Out(1)
    write_data : Out(32)
    read_data : In(32)
    """

    def __init__(self):
        super().__init__({"address": Out(CSR_ADDRESS_BITS), "write": Out(1), "write_data": Out(CSR_BITS),
                          "read_data": In(CSR_BITS)})


class LoadRegisters(Port):
    """Writes of the three LOAD registers, from the registers to the load port.

    Members
    -------
    address_valid, high_valid, low_valid : Out(1)
        Pulses: `data` is for this register.
    data : Out(32)
    """

    def __init__(self):
        super().__init__({"address_valid": Out(1), "high_valid": Out(1), "low_valid": Out(1), "data": Out(CSR_BITS)})


class MemoryReadPort(Port):
    """Reads of a memory of 36-bit words, from the side that asks; the memory says how many cycles it takes.

    Members
    -------
    address : Out(address_bits)
    data : In(36)
    """

    def __init__(self, address_bits: int):
        self._address_bits = address_bits
        super().__init__({"address": Out(address_bits), "data": In(MEMORY_BITS)})

    def __repr__(self):
        return f"MemoryReadPort({self._address_bits})"


def program_read_port(cfg: EngineConfig) -> MemoryReadPort:
    """The program memory's; PROGRAM_LATENCY."""
    return MemoryReadPort(bits_for(cfg.program_words))


class ScanSelect(enum.Enum, shape=2):
    """Memory that a scan address means."""

    WEIGHT = 0
    VALUE = 1
    RUN = 2


class ScanPort(Port):
    """Reads of the weight memory and the symbol tables, while no tile runs; `hw.contract.timing.scan_cycles`.

    Members
    -------
    select : Out(ScanSelect)
        The memory; stays until the word is there.
    address : Out(18)
    data : In(36)
    """

    def __init__(self):
        super().__init__({"select": Out(ScanSelect), "address": Out(WEIGHT_ADDRESS_BITS), "data": In(MEMORY_BITS)})


class PeekPort(Port):
    """Reads of single pixels of the activation memory, while no tile runs; PEEK_LATENCY, one a cycle.

    Members
    -------
    enable : Out(1)
    address : Out(address_bits)
    bank : Out(bits_for(banks))
    pixel : Out(4)
    data : In(8)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({"enable": Out(1), "address": Out(cfg.address_bits), "bank": Out(bits_for(cfg.banks)),
                          "pixel": Out(range(BANK_PIXELS)), "data": In(PIXEL_BITS)})

    def __repr__(self):
        return f"PeekPort({self._cfg!r})"


class WriteTrace(Port):
    """Each write of the drain or of an AVERAGE into the activation memory.

    Members
    -------
    valid : Out(1)
    bank : Out(bits_for(banks))
    address : Out(address_bits)
    enable : Out(14)
        A bit a pixel.
    data : Out(112)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({"valid": Out(1), "bank": Out(bits_for(cfg.banks)), "address": Out(cfg.address_bits),
                          "enable": Out(BANK_PIXELS), "data": Out(BANK_WORD_BITS)})

    def __repr__(self):
        return f"WriteTrace({self._cfg!r})"


class TracePort(Port):
    """What an engine shows of its work to simulations.

    Members
    -------
    write : Out(WriteTrace(cfg))
        Each write into the activation memory but the loader's.
    tile_start, tile_done : Out(1)
        Pulses: an instruction other than END starts, a TILE when the data path takes it up; it is through. Both at once
        for a LOAD, which has been started in the cycle before or a few cycles before, perhaps in the middle of a tile.
    pc : Out
        The instruction's word.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({"write": Out(WriteTrace(cfg)), "tile_start": Out(1), "tile_done": Out(1),
                          "pc": Out(bits_for(cfg.program_words))})

    def __repr__(self):
        return f"TracePort({self._cfg!r})"
