"""When taps are issued: how many cycles a tile's channels take, with one tap a cycle and with two.

With two taps a cycle the second one is read through the port that writes the activation memory, too. So it must do
without in the cycles in which a finished channel is written (`timing.write_slot_lag` after its capture), and in those
that the input loader asks for.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Operation, Source
from firelane.hw.contract.timing import write_slot_lag

NEVER = 1 << 60


def taken_alone(source: Source, operation: Operation, channels_in: int, kernel_taps: int) -> bool:
    """Whether a layer's taps are issued one by one, and so come from one stream, in any engine."""
    return source is Source.WINDOW or operation is Operation.MAXIMUM or channels_in * kernel_taps == 1


class WritePort:
    """The cycles in which the second port of the activation memory writes, in order of time.

    A channel is written in a fixed cycle. The loader's words wait for the first cycle in which no channel is written,
    one a cycle, in the order in which they were asked for.
    """

    def __init__(self):
        self._channels: deque[int] = deque()
        self._asked: deque[int] = deque()       # each the first cycle in which the word could be written
        self._free = 0                          # the first cycle after the loader's last word

    def write_channel(self, cycle: int) -> None:
        """A finished channel is written in `cycle`; cycles never fall."""
        self._channels.append(cycle)

    def ask(self, cycles: Iterable[int]) -> None:
        """The loader asks for a write in each of `cycles` or later; they never fall."""
        self._asked.extend(cycles)

    def next_write(self, cycle: int) -> int:
        """The first cycle from `cycle` on in which the port writes; NEVER if none is known. Earlier ones are past."""
        while True:
            channel = self._channels[0] if self._channels else NEVER
            load = max(self._asked[0], self._free) if self._asked else NEVER
            first = min(channel, load)
            if first >= cycle:
                return first
            if channel == first:
                self._channels.popleft()
                self._free = max(self._free, channel + 1) if load == channel else self._free
            else:
                self._asked.popleft()
                self._free = load + 1


@dataclass(frozen=True)
class ChannelTaps:
    """Taps of each output channel of a tile.

    `alone`: they are issued one by one in an engine of two taps a cycle, too (`taken_alone`): those of a window or of a
    maximum, and of filters with one place, whose taps are all in different channels. `blocks`: lanes are merged by
    blocks (`instruction.makes_blocks`), and channels may be nearer to each other.
    """

    counts: tuple[int, ...]
    alone: bool = False
    blocks: bool = False
    _cycles: dict[EngineConfig, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def cycles(self, cfg: EngineConfig) -> int:
        """Cycles from the first tap of the tile to its terminator, if the loader writes nothing; kept, once known."""
        if cfg not in self._cycles:
            pairs = cfg.taps_per_cycle == 2 and not self.alone
            self._cycles[cfg] = self.issue(cfg, 0, WritePort()) if pairs else self._one_by_one(cfg)
        return self._cycles[cfg]

    def issue(self, cfg: EngineConfig, start: int, port: WritePort) -> int:
        """The cycle of the terminator, if the first tap is issued in cycle `start`; the port's writes go on with it."""
        cycle, lag, least = start, write_slot_lag(cfg, blocks=self.blocks), self._least(cfg)
        pairs = cfg.taps_per_cycle == 2 and not self.alone
        for count in self.counts:
            last = self._last_of_pairs(cycle, count, port) if pairs else cycle + count
            cycle = max(last, cycle + least)
            if cfg.taps_per_cycle == 2:
                port.write_channel(cycle + lag)
        return cycle

    @staticmethod
    def _last_of_pairs(cycle: int, count: int, port: WritePort) -> int:
        """The cycle after the last of `count` taps of a channel that begins in `cycle`."""
        while True:
            write = port.next_write(cycle)
            if count <= 2 * (write - cycle):
                return cycle + (count + 1) // 2
            count -= 2 * (write - cycle) + 1
            cycle = write + 1
            if count <= 0:
                return cycle

    def _one_by_one(self, cfg: EngineConfig) -> int:
        return sum(max(count, self._least(cfg)) for count in self.counts)

    def _least(self, cfg: EngineConfig) -> int:
        """Cycles from a channel to the next at least."""
        return cfg.block_cycles if self.blocks else cfg.drain_cycles
