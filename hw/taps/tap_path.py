"""The weight side of the engine: from compressed weights in memory to taps for all lanes, and channel parameters."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import MEMORY_WRITE, TABLE_WRITE, tap_layout
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.hw.contract.instruction import DESCRIPTOR, WEIGHT_ADDRESS_BITS, instruction_layout, parameter_layout
from firelane.hw.contract.timing import TABLE_READ_CYCLES, scan_cycles
from firelane.hw.control.integrity import ScanSelect
from firelane.hw.taps.parameter_reader import ParameterReader
from firelane.hw.taps.tap_address import TapAddress
from firelane.hw.taps.tap_generator import TapGenerator
from firelane.hw.taps.weight_decoder import WeightDecoder
from firelane.hw.taps.weight_fetch import StreamName, WeightFetch
from firelane.hw.taps.weight_memory import WeightMemory


class TapPath(wiring.Component):
    """Makes the taps of one tile after another.

        WeightMemory -- WeightFetch --+-- WeightDecoder -- TapGenerator -- TapAddress --> tap
                                      +-- ParameterReader --> parameters

    Latency     `hw.contract.timing`: from `start` to the first `tap_valid`, and from `start` to the end of `busy`.
    Throughput  1 tap a cycle; output channels at least `cfg.drain_cycles` apart.
    Stalling    `parameters` only. Taps cannot be held up from outside.

    Parameters
    ----------
    cfg : EngineConfig
    weights, values, runs : sequence of int
        First words of the weight memory and of the two symbol tables at configuration, unsigned.

    Members
    -------
    weight_write, value_write, run_write : In(stream of MEMORY_WRITE, always ready)
        Not while a tile runs. Table entries are in the low bits of data.
    code_write, kernel_write : In(stream of TABLE_WRITE, always ready)
        Not while a tile runs: CODE_WORD 0 .. 7, pairs of KERNEL_ENTRY 0 .. 31.
    layer : In(DESCRIPTOR), tile : In(instruction_layout(cfg))
        Stable from `start` on until `busy` is low and the last parameters have been taken.
    start : In(1)
        Pulse, while not `busy`.
    busy : Out(1)
        From the cycle after `start` to that of the terminator's `tap_valid`.
    tap_valid : Out(1), tap : Out(tap_layout(cfg))
    parameters : Out(stream of parameter_layout(cfg))
        A record per output channel, in order, as early as possible; none if the layer has constant parameters.
    scan_select : In(ScanSelect), scan_address : In(18), scan_data : Out(36)
        Reads any memory, `scan_cycles(cfg)` later, while no tile runs. The selection must stay for that time.
    bad_code, weight_range, address_range : Out(1)
        Errors: a tap of an invalid code was issued; a stream needs bits past the end of the weight memory; a tap reads
        outside the activation memory, or has a kernel place or an input channel that does not exist.
    tap_taken, stall_decoder, stall_drain : Out(1)
        For counters: a tap is issued; none has been decoded; the one there is waits for `drain_cycles`.
    """

    def __init__(self, cfg: EngineConfig, *, weights=(), values=(), runs=()):
        self._cfg = cfg
        self._weights, self._values, self._runs = weights, values, runs
        memory_write = stream.Signature(MEMORY_WRITE, always_ready=True)
        table_write = stream.Signature(TABLE_WRITE, always_ready=True)
        super().__init__({
            "weight_write": In(memory_write), "value_write": In(memory_write), "run_write": In(memory_write),
            "code_write": In(table_write), "kernel_write": In(table_write),
            "layer": In(DESCRIPTOR), "tile": In(instruction_layout(cfg)), "start": In(1), "busy": Out(1),
            "tap_valid": Out(1), "tap": Out(tap_layout(cfg)),
            "parameters": Out(stream.Signature(parameter_layout(cfg))),
            "scan_select": In(ScanSelect), "scan_address": In(WEIGHT_ADDRESS_BITS), "scan_data": Out(MEMORY_BITS),
            "bad_code": Out(1), "weight_range": Out(1), "address_range": Out(1),
            "tap_taken": Out(1), "stall_decoder": Out(1), "stall_drain": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        cfg = self._cfg
        m.submodules.weights = weights = WeightMemory(cfg.weight_words, self._weights)
        m.submodules.fetch = fetch = WeightFetch(cfg)
        m.submodules.decoder = decoder = WeightDecoder(cfg, values=self._values, runs=self._runs)
        m.submodules.generator = generator = TapGenerator(cfg)
        m.submodules.addresses = addresses = TapAddress(cfg)
        m.submodules.reader = reader = ParameterReader(cfg)
        self._connect_memories(m, weights, fetch, decoder, addresses)
        self._connect_streams(m, fetch, decoder, generator, addresses, reader)
        self._scan(m, weights, fetch, decoder)
        self._errors(m, fetch, decoder, generator, addresses, reader)
        with m.If(self.start):
            m.d.sync += self.busy.eq(1)
        with m.Elif(addresses.last):
            m.d.sync += self.busy.eq(0)
        return m

    def _connect_memories(self, m, weights, fetch, decoder, addresses):
        m.d.comb += [
            weights.address.eq(fetch.address), fetch.data.eq(weights.data),
            weights.write_valid.eq(self.weight_write.valid), weights.write.eq(self.weight_write.payload),
            decoder.value_valid.eq(self.value_write.valid), decoder.value_write.eq(self.value_write.payload),
            decoder.run_valid.eq(self.run_write.valid), decoder.run_write.eq(self.run_write.payload),
            decoder.code_valid.eq(self.code_write.valid), decoder.code_write.eq(self.code_write.payload),
            addresses.kernel_valid.eq(self.kernel_write.valid), addresses.kernel_write.eq(self.kernel_write.payload),
        ]

    def _connect_streams(self, m, fetch, decoder, generator, addresses, reader):
        wiring.connect(m, fetch.value, decoder.value)
        wiring.connect(m, fetch.run, decoder.run)
        wiring.connect(m, fetch.parameter, reader.i)
        wiring.connect(m, reader.o, wiring.flipped(self.parameters))
        for block in (fetch, decoder, generator, addresses, reader):
            m.d.comb += block.layer.eq(self.layer)
        for block in (fetch, generator, reader):
            m.d.comb += block.start.eq(self.start)
        m.d.comb += [
            fetch.stop.eq(generator.done),
            decoder.active.eq(generator.active),
            decoder.room.eq(generator.room), generator.reserve.eq(decoder.step),
            generator.i_valid.eq(decoder.o_valid), generator.i.eq(decoder.o),
            addresses.tile.eq(self.tile), addresses.i_valid.eq(generator.o_valid), addresses.i.eq(generator.o),
            self.tap_valid.eq(addresses.tap_valid), self.tap.eq(addresses.tap),
            self.tap_taken.eq(generator.tap_taken), self.stall_decoder.eq(generator.stall_decoder),
            self.stall_drain.eq(generator.stall_drain),
        ]

    def _scan(self, m, weights, fetch, decoder):
        """All memories read the same address, and the answer is chosen when the slowest has given it."""
        table_address = self.scan_address
        for cycle in range(scan_cycles(self._cfg) - 1 - TABLE_READ_CYCLES):
            later = Signal(WEIGHT_ADDRESS_BITS, name=f"table_address_{cycle}", reset_less=True)
            m.d.sync += later.eq(table_address)
            table_address = later
        chosen = Signal(MEMORY_BITS, reset_less=True)
        with m.Switch(self.scan_select):
            with m.Case(ScanSelect.VALUE):
                m.d.sync += chosen.eq(decoder.value_entry)
            with m.Case(ScanSelect.RUN):
                m.d.sync += chosen.eq(decoder.run_entry)
            with m.Default():
                m.d.sync += chosen.eq(weights.data)
        m.d.comb += [fetch.scan_address.eq(self.scan_address), decoder.scan.eq(~self.busy),
                     decoder.scan_address.eq(table_address), self.scan_data.eq(chosen)]

    def _errors(self, m, fetch, decoder, generator, addresses, reader):
        symbols_end = generator.starving & ((fetch.exhausted[:StreamName.PARAMETER] & decoder.dry) != 0)
        parameters_end = fetch.exhausted[StreamName.PARAMETER] & reader.waiting
        m.d.comb += self.address_range.eq(addresses.address_range)
        m.d.sync += [self.bad_code.eq(generator.o_valid & generator.o.bad_code),
                     self.weight_range.eq(symbols_end | parameters_end)]
