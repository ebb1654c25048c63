"""TapPath with two taps a cycle: the taps of the documents, in the cycles of `hw.contract.issue`."""

import random

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import CODE_WORD, SECOND_STREAMS, ParameterForm
from firelane.hw.contract.issue import WritePort
from firelane.hw.contract.timing import ADDRESS_CYCLES, record_lag, tile_gap_cycles, write_slot_lag
from firelane.hw.taps.tap_path import TapPath
from tests.hw.support import lint, simulate
from tests.hw.tap_path_bench import (
    channel_taps,
    check_records,
    errors_of,
    run_tiles,
    sparse,
    staged,
    start_tiles,
)
from tests.hw.tap_path_model import Images, make_tile, matches, packed, taps_of

CFG = EngineConfig(banks=4, activation_words=64, weight_words=2600, value_symbols=512, run_symbols=256,
                   taps_per_cycle=2)


def paired(rng, shape, density):
    """Random weights, two at least of each output channel that are not zero."""
    weights = sparse(rng, shape, density)
    for channel in weights.reshape(shape[0], -1):
        first, second = rng.choice(channel.size, 2, replace=False)
        channel[first] = channel[first] or 3
        channel[second] = channel[second] or -5
    return weights


@pytest.mark.parametrize("shape, density", [((5, 6, 9), 0.3), ((9, 4, 1), 0.5), ((3, 2, 49), 0.4), ((6, 7, 4), 0.05),
                                            ((2, 3, 16), 1.0), ((4, 1, 2), 1.0), ((6, 40, 1), 0.8)])
def test_layers(shape, density):
    run_tiles(lambda rng, images: [make_tile(rng, CFG, images, paired(rng, shape, density))], CFG)


def random_tile(rng, images):
    """A tile of any kind whose taps take long enough for the next one's tables to be there."""
    kinds = ["window", "blocks", "dense", "some", "few", "maximum", "one place"]
    channels, kind = int(rng.integers(6, 12)), rng.choice(kinds)
    if kind == "window":
        return make_tile(rng, CFG, images, None, window=True, channels_out=channels, places=int(rng.integers(1, 10)))
    if kind == "blocks":
        return make_tile(rng, CFG, images, None, window=True, channels_out=2 * channels, places=int(rng.integers(1, 7)),
                         form=ParameterForm.CONSTANT, blocks=True)
    if kind == "one place":
        return make_tile(rng, CFG, images, sparse(rng, (channels, 1, 1), 0.7), groups=channels)
    shape = (channels, int(rng.integers(1, 6)), int(rng.integers(2, 10)))
    density = {"dense": 1.0, "some": rng.choice([0.4, 0.9]), "few": 0.1, "maximum": 0.5}[kind]
    return make_tile(rng, CFG, images, paired(rng, shape, density), dense=bool(kind == "dense"),
                     groups=int(rng.choice([n for n in (1, 2, 3, channels) if channels % n == 0])),
                     maximum=bool(kind == "maximum"))


