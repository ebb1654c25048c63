"""The weights of a layer as two prefix-coded bit streams, values and zero runs, or as two streams of each.

A tap is a weight that the hardware spends a cycle on, or half of one: every weight that is not zero, and fillers of
weight 0 where a run of zeros has no symbol of its own or an output channel has too few weights. For two taps a cycle
the symbols go to two streams in turn. `docs/architecture.md` defines the streams.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from firelane.compiler.coding.prefix_code import SYMBOLS, PrefixCode, code_lengths, entropy_bits
from firelane.compiler.coding.weight_supply import Supply, in_time
from firelane.hw.contract.config import MAX_CODE_BITS, WEIGHT_BITS
from firelane.hw.contract.instruction import CHANNEL_BITS, CODE_WORDS, KERNEL_BITS

ALPHABET_SIZES = 20         #: numbers of run symbols that are tried, of either kind
NO_BITS = np.zeros(0, np.uint8)
TURNS = slice(0, None, 2), slice(1, None, 2)        #: the symbols of the two streams of a kind


class _Limits(NamedTuple):
    """The longest codes, in bits."""

    values: int
    runs: int


#: Tried in turn until two decoders get all bits in time: the best codes; shorter ones; and if that is not possible,
#: because there are too many different values, few and short runs.
LIMITS = _Limits(MAX_CODE_BITS, MAX_CODE_BITS), _Limits(7, 7), _Limits(MAX_CODE_BITS, 5), _Limits(MAX_CODE_BITS, 3)


class Codes(StrEnum):
    """The codes that a layer got: two decoders need their bits in time."""

    BEST = "best"               #: those of the fewest bits and fillers
    SHORTENED = "shortened"     #: others, because the best ones would come late
    LATE = "late"               #: the best ones, because all others would come late, too


@dataclass(frozen=True, eq=False)
class EncodedLayer:
    """What the decoder reads, and what it costs.

    `value_bits`, `run_bits` uint8 of 0 and 1, first bit first; `value_table` int8 weight of each symbol, `run_table` as
    `hw.contract.instruction.RUN_ENTRY` packs it; `code_words` fields of `CODE_WORD` for lengths 1 .. 8; `taps` int64
    per output channel; `fillers` taps of weight 0 among them (zeros of a dense layer included); `entropy_bits` of the
    weights that are not zero and of the runs between them; `second_value_bits`, `second_run_bits`: every second symbol,
    if taps are taken in pairs; `codes`, and how many `extra_taps` those cost beside the best ones: fillers, as a rule.
    """

    dense: bool
    raw_values: bool
    value_bits: np.ndarray
    run_bits: np.ndarray
    value_table: tuple[int, ...]
    run_table: tuple[int, ...]
    code_words: tuple[dict[str, int], ...]
    taps: np.ndarray
    fillers: int
    entropy_bits: float
    second_value_bits: np.ndarray = field(default_factory=lambda: NO_BITS)
    second_run_bits: np.ndarray = field(default_factory=lambda: NO_BITS)
    codes: Codes = Codes.BEST
    extra_taps: int = 0

    @property
    def pairs(self) -> bool:
        """There are two streams of each kind."""
        return len(self.second_value_bits) > 0

    @property
    def value_size(self) -> int:
        """Bits of all values."""
        return len(self.value_bits) + len(self.second_value_bits)

    @property
    def run_size(self) -> int:
        """Bits of all runs."""
        return len(self.run_bits) + len(self.second_run_bits)

    @property
    def coded_bits(self) -> int:
        """The size of all streams."""
        return self.value_size + self.run_size


@dataclass(frozen=True, eq=False)
class _Choice:
    """One way to write a layer: taps in order, the terminator last. `runs` is None if dense, `code` None if raw."""

    taps: np.ndarray                # the position of each, flat in (O, I, places)
    values: np.ndarray
    runs: np.ndarray | None
    value_code: PrefixCode | None
    run_code: PrefixCode | None

    @property
    def bits(self) -> int:
        return sum(int(lengths.sum()) for lengths in self.code_lengths())

    def code_lengths(self) -> list[np.ndarray]:
        """int64: bits of each value, and of each run if there are any."""
        values = (self.value_code.lengths_of(self.values) if self.value_code
                  else np.full(len(self.values), WEIGHT_BITS, np.int64))
        return [values] if self.runs is None or self.run_code is None else [values, self.run_code.lengths_of(self.runs)]

    def in_pairs(self) -> _Choice:
        """The same with an even number of symbols: perhaps one more, which means nothing, of the shortest codes."""
        if len(self.values) % 2 == 0:
            return self
        runs = None if self.runs is None or self.run_code is None else np.append(self.runs, self.run_code.alphabet[0])
        return replace(self, values=np.append(self.values, self.values[-1]), runs=runs)

    def value_bits(self, turn: slice) -> np.ndarray:
        """The bits of some values."""
        return self.value_code.bits_of(self.values[turn]) if self.value_code else _plain_bits(self.values[turn])

    def run_bits(self, turn: slice) -> np.ndarray:
        """The bits of some runs."""
        return NO_BITS if self.runs is None or self.run_code is None else self.run_code.bits_of(self.runs[turn])

    def keeps_up(self, supply: Supply, channels: int, size: int) -> bool:
        """Whether decoders of two taps a cycle get all bits in time; `size` places in each of the `channels`."""
        counts = np.bincount(self.taps[:-1] // size, minlength=channels)
        lengths = self.in_pairs().code_lengths()
        return in_time([codes[turn] for turn in TURNS for codes in lengths], counts, supply)


def encode_layer(weights: np.ndarray, *, tap_cost_bits: float = 1.0, value_room: int = SYMBOLS, run_room: int = SYMBOLS,
                 dense: bool | None = None, pairs: bool = False, supply: Supply | None = None) -> EncodedLayer:
    """The smallest streams for a layer's weights.

    Parameters
    ----------
    weights : int8 (O, I, places) or (O, I, KH, KW)
        I is the number of input channels of a group.
    tap_cost_bits : float
        What a tap more (a cycle a tile) may cost in bits: decides whether a layer is dense, and how runs are split.
    value_room, run_room : int
        Free entries of the symbol tables. Without room for its values a layer is raw, without room for runs dense.
    dense : bool or None
        True or False to insist.
    pairs : bool
        For two taps a cycle: two streams of each kind, and at least two taps in each output channel.
    supply : Supply, optional
        How fast pairs are read. Codes are made shorter if decoders would have to wait for them. Where no choice will
        do (values of 8 bits in a memory of more than 100,000 words) the best code is taken, and each tile is a cycle
        or two late.
    """
    weights = np.asarray(weights)
    if weights.dtype != np.int8 or weights.ndim < 3 or weights.size == 0:
        raise ValueError(f"weights must be int8 (O, I, places), not {weights.dtype} {weights.shape}")
    weights = weights.reshape(*weights.shape[:2], -1)
    if pairs and weights[0].size == 1:
        raise ValueError("filters of one place have no pairs of taps")
    best = None
    for limits in LIMITS:
        choices = []
        if dense is not False or run_room < 1:
            choices.append(_dense_choice(weights, value_room, limits))
        if dense is not True and run_room >= 1:
            choices.append(_sparse_choice(weights, value_room, run_room, tap_cost_bits, pairs, limits))
        choice = min(choices, key=lambda choice: choice.bits + tap_cost_bits * len(choice.values))
        best = best or choice
        if not pairs or supply is None or choice.keeps_up(supply, len(weights), weights[0].size):
            return replace(_emit(weights, choice, pairs), codes=Codes.BEST if choice is best else Codes.SHORTENED,
                           extra_taps=len(choice.taps) - len(best.taps))
    assert best is not None, "limits are tried"
    return replace(_emit(weights, best, pairs), codes=Codes.LATE)


def _emit(weights: np.ndarray, choice: _Choice, pairs: bool) -> EncodedLayer:
    channels, kernel = len(weights), weights.shape[2]
    values, runs = choice.value_code, choice.run_code
    code_words = tuple({
        "value_limit": values.limits[n] if values else (SYMBOLS if n == CODE_WORDS - 1 else 0),
        "value_offset": values.offsets[n] if values else 0,
        "run_limit": runs.limits[n] if runs else 0,
        "run_offset": runs.offsets[n] if runs else 0,
    } for n in range(CODE_WORDS))
    flat = weights.reshape(-1)
    real = np.flatnonzero(_tap_mask(weights))
    plain_runs = np.diff(real, prepend=-1) - 1
    taps = choice.taps[:-1]
    streams = choice.in_pairs() if pairs else choice
    turns = TURNS if pairs else (slice(None),)
    value_bits, run_bits = [streams.value_bits(turn) for turn in turns], [streams.run_bits(turn) for turn in turns]
    layer = EncodedLayer(
        dense=runs is None, raw_values=values is None,
        value_bits=value_bits[0], run_bits=run_bits[0],
        value_table=tuple(values.alphabet.tolist()) if values else (),
        run_table=tuple(_run_entries(runs.alphabet, kernel).tolist()) if runs else (),
        code_words=code_words,
        taps=np.bincount(taps // weights[0].size, minlength=channels),
        fillers=int((flat[taps] == 0).sum()),
        entropy_bits=entropy_bits(_histogram(flat[real])[1]) + entropy_bits(_histogram(plain_runs)[1]),
    )
    return replace(layer, second_value_bits=value_bits[1], second_run_bits=run_bits[1]) if pairs else layer


def _plain_bits(values: np.ndarray) -> np.ndarray:
    return (values[:, None] >> np.arange(WEIGHT_BITS) & 1).astype(np.uint8).reshape(-1)


def _run_entries(runs: np.ndarray, kernel: int) -> np.ndarray:
    """The RUN_ENTRY of each zero run."""
    channel_step, kernel_step = np.divmod(runs + 1, kernel)
    return channel_step << KERNEL_BITS | kernel_step


def _histogram(letters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct letters in rising order, and how often each occurs."""
    return np.unique(letters, return_counts=True)


