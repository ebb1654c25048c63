"""Drain: hand over the finished sums of a channel, a bank a cycle, with the channel's parameters."""

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import BANK_PIXELS, EngineConfig, bits_for
from hw.geometry import bank_sums, drain_step_layout, pixel_sums
from hw.instruction import CHANNEL_BITS, DESCRIPTOR, parameter_layout
from hw.pipeline import copies, delay


class Drain(wiring.Component):
    """Walk over the banks after each capture, row by row, parts of a row first, and pick their sums.

    Latency     `start` to `step_valid` of the first step: 1 cycle, its sums in `hold` 1 cycle later, in `sums` 2
                cycles later; `parameters` go with `sums`.
    Throughput  `cfg.banks` cycles a channel without a gap.
    Errors      A start while steps are left restarts the walk (`overrun`). If a channel has no parameter record when
                its first step comes, none of its steps is marked valid (`underrun`).

        cycle         0   1   2   3   4   5        banks = 4
        start         #   _   _   _   #   _
        step          .   0   1   2   3   0
        hold needed   .   .   0   1   2   3
        sums          .   .   .   0   1   2

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    layer : In(DESCRIPTOR)
    restart : In(1)
        The next channel is channel 0.
    start : In(1)
    use_constants : In(1)
        Ignore `records`, take bias, multiplier and shift from the layer at any time.
    records : In(stream.Signature(parameter_layout(cfg)))
        One is taken for each channel, at its first step.
    hold : In(bank_sums(cfg))
    step_valid : Out(1)
    step : Out(drain_step_layout(cfg))
    sums : Out(pixel_sums(cfg))
    parameters : Out(parameter_layout(cfg))
    overrun, underrun : Out(1)
    """

    SUMS_LAG = 2            #: cycles from `step` to its `sums`

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "layer": In(DESCRIPTOR),
            "restart": In(1),
            "start": In(1),
            "use_constants": In(1),
            "records": In(stream.Signature(parameter_layout(cfg))),
            "hold": In(bank_sums(cfg)),
            "step_valid": Out(1),
            "step": Out(drain_step_layout(cfg)),
            "sums": Out(pixel_sums(cfg)),
            "parameters": Out(parameter_layout(cfg)),
            "overrun": Out(1),
            "underrun": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        position = Signal(range(self._cfg.banks))
        running = Signal()
        self._walk(m, position, running)
        bank = self._locate(m, position)
        self._take_record(m, position, running)
        self._pick(m, bank)
        return m

    def _walk(self, m, position, running):
        """Count steps and channels."""
        channel = Signal(CHANNEL_BITS)
        last = Signal()
        m.d.comb += [
            last.eq(position == self._cfg.banks - 1),
            self.step.channel.eq(channel),
            self.step.first.eq(position == 0),
            self.step.last.eq(last),
        ]
        with m.If(running):
            m.d.sync += [position.eq(position + 1), running.eq(~last)]
            with m.If(last):
                m.d.sync += channel.eq(channel + 1)
        with m.If(self.start):
            m.d.sync += [position.eq(0), running.eq(1), self.overrun.eq(running & ~last)]
        with m.Else():
            m.d.sync += self.overrun.eq(0)
        with m.If(self.restart):
            m.d.sync += channel.eq(0)

    def _locate(self, m, position) -> Signal:
        """The row, part and bank of a position: parts of a row first."""
        banks = self._cfg.banks
        bank = Signal(bits_for(banks))
        with m.Switch(self.layer.parts_log2):
            for k in range(self._cfg.classes):
                with m.Case(k):
                    row, part = position[k:], position[:k]
                    m.d.comb += [self.step.row.eq(row), self.step.part.eq(part), bank.eq(Cat(row, part))]
        return bank

    def _take_record(self, m, position, running):
        """Take the parameters of the channel at its first step; mark steps valid if there are any."""
        layer = self.layer
        known = Signal()
        first = Signal()
        missing = Signal()
        record = Signal(parameter_layout(self._cfg), reset_less=True)
        m.d.comb += [
            first.eq(running & (position == 0)),
            self.records.ready.eq(first & ~self.use_constants),
            missing.eq(first & ~self.use_constants & ~self.records.valid),
            self.step_valid.eq(running & Mux(first, ~missing, known)),
        ]
        m.d.sync += self.underrun.eq(missing)
        with m.If(first):
            m.d.sync += known.eq(~missing)
        with m.If(self.use_constants):
            m.d.sync += [record.bias.eq(layer.bias), record.multiplier.eq(layer.multiplier),
                         record.shift.eq(layer.shift)]
        with m.Elif(first):
            m.d.sync += record.eq(self.records.payload)
        m.d.comb += self.parameters.eq(delay(m, record, 1, name="record"))

    def _pick(self, m, bank):
        """The sums of the bank of the step."""
        banks = self._cfg.banks
        for n, select in enumerate(copies(m, bank, BANK_PIXELS, name="select")):
            picked = Signal.like(self.sums[n], name=f"picked_{n}", reset_less=True)
            choices = [self.hold[b][n] for b in range(banks)]
            m.d.sync += picked.eq(Array(choices)[select] if banks > 1 else choices[0])
            m.d.comb += self.sums[n].eq(picked)
