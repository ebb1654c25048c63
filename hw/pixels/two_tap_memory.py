"""Activation memory for two taps a cycle: a port of each bank reads for the first, one for the second, or writes."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.dual_port_ram import DualPortRam
from firelane.hw.blocks.payload import BANK_WORD_BITS, bank_write_layout
from firelane.hw.blocks.pipeline import copies, delay
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.geometry import bank_pixels

HALF = BANK_PIXELS // 2
DATA_PARTS = BANK_PIXELS // 2       #: of a word, two pixels each, as in a block RAM; these stand far from each other


class TwoTapMemory(wiring.Component):
    """All banks. What the drain writes is collected for a channel, and then written by all banks in one cycle.

    So a channel takes the second port for one cycle, however many banks there are. When what must be there:

        cycle       0           1           2           3
        channel     drain_write broadcast   collected   port of the bank
        load        load_write  broadcast   port of the bank
        taps        addresses   port of the bank

    Shapes      `cfg.banks` banks of `cfg.activation_words` words of 14 pixels.
    Latency     1 + ACTIVATION_READ_LATENCY cycles from addresses to words. A write is seen by addresses of
                ACTIVATION_WRITE_LATENCY = 3 cycles after `channel_end`, or 2 after a load.
    Throughput  Two reads of each bank in a cycle, or a read and a write.
    Stalling    `load_write` is taken in the cycle of `load_slot`, and must be there.
    Limits      A load must not come to the port together with a channel; then the channel is written (`collision`).
                What `second_words` are where a bank writes is undefined.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    read_addresses, second_addresses : In(ArrayLayout(address_bits, banks))
    peek : In(1)
        All banks read `peek_address` in place of the first addresses of the cycle before.
    peek_address : In(address_bits)
    read_words, second_words : Out(bank_pixels(cfg))
    drain_write : In(stream of bank_write_layout(cfg), always ready)
        Into the same word of each bank, until the channel ends. Pixels of a half word come together.
    channel_end : In(1)
        Write what has been collected, this cycle's pixels included.
    load_slot : In(1)
    load_write : In(stream of bank_write_layout(cfg))
    address_range : Out(1)
        A load write was beyond the memory and has been dropped.
    collision : Out(1)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        addresses = data.ArrayLayout(cfg.address_bits, cfg.banks)
        super().__init__({
            "read_addresses": In(addresses),
            "second_addresses": In(addresses),
            "peek": In(1),
            "peek_address": In(cfg.address_bits),
            "read_words": Out(bank_pixels(cfg)),
            "second_words": Out(bank_pixels(cfg)),
            "drain_write": In(stream.Signature(bank_write_layout(cfg), always_ready=True)),
            "channel_end": In(1),
            "load_slot": In(1),
            "load_write": In(stream.Signature(bank_write_layout(cfg))),
            "address_range": Out(1),
            "collision": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        load = delay(m, self.load_write.payload, 1, name="load_write")
        loads = self._loads(m)
        drain = delay(m, self.drain_write.payload, 1, name="drain_write")
        halves = self._halves(m)
        ended = Signal()
        m.d.sync += ended.eq(self.channel_end)
        ends = [copies(m, ended, 1 + DATA_PARTS, name=f"ended_{bank}") for bank in range(self._cfg.banks)]
        m.d.sync += self.collision.eq(ends[0][0] & (loads != 0))
        for bank in range(self._cfg.banks):
            collected = self._collect(m, bank, drain, [half[bank] for half in halves], ends[bank][0])
            self._add_bank(m, bank, ends[bank], collected, loads[bank], load)
        return m

    def _loads(self, m) -> Signal:
        """Which bank writes `load_write` of the cycle before."""
        write, accepted, inside = self.load_write, Signal(), Signal()
        loads = Signal(self._cfg.banks)
        m.d.comb += [write.ready.eq(self.load_slot), accepted.eq(write.valid & write.ready),
                     inside.eq(write.payload.address < self._cfg.activation_words)]
        m.d.sync += [loads.eq((accepted & inside) << write.payload.bank), self.address_range.eq(accepted & ~inside)]
        return loads

    def _halves(self, m) -> list[Signal]:
        """Which bank collects the lower, and which the upper half of `drain_write` of the cycle before."""
        made, write = [], self.drain_write
        for name, first in (("lower", 0), ("upper", HALF)):
            banks = Signal(self._cfg.banks, name=name)
            some = write.valid & write.payload.enable[first:first + HALF].any()
            m.d.sync += banks.eq(some << write.payload.bank)
            made.append(banks)
        return made

    def _collect(self, m, bank: int, drain, halves, ended):
        """A bank's word of the channel under way, half by half; its enables, and whether there is one at all."""
        word = Signal(bank_write_layout(self._cfg), name=f"collected_{bank}", reset_less=True)
        enable = Signal(BANK_PIXELS, name=f"collected_enable_{bank}")
        filled = Signal(name=f"filled_{bank}")
        here = Signal(BANK_PIXELS, name=f"here_{bank}")
        m.d.comb += here.eq(drain.enable & Cat(half.replicate(HALF) for half in halves))
        m.d.sync += [enable.eq(here | Mux(ended, 0, enable)), filled.eq(halves[0] | halves[1] | (filled & ~ended))]
        with m.If(halves[0] | halves[1]):
            m.d.sync += word.address.eq(drain.address)
        bits = BANK_WORD_BITS // 2
        for n, half in enumerate(halves):
            with m.If(half):
                m.d.sync += word.data[n * bits:(n + 1) * bits].eq(drain.data[n * bits:(n + 1) * bits])
        return word, enable, filled

    def _add_bank(self, m, bank: int, ends, collected, loads, load):
        """Memory of a bank, and the registers at its ports; `ends` for the address, and for each part of the data."""
        cfg, (ended, *parts_ended) = self._cfg, ends
        bits = BANK_WORD_BITS // DATA_PARTS
        cells = DualPortRam(cfg.activation_words, BANK_PIXELS, cfg.address_bits)
        m.submodules[f"bank_{bank}"] = cells
        word, enable, filled = collected
        registers = [(name, Signal.like(getattr(cells, name), name=f"{name}_{bank}", reset_less=name != "write"))
                     for name in ("address_a", "address_b", "write", "enable", "write_data")]
        values = (
            Mux(self.peek, self.peek_address, self.read_addresses[bank]),
            Mux(ended, word.address, Mux(loads, load.address, self.second_addresses[bank])),
            (ended & filled) | loads,
            Mux(ended, enable, load.enable),
            Cat(Mux(part_ended, word.data[n * bits:(n + 1) * bits], load.data[n * bits:(n + 1) * bits])
                for n, part_ended in enumerate(parts_ended)),
        )
        m.d.sync += [register.eq(value) for (_, register), value in zip(registers, values)]
        m.d.comb += [getattr(cells, name).eq(register) for name, register in registers]
        m.d.comb += [self.read_words[bank].eq(cells.data_a), self.second_words[bank].eq(cells.data_b)]
