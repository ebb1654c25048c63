"""Drain: which bank's finished sums come out of the lanes in each cycle, and the channel's parameters with them."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import copies, delay, delay_control
from firelane.hw.blocks.ports import drain_steps
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig
from firelane.hw.contract.geometry import pixel_sums
from firelane.hw.contract.instruction import CHANNEL_BITS, DESCRIPTOR, makes_blocks, parameter_layout


class Drain(wiring.Component):
    """Walk over the banks after each capture, from bank 0 on, as the lanes shift their sums out (`Lanes.shifted`).

    Latency     `start` to the first step: 1 cycle, its sums in `shifted` 1 cycle later, in `sums` 2
                cycles later; `parameters` go with `sums`.
    Throughput  `cfg.banks` cycles a channel without a gap, half as many with blocks.
    Errors      A start while steps are left restarts the walk (`overrun`). If a channel has no parameter record when
                its first step comes, none of its steps is marked valid (`underrun`).

        cycle         0   1   2   3   4   5        banks = 4
        start         #   _   _   _   #   _
        step          .   0   1   2   3   0
        shifted       .   .   0   1   2   3
        sums          .   .   .   0   1   2

    An engine that merges blocks picks even banks from `shifted` and odd ones from `odd_shifted`. If it does merge
    (`makes_blocks`), a step takes both: sum 2 n is the largest of columns 2 n and 2 n + 1 of both banks. Where a row
    takes the word, the banks are two parts of it: then sum 2 n is that of the even bank, sum 2 n + 1 that of the odd.

        cycle         0   1   2   3   4   5        banks = 4
        start         #   _   #   _   #   _
        shifted       .  0,1 2,3 0,1 2,3 0,1
        step          .   0   2   0   2   0
        columns       .   .  0,1 2,3 0,1 2,3
        sums          .   .   .  0|1 2|3 0|1

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
    shifted : In(pixel_sums(cfg))
    odd_shifted : In(pixel_sums(cfg))
        Only with `cfg.merges_blocks`.
    steps : Out(drain_steps(cfg))
    sums : Out(pixel_sums(cfg))
    parameters : Out(parameter_layout(cfg))
    overrun, underrun : Out(1)
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "layer": In(DESCRIPTOR),
            "restart": In(1),
            "start": In(1),
            "use_constants": In(1),
            "records": In(stream.Signature(parameter_layout(cfg))),
            "shifted": In(pixel_sums(cfg)),
            **({"odd_shifted": In(pixel_sums(cfg))} if cfg.merges_blocks else {}),
            "steps": Out(drain_steps(cfg)),
            "sums": Out(pixel_sums(cfg)),
            "parameters": Out(parameter_layout(cfg)),
            "overrun": Out(1),
            "underrun": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        position = Signal(range(self._cfg.banks))
        running = Signal()
        blocks = delay(m, makes_blocks(self.layer), 1, name="blocks") if self._cfg.merges_blocks else None
        self._walk(m, position, running, blocks)
        self._locate(m, position)
        self._take_record(m, position, running)
        if self._cfg.merges_blocks:
            self._pick(m, position, blocks)
        else:
            m.d.comb += self.sums.eq(delay(m, self.shifted, 1, name="sums"))
        return m

    def _pick(self, m, position, blocks):
        """The sums of a bank, or of the blocks of two banks."""
        halves = BANK_PIXELS // 2
        odd = copies(m, position[0], halves, name="odd")
        one_row = Signal(reset_less=True)
        m.d.sync += one_row.eq(self.layer.parts_log2 == self._cfg.classes - 1)
        sums = Signal.like(self.sums, name="picked", reset_less=True)
        for n in range(halves):
            even, other = (self._larger_column(m, shifted, n, name) for name, shifted in (
                ("even", self.shifted), ("odd", self.odd_shifted)))
            merged = Mux(one_row | (even > other), even, other), other
            for column, pixel in zip((2 * n, 2 * n + 1), merged):
                total = Signal.like(sums[column], name=f"total_{column}")
                m.d.comb += total.eq(Mux(odd[n], self.odd_shifted[column], self.shifted[column]))
                # Maxima of pixels have no higher bits, whichever is picked.
                m.d.sync += sums[column].eq(Cat(Mux(blocks, pixel, total[:PIXEL_BITS]), total[PIXEL_BITS:]))
        m.d.comb += self.sums.eq(sums)

    @staticmethod
    def _larger_column(m, shifted, n: int, name: str) -> Signal:
        """The larger of two columns' pixels. 1 cycle."""
        first, second = shifted[2 * n][:PIXEL_BITS], shifted[2 * n + 1][:PIXEL_BITS]
        larger = Signal(PIXEL_BITS, name=f"{name}_column_{n}", reset_less=True)
        m.d.sync += larger.eq(Mux(first > second, first, second))
        return larger

    def _walk(self, m, position, running, blocks):
        """Count steps and channels."""
        channel = Signal(CHANNEL_BITS)
        last = Signal()
        latest, following = (position, position + 1) if blocks is None else (position | blocks, position + 1 + blocks)
        m.d.comb += [
            last.eq(latest == self._cfg.banks - 1),
            self.steps.payload.channel.eq(channel),
            self.steps.payload.first.eq(position == 0),
            self.steps.payload.last.eq(last),
        ]
        with m.If(running):
            m.d.sync += [position.eq(following), running.eq(~last)]
            with m.If(last):
                m.d.sync += channel.eq(channel + 1)
        with m.If(self.start):
            m.d.sync += [position.eq(0), running.eq(1), self.overrun.eq(running & ~last)]
        with m.Else():
            m.d.sync += self.overrun.eq(0)
        with m.If(self.restart):
            m.d.sync += channel.eq(0)

    def _locate(self, m, position):
        """The row and part of a bank."""
        with m.Switch(self.layer.parts_log2):
            for k in range(self._cfg.classes):
                with m.Case(k):
                    row_bits = self._cfg.classes - 1 - k
                    m.d.comb += [self.steps.payload.row.eq(position[:row_bits]),
                                 self.steps.payload.part.eq(position[row_bits:])]

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
            self.steps.valid.eq(running & Mux(first, ~missing, known)),
        ]
        m.d.sync += self.underrun.eq(missing)
        with m.If(first):
            m.d.sync += known.eq(~missing)
        taken, payload = delay_control(m, first, 1, name="taken"), delay(m, self.records.payload, 1, name="payload")
        with m.If(self.use_constants):
            m.d.sync += [record.bias.eq(layer.bias), record.multiplier.eq(layer.multiplier),
                         record.shift.eq(layer.shift)]
        with m.Elif(taken):
            m.d.sync += record.eq(payload)
        m.d.comb += self.parameters.eq(record)
