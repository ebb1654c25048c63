"""Activation memory: one byte-writable memory a bank, one read and one write in each cycle."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BANK_WORD_BITS, bank_write_layout, pixel_write_layout
from firelane.hw.blocks.pipeline import delay
from firelane.hw.contract.block_ram import BANK_BLOCK_WORDS, bank_segments
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig
from firelane.hw.contract.geometry import PIXELS, bank_pixels
from firelane.hw.contract.timing import ACTIVATION_READ_LATENCY


class BankMemory(wiring.Component):
    """One bank: `words` words of 14 pixels.

    Latency     ACTIVATION_READ_LATENCY = 2 cycles from `read_address` to `read_data`.
    Throughput  One read and one write in each cycle.
    Limits      What a read of the word that is written in the same cycle gives is undefined.

    The read port is an asynchronous one with a register behind it and `no_rw_check`: only so does Yosys know that the
    last line is meant. Amaranth's synchronous port promises the old word, which costs ECP5 a bypass of 374 registers.
    The second register is the block RAM's own, which is six times as fast from clock to output as the block without it
    (`boards/place/ecp5/output_registers.py`).

    Parameters
    ----------
    words : int
        Depth.
    address_bits : int
        Width of the addresses. Those from `words` on must not be used.

    Members
    -------
    read_address : In(address_bits)
    read_data : Out(PIXELS)
    write_address : In(address_bits)
    write_enable : In(14)
        One bit a pixel.
    write_data : In(PIXELS)
    """

    def __init__(self, words: int, address_bits: int):
        self._words = words
        super().__init__({
            "read_address": In(address_bits),
            "read_data": Out(PIXELS),
            "write_address": In(address_bits),
            "write_enable": In(BANK_PIXELS),
            "write_data": In(PIXELS),
        })

    def elaborate(self, platform):
        m = Module()
        segments = bank_segments(self._words)
        reads = [self._segment(m, number, words, last=number == len(segments) - 1)
                 for number, words in enumerate(segments)]
        if len(reads) == 1:
            m.d.comb += self.read_data.eq(reads[0])
        else:
            upper = delay(m, self.read_address >= segments[0], ACTIVATION_READ_LATENCY, name="upper")
            m.d.comb += self.read_data.eq(Mux(upper, reads[1], reads[0]))
        return m

    def _segment(self, m, number: int, words: int, *, last: bool):
        """Add memory `number` of the bank; return what it reads."""
        style = "distributed" if number else "block"
        cells = memory.Memory(shape=BANK_WORD_BITS, depth=words, init=[],
                              attrs={"ram_style": style, "no_rw_check": 1})
        m.submodules[f"cells_{number}"] = cells
        read, write = cells.read_port(domain="comb"), cells.write_port(granularity=PIXEL_BITS)
        read_data = Signal(BANK_WORD_BITS, name=f"read_data_{number}", reset_less=True)
        m.d.sync += read_data.eq(read.data)
        output = delay(m, read_data, ACTIVATION_READ_LATENCY - 1, name=f"output_{number}")
        m.d.comb += [
            read.addr.eq(self.read_address),        # segment 0 is a whole power of two, or all there is
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            write.en.eq(self.write_enable),
        ]
        if number or not last:
            upper = self.write_address >= self._words // BANK_BLOCK_WORDS * BANK_BLOCK_WORDS
            m.d.comb += write.en.eq(Mux(upper == bool(number), self.write_enable, 0))
        return output


class ActivationMemory(wiring.Component):
    """All banks, written by the drain and, beside it, by the input loader.

    Shapes      `cfg.banks` banks of `cfg.activation_words` words of 14 pixels.
    Latency     ACTIVATION_READ_LATENCY from `read_addresses` to `read_words`; ACTIVATION_WRITE_LATENCY from a write to
                a `read_addresses` that sees it.
    Throughput  A read of each bank, a drain write and a load write in each cycle.
    Stalling    `load_write` waits while the drain writes to the same bank; the drain never waits.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    read_addresses : In(ArrayLayout(address_bits, banks))
    read_words : Out(bank_pixels(cfg))
    drain_write : In(stream of bank_write_layout(cfg), always ready)
    load_write : In(stream.Signature(pixel_write_layout(cfg)))
    address_range : Out(1)
        A load write was beyond the memory and has been dropped.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "read_addresses": In(data.ArrayLayout(cfg.address_bits, cfg.banks)),
            "read_words": Out(bank_pixels(cfg)),
            "drain_write": In(stream.Signature(bank_write_layout(cfg), always_ready=True)),
            "load_write": In(stream.Signature(pixel_write_layout(cfg))),
            "address_range": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        drain, load = self.drain_write, self.load_write.payload
        accepted, inside = Signal(), Signal()
        m.d.comb += [
            self.load_write.ready.eq(~(drain.valid & (drain.payload.bank == load.bank))),
            accepted.eq(self.load_write.valid & self.load_write.ready),
            inside.eq(load.address < self._cfg.activation_words),
        ]
        m.d.sync += self.address_range.eq(accepted & ~inside)
        # Both writes, with their banks decoded, go to all banks from here: a register on a way across the device.
        drain_write = delay(m, drain.payload, 1, name="drain_write")
        load_write = delay(m, load, 1, name="load_write")
        drains, loads = Signal(self._cfg.banks), Signal(self._cfg.banks)
        m.d.sync += [drains.eq(drain.valid << drain.payload.bank),
                     loads.eq((accepted & inside) << load.bank)]
        for bank in range(self._cfg.banks):
            cells = BankMemory(self._cfg.activation_words, self._cfg.address_bits)
            m.submodules[f"bank_{bank}"] = cells
            m.d.comb += [
                cells.read_address.eq(self.read_addresses[bank]),
                self.read_words[bank].eq(cells.read_data),
            ]
            self._connect_write(m, bank, cells, drains[bank], drain_write, loads[bank], load_write)
        return m

    def _connect_write(self, m, bank: int, cells: BankMemory, drains, drain, loads, load):
        """Register the write of one bank: the drain's if it is for this bank, else the loader's."""
        enable = Signal(BANK_PIXELS, name=f"enable_{bank}")
        address = Signal(self._cfg.address_bits, name=f"address_{bank}", reset_less=True)
        pixels = Signal(PIXELS, name=f"pixels_{bank}", reset_less=True)
        one_hot = Cat((load.pixel == n) & loads for n in range(BANK_PIXELS))
        m.d.sync += [
            enable.eq(Mux(drains, drain.enable, one_hot)),
            address.eq(Mux(drains, drain.address, load.address)),
            pixels.as_value().eq(Mux(drains, drain.data, load.data.replicate(BANK_PIXELS))),
        ]
        m.d.comb += [
            cells.write_enable.eq(enable),
            cells.write_address.eq(address),
            cells.write_data.eq(pixels),
        ]
