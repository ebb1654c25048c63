"""Whether the bits of a layer come in time for two decoders, which take a pair of taps a cycle.

With two taps a cycle five streams share one read of 36 bits a cycle, and could use up to 38: values and runs of both
taps of a pair, 8 bits each, and the parameters. Each stream has a queue, and `hw.taps.weight_fetch` reads for those
that have little left first, in turn. So what comes in time depends on the codes. A bound for each stream alone says so
for most layers; where it is not met, the queues are replayed cycle by cycle.

Times are cycles from the first word of the first stream. They need not be when pairs *are* decoded, but when they must
be, to be issued by `hw.contract.issue` beside a loader that writes nothing and behind no other tile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from firelane.hw.contract import timing
from firelane.hw.contract.config import (
    CODE_CHUNK_BITS,
    CODE_CHUNKS_AHEAD,
    MEMORY_BITS,
    PARAMETER_CHUNK_BITS,
    EngineConfig,
)
from firelane.hw.contract.instruction import ParameterForm, record_chunks
from firelane.hw.contract.issue import NEVER

CHUNKS = MEMORY_BITS // CODE_CHUNK_BITS     # of a word, that go to the decoder one by one
LOOK_AHEAD = 3                  # chunks behind the one in which a code begins that must be on their way with it
READ_AHEAD = 6                  # and that can be: in BitReader and LengthFinder
CHUNK_LAG = 4                   # cycles from a word to the first code for which it is needed
RECORDS_AHEAD = 4               # of parameters, taken from their queue before the first is used


@dataclass(frozen=True)
class Supply:
    """What reads the streams of a tile.

    Parameters
    ----------
    read_cycles : int
        From a grant to the word at the exit of its queue.
    low_words : int
        Fewer make a stream that is read before others.
    record_bits : int
        Parameters of a channel; 0: none are read.
    drain_cycles : int
        From one channel to the next, at least.
    """

    read_cycles: int
    low_words: int
    record_bits: int
    drain_cycles: int

    @classmethod
    def of(cls, cfg: EngineConfig, parameters: ParameterForm) -> Supply:
        """The fetch of an engine, for a layer whose parameters have this form."""
        return cls(timing.first_word_cycles(cfg) - 1, timing.fetch_low_words(cfg),
                   PARAMETER_CHUNK_BITS * record_chunks(parameters, cfg), cfg.drain_cycles)


def in_time(lengths: Sequence[np.ndarray], counts: np.ndarray, supply: Supply) -> bool:
    """Whether no tap is issued later for want of bits; never for a dense layer, which has no runs.

    Parameters
    ----------
    lengths : int64 (pairs,) each
        Bits of the codes of each stream: value, run, second value, second run; no runs if the layer is dense.
    counts : int64 (channels,)
        Taps of the channels.
    supply : Supply
    """
    if len(lengths) == 2:
        return True                 # with the parameters at most 23 of 36 bits a cycle
    due = _due(counts, supply.drain_cycles) + timing.FIRST_CODE_CYCLES + len(lengths) - 1
    if all(_bounded(codes, due, number, len(lengths), supply) for number, codes in enumerate(lengths)):
        return True
    return all(time <= limit for time, limit in zip(Replay(lengths, counts, supply).decoded(), due.tolist()))


def _due(counts: np.ndarray, drain_cycles: int) -> np.ndarray:
    """When each pair must be decoded, from the first one on; the terminator is in the last."""
    starts = np.append(0, _channel_ends(counts, drain_cycles))
    firsts = np.cumsum(counts) - counts
    taps = np.repeat(starts[:-1], counts) + (np.arange(int(counts.sum())) - np.repeat(firsts, counts)) // 2
    return np.append(taps, starts[-1])[::2]


def _channel_ends(counts: np.ndarray, drain_cycles: int) -> np.ndarray:
    """When each channel ends and the next begins, at the earliest."""
    return np.cumsum(np.maximum((counts + 1) // 2, drain_cycles))


def _bounded(codes: np.ndarray, due: np.ndarray, number: int, streams: int, supply: Supply) -> bool:
    """Whether one stream is in time if it is read as seldom as can be: when it is low, in turn with all others.

    A word is asked for when all but `low_words` - 1 of those before it have left the queue, the first two of them at
    once, others when there is room for their first chunk in the reader.
    """
    begins = np.cumsum(codes) - codes
    words = np.arange(int(begins[-1] // CODE_CHUNK_BITS + LOOK_AHEAD) // CHUNKS + 1)
    needed = due[np.searchsorted(begins, CODE_CHUNK_BITS * (CHUNKS * words - LOOK_AHEAD))] - CHUNK_LAG
    room = due[np.searchsorted(begins, CODE_CHUNK_BITS * (CHUNKS * words - READ_AHEAD))] + 2
    early = (timing.PARAMETER_DELAY - 1 - number) // streams        # words that are read before parameters are
    paced = number + streams * words + np.maximum(words - early, 0) * (supply.record_bits > 0)
    left = np.where(words < 2, paced + CHUNKS * words + 1, np.maximum(room, needed))
    late = np.zeros(len(words), np.int64)
    low = supply.low_words
    late[low:] = left[:-low] + supply.read_cycles + streams + 2 - paced[low:]
    return bool((paced + np.maximum.accumulate(late) <= needed).all())


class _Queue:
    """The queue of one stream: words that are stored, and words under way from the memory."""

    def __init__(self, supply: Supply, start: int):
        self._supply = supply
        self._start = start
        self._active = False
        self._room = timing.FETCH_QUEUE_WORDS - 2
        self._coming: deque[int] = deque()
        self._stored = 0
        self.wanted = False
        self.offers = False         # a word is at the exit

    @property
    def low(self) -> bool:
        """It has few words, with those under way."""
        return self._active and self._room > timing.FETCH_QUEUE_WORDS - 2 - self._supply.low_words

    def tick(self, cycle: int, granted: bool, taken: bool, some_low: bool) -> None:
        """The end of a cycle in which it was granted a read, and in which a word was taken from it."""
        if taken or not self.offers:
            self.offers = self._stored > 0
            self._stored -= self.offers
        if self._coming and self._coming[0] == cycle:
            self._coming.popleft()
            self._stored += 1
        self.wanted = cycle == self._start or (self._active and self._room >= 0 and (self.low or not some_low))
        self._active = self._active or cycle == self._start
        self._room += taken - granted
        if granted:
            self._coming.append(cycle + self._supply.read_cycles - 2)


class _Reader:
    """One decoder's way from its queue to the codes: chunks in ChunkReader, LengthFinder and BitReader."""

    def __init__(self, codes: Sequence[int], queue: _Queue):
        self._codes = codes
        self.queue = queue
        self._number = self._position = 0       # of the code that is next
        self._left = 0                          # chunks of the word in ChunkReader
        self._begun = self._compared = self._measured = False
        self._held = 0                          # chunks in BitReader
        self._take = False

    @property
    def ready_next(self) -> bool:
        """There will be a code in the next cycle."""
        ahead = self._held + self._measured
        return self._held >= CODE_CHUNKS_AHEAD or (ahead > 1 and self._held > self._take)

    @property
    def takes_word(self) -> bool:
        return self.queue.offers and (self._left == 0 or (self._left == 1 and self._moves))

    @property
    def _moves(self) -> bool:
        return self._held < CODE_CHUNKS_AHEAD or not self._measured

    def tick(self, takes_word: bool, take_next: bool) -> None:
        """The end of a cycle."""
        moves, arrives = self._moves, self._measured and self._held < CODE_CHUNKS_AHEAD
        leaves = self._take and self._advance()
        self._held += arrives - leaves
        self._take = take_next
        if moves:
            self._measured, self._compared = self._compared, self._begun and self._left > 0
            self._begun = self._begun or self._left > 0
            self._left = max(self._left - 1, 0)
        if takes_word:
            self._left = CHUNKS

    def _advance(self) -> bool:
        """Take a code; whether the next one begins in another chunk."""
        before = self._position // CODE_CHUNK_BITS
        self._position += self._codes[self._number]
        self._number += 1
        return self._position // CODE_CHUNK_BITS > before


