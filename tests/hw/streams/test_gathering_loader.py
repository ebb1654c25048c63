"""Gathering loader: words, requests and times against a direct model, slots as late as they can be, image stalls."""

import itertools
import random

import pytest

from firelane.hw.contract.config import BANK_PIXELS, MIN_BLOCK_CYCLES
from firelane.hw.contract.timing import ADDRESS_CYCLES, GATHERED_CHANNELS, LOAD_SLOTS_OWED, load_cycles, load_requests
from firelane.hw.streams.gathering_loader import GatheringLoader
from tests.hw.streams.loads import (
    bytes_of,
    configuration,
    error_watch,
    image_feed,
    loads_of_all_shapes,
    make_load,
    model,
    one_load,
    shape,
    start,
    to_bytes,
)
from tests.hw.support import lint, pauses, simulate

CHANNEL_CYCLES = MIN_BLOCK_CYCLES   #: between two finished channels, at least


def two_taps(banks):
    return configuration(banks, taps_per_cycle=2)


def expected_words(cfg, load):
    """(bank, address, {pixel: data}) in the order in which they are complete."""
    gathered = load["channels"] << load["split"] <= GATHERED_CHANNELS
    writes = model(cfg, load)
    row_writes = len(writes) // (load["map_rows"] << load["split"])
    words = []
    for row in range(0, len(writes), row_writes):
        of_row = {}
        for number, (bank, address, pixel, data) in enumerate(writes[row:row + row_writes]):
            of_row.setdefault((bank, address, None if gathered else number), {})[pixel] = data
        words += [(bank, address, pixels) for (bank, address, _), pixels in of_row.items()]
    return words


def word_of(write):
    pixels = {n: write.data >> 8 * n & 0xFF for n in range(BANK_PIXELS) if write.enable >> n & 1}
    return write.bank, write.address, pixels


class Slots:
    """What the tap path makes of requests; `channel_cycles` yields the cycles from one channel's write to the next."""

    def __init__(self, channel_cycles):
        self._spacing = channel_cycles
        self._channel = next(channel_cycles)
        self._owed = 0
        self.most_owed = 0

    def slot(self, cycle, requested):
        """Whether the loader has the cycle; `requested` in the one before."""
        self._owed += requested
        self.most_owed = max(self.most_owed, self._owed)
        if cycle == self._channel:
            self._channel += next(self._spacing)
            return False
        given = self._owed > 0
        self._owed -= given
        return given


def run_loads(cfg, loads, *, seed=None, channel_cycles=None, image_bytes=None):
    """(words, busy cycles per load, cycles from its start in which a load asks, errors); `seed`: the image stalls."""
    dut = GatheringLoader(cfg)
    words, busy, asked, seen, starts = [], [], [[] for _ in loads], set(), []
    slots = Slots(channel_cycles or itertools.repeat(CHANNEL_CYCLES))
    wait = None if seed is None else pauses(seed + 1, 3)
    data = bytes_of(loads) if image_bytes is None else image_bytes

    async def bench(ctx):
        now = 0
        for load in loads:
            starts.append(now)
            await start(ctx, dut, **{name: value for name, value in load.items() if name != "image"})
            now += 1
            while ctx.get(dut.busy):
                await ctx.tick()
                now += 1
            busy.append(now - starts[-1] - 1)
        await ctx.tick().repeat(20)         # a slot that comes now is too late

    async def write(ctx):
        taps, requested = [False] * ADDRESS_CYCLES, 0
        for now in itertools.count():
            taps.append(slots.slot(now, requested))
            ctx.set(dut.write.ready, taps.pop(0))
            *_, valid, ready, word, requested, working = await ctx.tick().sample(
                dut.write.valid, dut.write.ready, dut.write.payload, dut.request, dut.busy)
            if requested:
                asked[len(starts) - 1].append(now + 1 - starts[-1])
            if ready:
                assert valid and working, "a slot without a word, or when the loader is no longer busy"
                words.append(word_of(word))

    simulate(dut, bench, background=(write, image_feed(dut, data, wait), error_watch(dut, seen)), cycles=40_000)
    assert slots.most_owed <= LOAD_SLOTS_OWED
    return words, busy, asked, seen