def _value_code(values: np.ndarray, room: int, longest: int) -> PrefixCode | None:
    """A code for weights; None if plain bits are no larger or the table has no room for it."""
    letters, counts = _histogram(values)
    if len(letters) > min(room, 1 << longest):
        return None
    code = PrefixCode.of(letters, counts, longest)
    return code if code.lengths_of(letters) @ counts < WEIGHT_BITS * len(values) else None


def _tap_mask(weights: np.ndarray, pairs: bool = False) -> np.ndarray:
    """Where taps must be: weights that are not zero, and the first place of channels that have none.

    With `pairs` also the place beside the only tap of a channel.
    """
    mask = weights.reshape(len(weights), -1) != 0
    mask[~mask.any(axis=1), 0] = True
    if pairs:
        lonely = np.flatnonzero(mask.sum(axis=1) == 1)
        place = mask[lonely].argmax(axis=1)
        mask[lonely, np.where(place + 1 < mask.shape[1], place + 1, place - 1)] = True
    return mask.reshape(-1)


def _with_terminator(values: np.ndarray) -> np.ndarray:
    """The values and, for the terminator, the commonest one."""
    letters, counts = _histogram(values)
    return np.append(values, letters[counts.argmax()])


def _dense_choice(weights: np.ndarray, value_room: int, limits: _Limits) -> _Choice:
    values = _with_terminator(weights.reshape(-1).astype(np.int64))
    return _Choice(np.arange(len(values)), values, None, _value_code(values, value_room, limits.values), None)


