"""Reads the streams of a layer from the weight memory, all through its one port."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.credit_queue import CreditQueue
from firelane.hw.blocks.ports import TABLE_WRITES, MemoryReadPort
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    CODE_WORDS,
    DESCRIPTOR,
    SECOND_STREAMS,
    WEIGHT_ADDRESS_BITS,
    ParameterForm,
    Source,
)
from firelane.hw.contract.timing import (
    FETCH_QUEUE_WORDS,
    SCAN_ADDRESS_CYCLES,
    fetch_low_words,
    weight_read_cycles,
)


def stream_names(cfg: EngineConfig) -> tuple[str, ...]:
    """The bit streams of a layer, in the order in which they are read; those of symbols, then the parameters."""
    symbols = ("value", "run", "second_value", "second_run")
    return (*symbols[:2 * cfg.taps_per_cycle], "parameter")


class WeightFetch(wiring.Component):
    """Prefetches up to FETCH_QUEUE_WORDS words of each stream, in turn.

    A stream that is not dry gets at least every third read, 12 bits a cycle; the streams together use at most
    8 + 8 + 6 of 36 bits a cycle, so words arrive before they are needed. With two taps a cycle there are five streams,
    which may use 38 bits a cycle, and get them on an average only. Those of less than `fetch_low_words(cfg)` words are
    read first; the compiler sees to it that none runs dry (`compiler.coding.weight_supply`).

    Latency     `first_word_cycles(cfg)` from `start` to the first word of the value stream, then 1 more to that of the
                runs (to each of `stream_names(cfg)` that the layer has); if all start together another one to that of
                the parameters, else up to 2.
    Throughput  1 word a cycle over all streams.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    coming : In(DESCRIPTOR), start : In(1)
        Drop the value and run streams, and fetch those of `coming` from their beginnings.
    layer : In(DESCRIPTOR), parameter_start : In(1)
        The same for the parameter stream, of `layer`.
    stop : In(1)
        Drop the value and run streams.
    code_write : In(TABLE_WRITES)
        Only with two taps a cycle: word CODE_WORDS says where the streams of every second tap begin, for the next
        `start`, at least 2 cycles before that.
    value, run, parameter, and with two taps a cycle second_value, second_run : Out(stream of 36)
    exhausted : Out(a bit for each of `stream_names(cfg)`)
        The end of the memory is reached and every word has been handed out. One word of zeros behind the memory is part
        of a stream, so that a reader may look ahead.
    memory : Out(MemoryReadPort(18))
        To the weight memory, whose latency is `weight_read_cycles(cfg.weight_words)`.
    scan_address : In(18)
        Goes to the memory in cycles without a fetch, SCAN_ADDRESS_CYCLES later.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        self._names = stream_names(cfg)
        super().__init__({
            "coming": In(DESCRIPTOR), "start": In(1), "layer": In(DESCRIPTOR), "parameter_start": In(1), "stop": In(1),
            **({"code_write": In(TABLE_WRITES)} if cfg.taps_per_cycle == 2 else {}),
            **{name: Out(stream.Signature(MEMORY_BITS)) for name in self._names},
            "exhausted": Out(len(self._names)),
            "memory": Out(MemoryReadPort(WEIGHT_ADDRESS_BITS)), "scan_address": In(WEIGHT_ADDRESS_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        count = len(self._names)
        clear, granted = Signal(count), Signal(count)
        m.d.comb += clear.eq(Cat(*[self.start | self.stop] * (count - 1), self.parameter_start))
        arriving = self._read_pipeline(m, granted & ~clear, clear)
        if self._cfg.taps_per_cycle == 2:
            self._second_addresses(m)
        self._few = []              #: of each stream, with two taps a cycle: it has few words, and wants more
        wanted, active, addresses = zip(*(self._stream(m, number, granted[number], clear[number], arriving[number])
                                          for number in range(count)))
        if self._cfg.taps_per_cycle == 1:
            self._grant_in_turn(m, Cat(wanted), granted)
        else:
            self._grant_ahead(m, self._most_urgent(m, wanted), Cat(active), granted)

        address = Signal(WEIGHT_ADDRESS_BITS, reset_less=True)
        m.d.sync += address.eq(self.scan_address)
        for number in range(count):
            with m.If(granted[number]):
                m.d.sync += address.eq(addresses[number])
        m.d.comb += self.memory.address.eq(address)
        return m

    def _second_addresses(self, m):
        """Where the streams of every second tap of the next layer begin."""
        second = Signal(SECOND_STREAMS, reset_less=True)
        written = Signal(SECOND_STREAMS, reset_less=True)
        is_second = Signal()        # from a register, because writes come from afar
        m.d.sync += [written.eq(self.code_write.payload.data),
                     is_second.eq(self.code_write.valid & (self.code_write.payload.index == CODE_WORDS))]
        with m.If(is_second):
            m.d.sync += second.eq(written)
        self._second = second

    def _start_of(self, name: str):
        """(pulse with which a stream starts, its first address, whether the layer has it)."""
        if name == "parameter":
            return self.parameter_start, self.layer.parameter_address, self._used(self.layer, name)
        kind = name.removeprefix("second_")
        addresses = self.coming if name == kind else self._second
        return self.start, addresses[f"{kind}_address"], self._used(self.coming, kind)

    def _stream(self, m, number: int, granted, clear, arriving):
        """One stream's address counter and queue; gives its request, whether it is in use, and its address."""
        label = self._names[number]
        low = 0 if self._cfg.taps_per_cycle == 1 else fetch_low_words(self._cfg)
        queue = m.submodules[f"{label}_queue"] = CreditQueue(MEMORY_BITS, depth=FETCH_QUEUE_WORDS, low=low)
        wiring.connect(m, queue.o, wiring.flipped(getattr(self, label)))
        active = Signal(name=f"{label}_active")
        past_end = Signal(name=f"{label}_past_end")
        wanted = Signal(name=f"{label}_wanted")
        address = Signal(WEIGHT_ADDRESS_BITS, name=f"{label}_address", reset_less=True)
        start, first_address, used = self._start_of(label)
        m.d.comb += [
            wanted.eq(active & queue.room & ~past_end),
            queue.clear.eq(clear),
            queue.reserve.eq(granted),
            queue.write.valid.eq(arriving),
            queue.write.payload.eq(self.memory.data),
            self.exhausted[number].eq(active & past_end & queue.empty),
        ]
        m.d.sync += past_end.eq(address > self._cfg.weight_words)
        with m.If(start):
            m.d.sync += [address.eq(first_address), active.eq(used), past_end.eq(0)]
        with m.Else():
            with m.If(granted):
                m.d.sync += address.eq(address + 1)
            with m.If(clear):
                m.d.sync += active.eq(0)
        if low:
            self._few.append(active & queue.few & ~past_end)
        return wanted, active, address

    @staticmethod
    def _used(layer, name: str):
        """Whether a layer has this stream."""
        if name == "parameter":
            return layer.parameters != ParameterForm.CONSTANT
        streamed = layer.source == Source.STREAM
        return streamed & ~layer.dense if name == "run" else streamed

    def _grant_in_turn(self, m, wanted, granted):
        """Grant one request; the stream after the last one granted comes first."""
        first = Signal(len(self._names), init=1)
        self._choose(m, first, wanted, granted)
        with m.If(self.start):
            m.d.sync += first.eq(1)
        with m.Elif(granted.any()):
            m.d.sync += first.eq(granted.rotate_left(1))

    def _most_urgent(self, m, wanted):
        """The requests of streams that have few words, if there are any; parameters that start have none."""
        some_few = Signal()
        m.d.comb += some_few.eq(Cat(self._few).any())
        urgent = [want & (few | ~some_few) for want, few in zip(wanted, self._few)]
        urgent[-1] = urgent[-1] | (self.parameter_start & self._used(self.layer, "parameter"))
        return Cat(urgent)

    def _grant_ahead(self, m, wanted, active, granted):
        """The same, chosen a cycle before: the choice of one of five takes long, and so does what follows it.

        A queue has room for one word more than it wants. The values are granted the cycle after `start` unasked.
        """
        count = len(self._names)
        first, turn = Signal(count, init=1), Signal(count)
        coming, chosen = Signal(count), Signal(count)
        m.d.comb += [turn.eq(Mux(chosen.any(), chosen.rotate_left(1), first)), granted.eq(chosen & active)]
        self._choose(m, turn, wanted, coming)
        m.d.sync += [first.eq(turn), chosen.eq(Mux(self.start, self._used(self.coming, "value"), coming))]

    @staticmethod
    def _choose(m, first, wanted, granted):
        """One of the requests, counted from `first`, which is one bit."""
        for turn in range(len(wanted)):
            with m.If(first[turn]):
                earlier = []
                for step in range(len(wanted)):
                    number = (turn + step) % len(wanted)
                    m.d.comb += granted[number].eq(wanted[number] & ~Cat(earlier).any() if earlier
                                                   else wanted[number])
                    earlier.append(wanted[number])

    def _read_pipeline(self, m, issued, clear):
        """Which stream's word is on the port now, as one bit per stream."""
        coming = issued
        for stage in range(SCAN_ADDRESS_CYCLES + weight_read_cycles(self._cfg.weight_words)):
            later = Signal(len(self._names), name=f"coming_{stage}")
            m.d.sync += later.eq(coming & ~clear)
            coming = later
        return coming       # what is written into a queue while that is cleared is dropped by the queue
