"""The cycles in which the port that reads second taps writes the activation memory instead."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import delay_control
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import ADDRESS_CYCLES, LOAD_SLOTS_OWED, write_slot_lag


class WriteCycles(wiring.Component):
    """A cycle for each finished channel, at a fixed time; and, as soon as there is one left, for each word of a LOAD.

    `hw.contract.issue.WritePort` is the same rule.

    Limits      `load_request` comes at most LOAD_SLOTS_OWED times more often than `load_slot`.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    captured : In(1)
        A tap with `capture` is issued: `write_slot_lag(cfg)` cycles later its channel is written.
    captured_blocks : In(1)
        The same for a channel whose lanes are merged by blocks, which takes less. Not with channels of the other kind
        on their way. Only with `cfg.merges_blocks`.
    load_request : In(1)
        A word is to be written, in the next cycle at the earliest.
    writes : Out(1)
        The port writes beside what is issued in this cycle.
    load_slot : Out(1)
        ADDRESS_CYCLES after a cycle in which it writes a word of a LOAD.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({"captured": In(1), **({"captured_blocks": In(1)} if cfg.merges_blocks else {}),
                          "load_request": In(1), "writes": Out(1), "load_slot": Out(1)})

    def elaborate(self, platform):
        m = Module()
        channel = self._channel(m)
        owed, still_owed = Signal(range(LOAD_SLOTS_OWED + 1)), Signal(range(LOAD_SLOTS_OWED + 1))
        some_owed, load = Signal(), Signal()
        m.d.comb += [
            load.eq(some_owed & ~channel),
            still_owed.eq(owed + self.load_request - load),
            self.writes.eq(some_owed | channel),
        ]
        m.d.sync += [owed.eq(still_owed), some_owed.eq(still_owed != 0)]
        m.d.comb += self.load_slot.eq(delay_control(m, load, ADDRESS_CYCLES, name="load"))
        return m

    def _channel(self, m):
        """A finished channel is written."""
        lag = write_slot_lag(self._cfg)
        if not self._cfg.merges_blocks:
            return delay_control(m, self.captured, lag, name="captured")
        of_blocks = write_slot_lag(self._cfg, blocks=True)
        joined = delay_control(m, self.captured, lag - of_blocks, name="captured") | self.captured_blocks
        return delay_control(m, joined, of_blocks, name="joined")