@pytest.mark.parametrize("seed, load", [(0, 0), (1, 0.05), (2, 0.3), (3, 0.9), (5, 0.1), (9, 0.2)])
def test_tiles_overlap_beside_a_load(seed, load):
    """Every tap in its cycle, every slot of the loader in its, whatever it asks for; each tile has its own records."""
    rng, images = np.random.default_rng(seed), Images()
    tiles = [random_tile(rng, images) for _ in range(8)]
    m, path, stages = staged(images, CFG)
    issued, records, asked, slots = [], [], [], []

    async def start(ctx):
        await start_tiles(ctx, path, stages, tiles, CFG)
        await ctx.tick().repeat(write_slot_lag(CFG) + 40)

    async def observe(ctx):
        cycle, due, choice = 0, [], random.Random(seed)
        while True:
            if ctx.get(path.taps.valid):
                issued.append((cycle - ADDRESS_CYCLES, ctx.get(path.taps.payload)))
                if issued[-1][1].capture:
                    due.append(cycle + record_lag(CFG) - 1)
            if ctx.get(path.load_slot):
                slots.append(cycle - ADDRESS_CYCLES)
            ask = choice.random() < load and len(asked) - len(slots) < 16
            ctx.set(path.load_request, ask)
            if ask:
                asked.append(cycle + 1)
            ctx.set(path.parameters.ready, cycle in due)
            if cycle in due and ctx.get(path.parameters.valid):
                records.append(ctx.get(path.parameters.payload))
            assert not (ctx.get(path.bad_code) or ctx.get(path.weight_range) or ctx.get(path.address_range))
            await ctx.tick()
            cycle += 1

    simulate(m, start, background=[observe], cycles=20_000)
    captures = check_taps_and_times(tiles, issued, asked)
    assert slots == slots_of(asked, captures)[:len(slots)] and len(slots) > len(asked) - 17
    check_records(records, tiles)


def check_taps_and_times(tiles, issued, asked):
    """Gives the cycles in which channels are written."""
    port, place, last, written = WritePort(), 0, None, set()
    port.ask(asked)
    for tile in tiles:
        begin = issued[place][0]
        assert last is None or begin == last + tile_gap_cycles(CFG)
        taps = []
        while len(taps) < len(tile.expected):
            last, tap = issued[place]
            taps += taps_of(CFG, tap)
            written |= {last + write_slot_lag(CFG, blocks=tile.blocks)} if tap.capture else set()
            place += 1
        assert all(matches(tap, want) for tap, want in zip(taps, tile.expected, strict=True))
        assert last == channel_taps(tile).issue(CFG, begin, port)
    assert place == len(issued)
    return written


def slots_of(asked, captures):
    """The cycles in which the loader's words are written: each in the first one left that is no channel's."""
    slots, cycle = [], 0
    for first in asked:
        cycle = max(cycle, first)
        while cycle in captures:
            cycle += 1
        slots.append(cycle)
        cycle += 1
    return slots


def small_tile(channels=3):
    rng, images = np.random.default_rng(9), Images()
    tile = make_tile(rng, CFG, images, paired(rng, (channels, 4, 9), 0.4), dense=False, form=ParameterForm.FULL)
    return tile, images


def test_no_error_in_a_sound_tile():
    assert errors_of(*small_tile(), CFG) == set()


@pytest.mark.parametrize("name", ["value_address", "run_address"])
def test_second_stream_past_the_end_of_the_memory(name):
    tile, images = small_tile(channels=20)
    first = CFG.weight_words - 1
    images.weights += [0] * (first - len(images.weights)) + [(1 << 36) // 3]
    second = SECOND_STREAMS.from_bits(tile.code_words[-1])
    addresses = {"value_address": second.value_address, "run_address": second.run_address} | {name: first}
    tile.code_words[-1] = packed(SECOND_STREAMS, addresses)
    assert "weight_range" in errors_of(tile, images, CFG)


def test_invalid_code_of_a_second_tap():
    """Eight ones are made a code that is not; only the second values have it."""
    tile, images = small_tile()
    words = [{name: word[name] for name, _ in CODE_WORD} for word in map(CODE_WORD.from_bits, tile.code_words[:-1])]
    second = SECOND_STREAMS.from_bits(tile.code_words[-1])
    tile.code_words[:-1] = [packed(CODE_WORD, word | {"value_limit": min(word["value_limit"], 255)}) for word in words]
    assert errors_of(tile, images, CFG) == set()
    wrong = {"value_address": len(images.weights), "run_address": second.run_address}
    tile.code_words[-1] = packed(SECOND_STREAMS, wrong)
    images.weights += [(1 << 36) - 1] * 20
    assert "bad_code" in errors_of(tile, images, CFG)


def test_lint():
    lint(TapPath(CFG))
