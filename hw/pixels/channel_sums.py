"""Sums of channels for a global average, and the walk over them that the AVERAGE instruction makes."""

from amaranth import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BANK_WORD_BITS
from firelane.hw.blocks.pipeline import delay, delay_control
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.geometry import PIXELS
from firelane.hw.contract.instruction import CHANNEL_BITS


def adder_level(m, terms: list, *, name: str) -> list:
    """Sums of pairs of `terms`, registered; a term left over is registered alone."""
    made = []
    for n in range(0, len(terms), 2):
        total = terms[n] + terms[n + 1] if n + 1 < len(terms) else terms[n]
        register = Signal(len(total), name=f"{name}_{n // 2}", reset_less=True)
        m.d.sync += register.eq(total)
        made.append(register)
    return made


class ChannelSums(wiring.Component):
    """Add the enabled pixels of all steps of a channel to the channel's sum in memory.

    Latency     CHANNEL_SUM_LATENCY cycles from the last step to the sum in memory, 1 cycle from `read_channel` to
                `read_sum`.
    Throughput  1 step a cycle, if a channel's last steps are at least CHANNEL_SUM_LATENCY cycles apart.
    Limits      Reads and additions must not overlap. Sums are modulo 2**average_bits.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    from_zero : In(1)
        The sums so far do not count; stable.
    valid : In(1)
    first, last : In(1)
        First and last step of the channel, enabled pixels or not.
    channel : In(11)
    enable : In(14)
    data : In(112)
    read : In(1)
        Give `read_channel` the read port.
    read_channel : In(11)
    read_sum : Out(average_bits)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "from_zero": In(1),
            "valid": In(1),
            "first": In(1),
            "last": In(1),
            "channel": In(CHANNEL_BITS),
            "enable": In(BANK_PIXELS),
            "data": In(BANK_WORD_BITS),
            "read": In(1),
            "read_channel": In(CHANNEL_BITS),
            "read_sum": Out(cfg.average_bits),
        })

    def elaborate(self, platform):
        m = Module()
        cfg = self._cfg
        pixels = Signal(PIXELS)
        m.d.comb += pixels.eq(self.data)
        terms = [Mux(self.enable[n], pixels[n], 0) for n in range(BANK_PIXELS)]
        level = 0
        while len(terms) > 1:
            terms = adder_level(m, terms, name=f"level_{level}")
            level += 1
        valid = delay_control(m, self.valid, level, name="valid")
        first = delay(m, self.first, level, name="first")
        last = delay(m, self.last, level, name="last")
        channel = delay(m, self.channel, level, name="channel")

        total = Signal(cfg.average_bits, reset_less=True)
        with m.If(valid):
            m.d.sync += total.eq(terms[0] + Mux(first, 0, total))
        cells = memory.Memory(shape=cfg.average_bits, depth=cfg.average_channels, init=[],
                              attrs={"ram_style": "block", "no_rw_check": 1})
        m.submodules.cells = cells
        read, write = cells.read_port(domain="comb"), cells.write_port()
        read_sum = Signal(cfg.average_bits, reset_less=True)
        m.d.sync += read_sum.eq(read.data)
        so_far = Signal(cfg.average_bits, reset_less=True)
        m.d.sync += so_far.eq(Mux(self.from_zero, 0, read_sum))     # a block RAM is too slow to be added to at once
        m.d.comb += [
            read.addr.eq(Mux(self.read, self.read_channel, channel)),
            self.read_sum.eq(read_sum),
            write.addr.eq(delay(m, channel, 2, name="write_channel")),
            write.data.eq(so_far + delay(m, total, 1, name="total")),
            write.en.eq(delay_control(m, valid & last, 2, name="write_enable")),
        ]
        return m


class AverageWalk(wiring.Component):
    """Issue one `single` step for each channel of an AVERAGE instruction, and say when the last is done.

    Throughput  1 channel a cycle into memory; into the result stream as long as `room` says so.

    Parameters
    ----------
    cfg : EngineConfig
    latency : int
        Cycles from the last step to `done`, if it is not the result stream that decides; at least 2, and at least as
        many as from a step to its write in memory.

    Members
    -------
    start : In(1)
    channels : In(11)
        How many, at least 1; stable.
    to_stream : In(1)
        Results leave by the result stream.
    room : In(1)
        The result stream can take one more than those under way.
    taken : In(1)
        The last result has left; `done` comes a cycle later.
    active : Out(1)
        From the cycle after `start` to `done`.
    step : Out(1)
    channel : Out(11)
    last : Out(1)
    done : Out(1)
    """

    def __init__(self, cfg: EngineConfig, latency: int):
        if latency < 2:
            raise ValueError(f"latency must be at least 2, not {latency!r}")
        self._latency = latency
        super().__init__({
            "start": In(1),
            "channels": In(CHANNEL_BITS),
            "to_stream": In(1),
            "room": In(1),
            "taken": In(1),
            "active": Out(1),
            "step": Out(1),
            "channel": Out(CHANNEL_BITS),
            "last": Out(1),
            "done": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        last_channel = Signal(CHANNEL_BITS, reset_less=True)
        waited = Signal(range(self._latency))
        m.d.sync += last_channel.eq(self.channels - 1)
        m.d.comb += self.last.eq(self.channel == last_channel)
        with m.FSM(name="walk") as walk:
            m.d.comb += self.active.eq(~walk.ongoing("IDLE"))
            with m.State("IDLE"):
                m.d.sync += [self.channel.eq(0), waited.eq(0)]
                with m.If(self.start):
                    m.next = "SETTLE"
            with m.State("SETTLE"):             # the layer's constants reach the requantizers
                m.next = "ISSUE"
            with m.State("ISSUE"):
                m.d.comb += self.step.eq(~self.to_stream | self.room)
                with m.If(self.step):
                    m.d.sync += self.channel.eq(self.channel + 1)
                    with m.If(self.last):
                        m.next = "FINISH"
            with m.State("FINISH"):
                m.d.sync += waited.eq(waited + 1)
                with m.If(Mux(self.to_stream, self.taken, waited == self._latency - 2)):
                    m.next = "DONE"
            with m.State("DONE"):               # a state of its own, because `taken` comes from afar
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
        return m