def check_times(cfg, loads, busy, asked):
    assert busy == [load_cycles(cfg, **shape(load)) for load in loads]
    assert asked == [[*load_requests(cfg, **shape(load))] for load in loads]


def test_lint():
    lint(GatheringLoader(two_taps(2)))


@pytest.mark.parametrize("banks", [1, 2, 4])
def test_all_shapes(banks):
    """Loads of all shapes, one behind the other, some with missing image rows; as many channels as there can be."""
    cfg = two_taps(banks)
    loads = [*loads_of_all_shapes(cfg, random.Random(banks))]
    words, busy, asked, seen = run_loads(cfg, loads)
    assert words == [word for load in loads for word in expected_words(cfg, load)]
    check_times(cfg, loads, busy, asked)
    assert not seen


@pytest.mark.parametrize("channels, split, columns", [
    (8, 0, 15), (8, 0, 1), (8, 0, 16), (4, 1, 29), (4, 1, 2), (4, 1, 30), (1, 0, 1), (1, 0, 15), (1, 0, 2),
    (9, 0, 3), (5, 1, 3), (20, 0, 15),      # pixels are not gathered
])
def test_words_in_a_row_with_slots_as_late_as_can_be(channels, split, columns):
    """The last column of a part and the only one of the next: the most words one after the other."""
    cfg, rng = two_taps(2), random.Random(columns)
    loads = [make_load(rng, split=split, map_rows=1, real_rows=1 + split, parts_log2=1, columns=columns,
                       channels=channels) for _ in range(8)]
    drifting = itertools.cycle([*[CHANNEL_CYCLES] * 9, CHANNEL_CYCLES + 1])     # so that loads begin anywhere between
    words, busy, asked, _ = run_loads(cfg, loads, channel_cycles=drifting)
    assert words == [word for load in loads for word in expected_words(cfg, load)]
    check_times(cfg, loads, busy, asked)


@pytest.mark.parametrize("seed", range(4))
def test_image_stalls(seed):
    cfg, rng = two_taps(4), random.Random(seed)
    loads = [make_load(rng, split=seed & 1, map_rows=2, real_rows=2 + (seed & 1), parts_log2=1, columns=15 + seed,
                       channels=rng.choice([1, 3, 5]), last=number == 1) for number in range(2)]
    channels = iter(lambda: rng.randrange(CHANNEL_CYCLES, 3 * CHANNEL_CYCLES), None)
    words, _, asked, seen = run_loads(cfg, loads, seed=seed, channel_cycles=channels)
    assert words == [word for load in loads for word in expected_words(cfg, load)]
    assert [len(cycles) for cycles in asked] == [len(load_requests(cfg, **shape(load))) for load in loads]
    assert not seen


@pytest.mark.parametrize("last, marks, error", [
    (1, [29], set()), (1, [28], {"short", "long"}), (1, [], {"long"}), (0, [29], {"short"}),
])
def test_image_must_end_where_it_ends(last, marks, error):
    load = one_load(last)
    data = [{**byte, "last": int(n in marks)} for n, byte in enumerate(to_bytes(load["image"], ends=False))]
    assert run_loads(two_taps(1), [load], image_bytes=data)[-1] == error


def test_addresses_past_the_end_are_errors_and_not_written():
    cfg = two_taps(1)
    load = {**one_load(0), "address": 60}
    words, *_, seen = run_loads(cfg, [load])
    assert seen == {"address"}
    assert [word for word in words if word[2]] == [word for word in expected_words(cfg, load) if word[1] < 64]


def test_halt_takes_nothing():
    dut = GatheringLoader(two_taps(1))

    async def bench(ctx):
        ctx.set(dut.image.valid, 1)
        load = one_load(0)
        assert not ctx.get(dut.image.ready)
        await start(ctx, dut, **{name: value for name, value in load.items() if name != "image"})
        await ctx.tick().repeat(3)
        assert ctx.get(dut.image.ready)
        ctx.set(dut.halt, 1)        # seen a cycle later
        await ctx.tick()
        for _ in range(40):
            assert not ctx.get(dut.image.ready) and not ctx.get(dut.request)
            await ctx.tick()
        assert ctx.get(dut.busy)

    simulate(dut, bench)