def _sparse_choice(weights: np.ndarray, value_room: int, run_room: int, tap_cost_bits: float, pairs: bool,
                   limits: _Limits) -> _Choice:
    flat = weights.reshape(-1).astype(np.int64)
    positions = np.flatnonzero(_tap_mask(weights, pairs))
    runs = np.diff(positions, prepend=-1) - 1
    shortest = flat.size - 1 - int(positions[-1])       # run of the terminator, which may land anywhere in its channel
    letters, counts = _histogram(np.append(runs, shortest))
    value_letters, value_counts = _histogram(flat[positions])
    longest = ((1 << CHANNEL_BITS) - 1) * weights.shape[2]

    def cost(alphabet: np.ndarray) -> float:
        pieces = [(piece, count) for letter, count in zip(letters, counts) for piece in _split(int(letter), alphabet)]
        used = np.bincount([piece for piece, _ in pieces], weights=[count for _, count in pieces]).astype(np.int64)
        used = used[used > 0]
        fillers = int(used.sum() - counts.sum())
        values = _histogram_with_zeros(value_letters, value_counts, fillers)
        return used @ code_lengths(used) + values @ code_lengths(values) + tap_cost_bits * fillers

    run_room = min(run_room, 1 << limits.runs)
    alphabet = min(_alphabets(letters[letters <= longest], counts[letters <= longest], run_room), key=cost)
    reachable = alphabet[(alphabet >= shortest) & (alphabet < shortest + weights[0].size)]
    last = shortest
    if len(reachable):
        last = int(max(reachable, key=lambda run: (counts[letters == run].sum(), -run)))
    runs, is_tap = _split_all(np.append(runs, last), alphabet)
    positions = np.cumsum(runs + 1) - 1
    values = np.where(is_tap[:-1], flat[positions[:-1]], 0)
    values = _with_terminator(values)
    return _Choice(positions, values, runs, _value_code(values, value_room, limits.values),
                   PrefixCode.of(*_histogram(runs), limits.runs))


