"""Reads the streams of a layer from the weight memory, all through its one port."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.credit_queue import CreditQueue
from firelane.hw.blocks.ports import MemoryReadPort
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR, WEIGHT_ADDRESS_BITS, ParameterForm, Source
from firelane.hw.contract.timing import SCAN_ADDRESS_CYCLES, weight_read_cycles

QUEUE_WORDS = 16    #: covers the latency of the largest memory at 8 bits a cycle, 72 cycles


class StreamName(enum.IntEnum):
    """The bit streams of a layer."""

    VALUE = 0
    RUN = 1
    PARAMETER = 2


class WeightFetch(wiring.Component):
    """Prefetches up to QUEUE_WORDS words of each stream, in turn.

    A stream that is not dry gets at least every third read, 12 bits a cycle; the streams together use at most
    8 + 8 + 6 of 36 bits a cycle, so words arrive before they are needed.

    Latency     `first_word_cycles(cfg)` from `start` to the first word of the value stream, then 1 more to that of the
                runs; if all start together another one to that of the parameters, else up to 2.
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
    value, run, parameter : Out(stream of 36)
    exhausted : Out(3)
        Per stream: the end of the memory is reached and every word has been handed out. One word of zeros behind the
        memory is part of a stream, so that a reader may look ahead.
    memory : Out(MemoryReadPort(18))
        To the weight memory, whose latency is `weight_read_cycles(cfg.weight_words)`.
    scan_address : In(18)
        Goes to the memory in cycles without a fetch, SCAN_ADDRESS_CYCLES later.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "coming": In(DESCRIPTOR), "start": In(1), "layer": In(DESCRIPTOR), "parameter_start": In(1), "stop": In(1),
            **{name.name.lower(): Out(stream.Signature(MEMORY_BITS)) for name in StreamName},
            "exhausted": Out(len(StreamName)),
            "memory": Out(MemoryReadPort(WEIGHT_ADDRESS_BITS)), "scan_address": In(WEIGHT_ADDRESS_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        clear, granted = Signal(len(StreamName)), Signal(len(StreamName))
        m.d.comb += clear.eq(Cat(self.start | self.stop, self.start | self.stop, self.parameter_start))
        arriving = self._read_pipeline(m, granted & ~clear, clear)
        wanted, addresses = zip(*(self._stream(m, name, granted[name], clear[name], arriving[name])
                                  for name in StreamName))
        self._grant_in_turn(m, Cat(wanted), granted)

        address = Signal(WEIGHT_ADDRESS_BITS, reset_less=True)
        m.d.sync += address.eq(self.scan_address)
        for name in StreamName:
            with m.If(granted[name]):
                m.d.sync += address.eq(addresses[name])
        m.d.comb += self.memory.address.eq(address)
        return m

    def _stream(self, m, name: StreamName, granted, clear, arriving):
        """One stream's address counter and queue; gives its request and its address."""
        label = name.name.lower()
        queue = m.submodules[f"{label}_queue"] = CreditQueue(MEMORY_BITS, depth=QUEUE_WORDS)
        wiring.connect(m, queue.o, wiring.flipped(getattr(self, label)))
        active = Signal(name=f"{label}_active")
        past_end = Signal(name=f"{label}_past_end")
        wanted = Signal(name=f"{label}_wanted")
        address = Signal(WEIGHT_ADDRESS_BITS, name=f"{label}_address", reset_less=True)
        m.d.comb += [
            wanted.eq(active & queue.room & ~past_end),
            queue.clear.eq(clear),
            queue.reserve.eq(granted),
            queue.write.valid.eq(arriving),
            queue.write.payload.eq(self.memory.data),
            self.exhausted[name].eq(active & past_end & queue.empty),
        ]
        layer, start = ((self.layer, self.parameter_start) if name is StreamName.PARAMETER
                        else (self.coming, self.start))
        m.d.sync += past_end.eq(address > self._cfg.weight_words)
        with m.If(start):
            m.d.sync += [address.eq(layer[f"{label}_address"]), active.eq(self._used(layer, name)), past_end.eq(0)]
        with m.Else():
            with m.If(granted):
                m.d.sync += address.eq(address + 1)
            with m.If(clear):
                m.d.sync += active.eq(0)
        return wanted, address

    @staticmethod
    def _used(layer, name: StreamName):
        """Whether a layer has this stream."""
        if name is StreamName.PARAMETER:
            return layer.parameters != ParameterForm.CONSTANT
        streamed = layer.source == Source.STREAM
        return streamed & ~layer.dense if name is StreamName.RUN else streamed

    def _grant_in_turn(self, m, wanted, granted):
        """Grant one request; the stream after the last one granted comes first."""
        count = len(StreamName)
        first = Signal(count, init=1)
        for turn in StreamName:
            with m.If(first[turn]):
                earlier = []
                for step in range(count):
                    name = (turn + step) % count
                    m.d.comb += granted[name].eq(wanted[name] & ~Cat(earlier).any() if earlier else wanted[name])
                    earlier.append(wanted[name])
        with m.If(self.start):
            m.d.sync += first.eq(1)
        with m.Elif(granted.any()):
            m.d.sync += first.eq(granted.rotate_left(1))

    def _read_pipeline(self, m, issued, clear):
        """Which stream's word is on the port now, as one bit per stream."""
        coming = issued
        for stage in range(SCAN_ADDRESS_CYCLES + weight_read_cycles(self._cfg.weight_words)):
            later = Signal(len(StreamName), name=f"coming_{stage}")
            m.d.sync += later.eq(coming & ~clear)
            coming = later
        return coming       # what is written into a queue while that is cleared is dropped by the queue