class Replay:
    """The weight fetch and both decoders cycle by cycle, from the start of a tile; parameters as of `in_time`."""

    def __init__(self, lengths: Sequence[np.ndarray], counts: np.ndarray, supply: Supply):
        self._pairs = len(lengths[0])
        self._supply = supply
        first = 1 + supply.read_cycles + timing.FIRST_CODE_CYCLES
        self._ends = deque((_channel_ends(counts, supply.drain_cycles) + first).tolist())
        self._record_bits = supply.record_bits * RECORDS_AHEAD      # that may have been taken
        starts = [0] * (len(lengths) // 2) + [1] * (len(lengths) // 2)      # second streams start a cycle later
        self._readers = [_Reader(codes.tolist(), _Queue(supply, start)) for codes, start in zip(lengths, starts)]
        self._records = _Queue(supply, timing.PARAMETER_DELAY if supply.record_bits else NEVER)
        self._turn = 0

    def decoded(self) -> Iterator[int]:
        """When each pair is decoded, if all taps can be issued at once."""
        pairs, cycle = 0, 0
        while pairs < self._pairs:
            step = all(reader.ready_next for reader in self._readers)
            self._tick(cycle, step)
            if step:
                pairs += 1
                yield cycle - self._supply.read_cycles
            cycle += 1

    def _tick(self, cycle: int, step: bool) -> None:
        queues = [*(reader.queue for reader in self._readers), self._records]
        some_low = any(queue.low for queue in queues)
        granted = self._grant(queues)
        taken = [*(reader.takes_word for reader in self._readers), self._records.offers and self.takes_record(cycle)]
        for reader, takes_word in zip(self._readers, taken):
            reader.tick(takes_word, step)
        for queue, takes_word in zip(queues, taken):
            queue.tick(cycle, queue is granted, takes_word, some_low)

    def _grant(self, queues: Sequence[_Queue]) -> _Queue | None:
        """The next one in turn that wants a word."""
        for number in range(len(queues)):
            queue = queues[(self._turn + number) % len(queues)]
            if queue.wanted:
                self._turn += number + 1
                return queue
        return None

    def takes_record(self, cycle: int) -> bool:
        """Whether a word of parameters that is there is taken: as soon as can be, but one more record a channel."""
        while self._ends and self._ends[0] <= cycle:
            self._ends.popleft()
            self._record_bits += self._supply.record_bits
        takes = self._record_bits > 0
        self._record_bits -= MEMORY_BITS * takes
        return takes