def _histogram_with_zeros(letters: np.ndarray, counts: np.ndarray, zeros: int) -> np.ndarray:
    """Counts after `zeros` more weights of 0."""
    if zeros == 0:
        return counts
    if 0 in letters:
        return counts + zeros * (letters == 0)
    return np.append(counts, zeros)


def _alphabets(letters: np.ndarray, counts: np.ndarray, room: int) -> list[np.ndarray]:
    """Sets of runs worth trying, 0 always in them: the shortest ones, and the commonest ones."""
    most = min(len(letters), room)
    sizes = sorted({int(size) for size in np.geomspace(1, most, min(most, ALPHABET_SIZES)).round()}) if most else []
    common = letters[np.argsort(-counts, kind="stable")]
    sets = {(0,)}
    for size in sizes:
        for chosen in (letters[:size], common[:size]):
            with_zero = sorted({0, *chosen.tolist()})
            if len(with_zero) <= room:
                sets.add(tuple(with_zero))
    return [np.array(chosen) for chosen in sorted(sets)]


def _split(run: int, alphabet: np.ndarray) -> list[int]:
    """A run as runs of the alphabet, with a filler of weight 0 after each but the last."""
    pieces = []
    position = int(np.searchsorted(alphabet, run))
    while position == len(alphabet) or alphabet[position] != run:
        piece = int(alphabet[np.searchsorted(alphabet, run, side="left") - 1])
        repeats = max(1, (run - int(alphabet[-1]) - 1) // (piece + 1)) if piece == alphabet[-1] else 1
        pieces += [piece] * repeats
        run -= repeats * (piece + 1)
        position = int(np.searchsorted(alphabet, run))
    return [*pieces, run]


def _split_all(runs: np.ndarray, alphabet: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All runs split; and of each piece, whether it leads to a tap of the original (not to a filler)."""
    letters, which = np.unique(runs, return_inverse=True)
    pieces = [_split(int(letter), alphabet) for letter in letters]
    lengths = np.array([len(split) for split in pieces])
    starts = np.cumsum(lengths) - lengths
    each = lengths[which]
    ends = np.cumsum(each)
    inside = np.arange(int(ends[-1])) - np.repeat(ends - each, each)
    everything = np.concatenate([np.array(split) for split in pieces])
    return everything[np.repeat(starts[which], each) + inside], inside == np.repeat(each, each) - 1
