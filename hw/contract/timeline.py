"""When each instruction of a frame begins and ends, from the promises of `hw.contract.timing`.

Compiler and emulator both walk along it, and the Verilog is tested against it. It assumes that image bytes are always
there, that results are always taken, and that the drain, which writes through the same ports, never stalls the loader.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from firelane.hw.contract import timing
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.issue import NEVER, ChannelTaps, WritePort

LONG_AGO = -1 << 30


@dataclass(frozen=True)
class InstructionCycles:
    """The time that an instruction takes, in cycles from the start of the frame.

    `start`: the one before is through, or the frame begins; `end`: it is through; `waited`: of these, cycles that it
    waited for a load and nothing else.
    """

    pc: int
    start: int
    end: int
    waited: int


@dataclass(frozen=True)
class _OpenTile:
    """A tile that is under way; its first tap is issued in cycle `first`."""

    first: int
    channels: ChannelTaps
    averages: bool


@dataclass(frozen=True)
class _Behind:
    """An open tile, or a load beside it, which is through in cycle `least` or later.

    `checked`, `until`: the wait for a load, if any; `before`: all before it is through, None where that is not known.
    """

    pc: int
    checked: int
    until: int
    before: int | None
    least: int


@dataclass
class Timeline:
    """The instructions of a frame one after the other: `fetch`, perhaps `wait_for_load`, then what it does, `finish`.

    A tile stays open, its end unknown, until something depends on it: the loads that start beside it come later in the
    program, and with two taps a cycle they slow it down. So `done` may be some instructions behind up to
    `finish_frame`.

    Members
    -------
    fetching : the next fetch begins
    ready : the instruction in hand could start, were it its turn
    settled : the tile before has got the data path
    load_end : the first cycle in which the loader is idle again
    port : what is written to the activation memory beside the taps, with two taps a cycle
    done : the instructions whose ends are known
    """

    cfg: EngineConfig
    fetching: int = 0
    ready: int = 0
    settled: int = LONG_AGO
    load_end: int = 0
    port: WritePort = field(default_factory=WritePort)
    done: list[InstructionCycles] = field(default_factory=list)
    _through: int = -timing.NEXT_LAG    # but for the open tile, and what is behind it
    _last_tap: int = LONG_AGO
    _tile: _OpenTile | None = None
    _behind: list[_Behind] = field(default_factory=list)
    _checked: int = 0                   # of the instruction in hand, as in _Behind
    _until: int = 0
    _before: int | None = None
    _least: int = LONG_AGO

    def fetch(self, descriptor_words: int) -> None:
        """Fetch an instruction, with its descriptor or 0 words of it."""
        self.ready = self.fetching + timing.fetch_cycles(self.cfg, descriptor_words) + timing.START_LAG
        self._checked, self._until, self._before = 0, 0, None

    def wait_for_load(self, settle: int = 0) -> None:
        """Go on when no load has been under way for `settle` cycles."""
        self._checked = self.ready - timing.START_LAG + timing.CHECK_LAG
        self._until = max(self.load_end + (settle if self.load_end else 0), self._checked)
        self.ready += self._until - self._checked

    @property
    def last_tap(self) -> int:
        """The terminator of the tile before is issued."""
        self._close()
        return self._last_tap

    @property
    def through(self) -> int:
        """The instruction before is through, or, if that is a tile, the first cycle in which it is written."""
        self._close()
        return self._through

    @cached_property
    def _gap(self) -> int:
        return timing.tile_gap_cycles(self.cfg)

    def tile(self, channels: ChannelTaps, *, streamed: bool, dense: bool, averages: bool) -> None:
        """A TILE with taps of so many `channels`."""
        before = self.last_tap
        self._before = self._through
        decoded = self.ready + timing.decoder_start_cycles(self.cfg, streamed=streamed, dense=dense)
        self._tile, self._least = _OpenTile(max(decoded, before + self._gap), channels, averages), LONG_AGO
        self.settled = max(self.ready + timing.PIXELS_LAG, self._through + 1)
        self.fetching = max(self.ready, before + timing.ADDRESS_CYCLES) + 1 + timing.NEXT_LAG

    def _issue(self, tile: _OpenTile) -> int:
        """The cycle in which the terminator of `tile` is issued; all loads beside it have asked for their words."""
        if self.port.next_write(tile.first) == NEVER:
            return tile.first + tile.channels.cycles(self.cfg)
        return tile.channels.issue(self.cfg, tile.first, self.port)

    def load(self, cycles: int, *, beside: bool, requests: Iterable[int] = ()) -> None:
        """A LOAD that takes so many cycles, perhaps `beside` the tile before; the program goes on.

        `requests`: when it asks for the port that writes, see `timing.load_requests`.
        """
        start = max(self.ready, (self.settled if beside else self.through) + 1)
        self.port.ask(start + offset for offset in requests)
        self.load_end = start + cycles + 1
        self.fetching = start + 1 + timing.NEXT_LAG
        if self._tile:
            self._least = start + 1
        else:
            self._before = self._through
            self._through = max(start + 1, self._through)

    def spend(self, cycles: int) -> None:
        """Anything else, which takes so many cycles from its start."""
        self._before = self.through
        self._through = max(self.ready, self._before + 1) + cycles
        self.fetching = self._through + timing.NEXT_LAG

    def finish(self, pc: int) -> None:
        """The instruction at `pc` is through."""
        self._behind.append(_Behind(pc, self._checked, self._until, self._before, self._least))
        if not self._tile:
            self._append_done()

    def finish_frame(self) -> int:
        """END; returns the cycles of the frame. The first instruction begins one cycle after the frame."""
        self.fetch(0)
        self.wait_for_load(timing.LOAD_SETTLE_CYCLES)
        return max(self.ready - timing.START_LAG + timing.END_LAG, self.through) + 1

    def _close(self) -> None:
        """Find the end of the open tile, if there is one, and of the loads behind it."""
        if self._tile:
            tile, self._tile = self._tile, None
            self._last_tap = self._issue(tile)
            self._through = self._last_tap + timing.ADDRESS_CYCLES + timing.tile_tail_cycles(self.cfg, tile.averages)
            self._append_done()
            if self._before is None:
                self._before = self._through
            self._through = max(self._through, self._least)

    def _append_done(self) -> None:
        for one in self._behind:
            before = self._through if one.before is None else one.before
            self._through = max(self._through, one.least)
            self.done.append(InstructionCycles(one.pc, self.done[-1].end if self.done else 0,
                                               self._through + timing.NEXT_LAG,
                                               max(one.until - max(one.checked, before), 0)))
        self._behind.clear()
