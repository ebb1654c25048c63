"""Prefix codes: as short as can be, canonical, and read back exactly."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.compiler.coding.prefix_code import PrefixCode, code_lengths, entropy_bits, words_of
from firelane.hw.contract.config import MAX_CODE_BITS
from tests.compiler.coding.stream_reader import SymbolReader

exact = settings(deadline=None, derandomize=True, max_examples=60)
histograms = st.lists(st.integers(1, 10_000), min_size=1, max_size=256)


def huffman_size(counts) -> int:
    """Bits of the best code of any length."""
    heap, size = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        size += merged
        heapq.heappush(heap, merged)
    return size


@exact
@given(histograms)
def test_lengths(counts):
    lengths = code_lengths(np.array(counts))
    assert lengths.min() >= 1 and lengths.max() <= MAX_CODE_BITS
    if len(counts) > 1:
        assert (2.0 ** -lengths).sum() == 1
    order = np.argsort(-np.array(counts), kind="stable")
    assert (np.diff(lengths[order]) >= 0)[np.diff(np.array(counts)[order]) < 0].all()


@exact
@given(st.lists(st.integers(50, 100), min_size=2, max_size=100))
def test_as_good_as_huffman_where_8_bits_do(counts):
    counts = np.array(counts)
    assert counts @ code_lengths(counts) == huffman_size(counts)
    assert entropy_bits(counts) <= counts @ code_lengths(counts) + 1e-6


def test_as_good_as_any_code_of_8_bits():
    counts = np.array([3 ** n for n in range(12)])      # Huffman's code has 11 bits
    best = {(): 0}
    for _ in range(MAX_CODE_BITS):          # of length 8 down to 1: all Kraft-feasible numbers of codes of each length
        best = {(*taken, count): 0 for taken in best for count in range(13)
                if sum(taken) + count <= 12 and sum(c << n for n, c in enumerate((*taken, count))) <= 256}
    sizes = []
    for counts_of in best:
        if sum(counts_of) == 12:
            lengths = np.repeat(np.arange(MAX_CODE_BITS, 0, -1), counts_of)
            sizes.append(int(np.sort(counts) @ lengths))
    assert counts @ code_lengths(counts) == min(sizes)


def test_same_counts_same_code():
    assert code_lengths(np.array([1, 1, 1])).tolist() == code_lengths(np.array([1, 1, 1])).tolist()
    assert PrefixCode.of(np.array([7, 3]), [1, 1]).alphabet.tolist() == [7, 3]


@pytest.mark.parametrize("counts", [[], [1, 0], [1] * 257])
def test_impossible_codes(counts):
    with pytest.raises(ValueError, match=r"^a code needs 1 to 256 symbols that occur, not counts "):
        code_lengths(np.array(counts, np.int64))


@exact
@given(histograms, st.lists(st.integers(0, 255), max_size=400), st.integers(0, 5), st.integers(1, 50))
def test_round_trip(counts, message, address, at_once):
    letters = np.arange(len(counts)) * 3 - 100
    code = PrefixCode.of(letters, counts)
    message = letters[np.array(message, np.int64) % len(counts)]
    bits = code.bits_of(message)
    memory = np.concatenate([np.full(address, (1 << 36) - 1, np.uint64), words_of(bits)])
    reader = SymbolReader(memory, address, code.limits, code.offsets)
    symbols = [reader.read(min(at_once, len(message) - start)) for start in range(0, len(message), at_once)]
    assert code.alphabet[np.concatenate([np.zeros(0, np.int64), *symbols])].tolist() == message.tolist()
    assert reader.bits == len(bits)


def test_long_streams_are_read_in_pieces():
    rng = np.random.default_rng(1)
    code = PrefixCode.of(np.arange(200), rng.integers(1, 1000, 200))
    message = rng.integers(0, 200, 60_000)
    reader = SymbolReader(words_of(code.bits_of(message)), 0, code.limits, code.offsets)
    assert (code.alphabet[reader.read(len(message))] == message).all()


def test_plain_symbols_and_word_order():
    memory = words_of(np.array([1, 0, 1, 0, 0, 0, 0, 0] + [0] * 27 + [1] + [0, 1]))
    assert memory.tolist() == [5 | 1 << 35, 2]
    assert SymbolReader(memory, 0).read(5).tolist() == [5, 0, 0, 0, 0x28]
    assert SymbolReader(memory, 2).read(5).tolist() == []


def test_invalid_code():
    code = PrefixCode.of(np.array([4]), [1])        # only the bit 0 is a code
    reader = SymbolReader(np.array([0b0100], np.uint64), 0, code.limits, code.offsets)
    assert reader.read(10).tolist() == [0, 0, -1]
