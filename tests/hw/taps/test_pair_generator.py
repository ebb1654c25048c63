"""PairGenerator against divmod and a simulation of single cycles; with pauses in the steps, and beside a loader."""

import random
from typing import NamedTuple

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Operation, Source
from firelane.hw.contract.timing import (
    ADDRESS_CYCLES,
    START_LEAD,
    place_cycles,
    tile_gap_cycles,
    write_slot_lag,
)
from firelane.hw.taps.pair_generator import PairGenerator
from tests.hw.support import lint, pulse, simulate

CFG = EngineConfig(taps_per_cycle=2)


class Tap(NamedTuple):
    """A place in the layer, flat; `output` is `channels_out` for the terminator."""

    place: int
    output: int
    crossing: bool
    capture: bool
    terminator: bool


def random_taps(rng, channels: int, group: int, density: float, least: int) -> list[Tap]:
    """`least` taps at least in each output channel, then the terminator."""
    places = []
    for channel in range(channels):
        chosen = [place for place in range(group) if rng.random() < density]
        if len(chosen) < least:
            chosen = sorted(rng.sample(range(group), least))
        places += [channel * group + place for place in chosen]
    places.append(channels * group + rng.randrange(group))
    outputs = [place // group for place in places]
    return [Tap(place, output, output != before, output != before and before >= 0, output == channels)
            for place, output, before in zip(places, outputs, [-1, *outputs])]


def issue(taps, arrivals, alone: bool, asked):
    """(cycle, number of the first tap, how many) of each cycle in which one is issued; the loader's write cycles."""
    issued, loads, written = [], [], set()
    number, cycle, owed, crossed = 0, 0, 0, -CFG.drain_cycles
    while number < len(taps):
        owed += asked.count(cycle)
        load = owed > 0 and cycle not in written
        loads += [cycle] * load
        owed -= load
        head = taps[number]
        if arrivals[number] <= cycle and not (head.crossing and cycle < crossed + CFG.drain_cycles):
            crossed = cycle if head.crossing else crossed
            if head.capture:
                written.add(cycle + write_slot_lag(CFG))
            both = (not alone and not head.terminator and arrivals[number + 1] <= cycle
                    and not taps[number + 1].crossing and not load and cycle not in written)
            issued.append((cycle, number, 1 + both))
            number += 1 + both
        cycle += 1
    return issued, loads


def decoded(rng, taps, number, layer):
    """The step to a tap; anything behind the terminator."""
    distance = rng.randrange(1, layer["kernel_taps"] * layer["channels_in"] + 1)
    if number < len(taps):
        distance = taps[number].place - (taps[number - 1].place if number else -1)
    channel_step, step = divmod(distance, layer["kernel_taps"])
    return {"step": {"weight": number & 0xff, "step": {"kernel_step": step, "channel_step": channel_step}}}


def check(layer, taps, issued, slots, wanted, loads):
    inputs, kernel, size = layer["channels_in"], layer["kernel_taps"], layer["group_channels"]
    assert [(cycle, 1 + pair.second.take) for cycle, pair in issued] == [(cycle, n) for cycle, _, n in wanted]
    assert slots == loads[:len(slots)]
    for (_, number, count), (_, pair) in zip(wanted, issued):
        first = taps[number]
        assert (pair.first.crossing, pair.first.capture, pair.first.terminator) == first[2:]
        for offset, tap in enumerate([pair.first, pair.second][:count]):
            place, output = taps[number + offset][:2]
            assert not tap.bad_place and not tap.bad_code and tap.weight == number + offset & 0xff
            if output < layer["channels_out"]:
                assert tap.place == place % kernel
                assert tap.channel == (output // size * inputs
                                       + place % (inputs * kernel) // kernel)


@pytest.mark.parametrize("channels, inputs, kernel, groups, density, eager, load", [
    (5, 3, 9, 1, 0.4, 1.0, 0), (5, 3, 9, 1, 0.9, 0.5, 0.2), (12, 2, 1, 3, 0.9, 1.0, 0), (4, 1, 49, 4, 0.3, 1.0, 0.4),
    (3, 5, 64, 1, 0.1, 0.7, 0), (6, 30, 3, 2, 1.0, 1.0, 0.1), (7, 1, 2, 7, 1.0, 1.0, 0.5), (3, 40, 2, 1, 1.0, 0.9, 0),
])
def test_places_and_times(channels, inputs, kernel, groups, density, eager, load):
    rng = random.Random(channels * kernel)
    layers = [{"source": Source.STREAM, "operation": operation, "kernel_taps": kernel, "channels_in": inputs,
               "channels_out": channels, "group_channels": channels // groups}
              for operation in (Operation.MULTIPLY, Operation.MAXIMUM, Operation.MULTIPLY)]
    dut = PairGenerator(CFG)

    async def bench(ctx):
        for layer in layers:
            ctx.set(dut.layer, layer)
            await pulse(ctx, dut.start)
            await ctx.tick()
            alone = layer["operation"] is Operation.MAXIMUM
            taps = random_taps(rng, channels, inputs * kernel, density, least=1 if alone else 2)
            await run_layer(ctx, layer, taps, alone)
            ctx.set(dut.i.valid, 0)
            ctx.set(dut.reserve, 0)
            await ctx.tick().repeat(tile_gap_cycles(CFG) + write_slot_lag(CFG))

    async def run_layer(ctx, layer, taps, alone):
        sent, arrivals, issued, cycle, taken, asked, slots, ended = 0, [], [], 0, 0, [], [], False
        while not (issued and issued[-1][1].first.terminator):
            send = sent < len(taps) + 40 and ctx.get(dut.room) and rng.random() < eager     # also past the end
            ctx.set(dut.reserve, send)
            ctx.set(dut.i.valid, send)
            if send:
                ctx.set(dut.i.payload, [decoded(rng, taps, sent + n, layer) for n in range(2)])
                arrivals += [cycle + place_cycles(CFG)] * (1 if alone else 2)
                sent += 1 if alone else 2
            ask = rng.random() < load and len(asked) - len(slots) < 16
            ctx.set(dut.load_request, ask)
            asked += [cycle + 1] * ask
            slots += [cycle - ADDRESS_CYCLES] * ctx.get(dut.load_slot)
            if ctx.get(dut.o.valid):
                issued.append((cycle, ctx.get(dut.o.payload)))
            taken += ctx.get(dut.tap_taken)
            ended = ended or ctx.get(dut.ended)
            await ctx.tick()
            cycle += 1
            assert ctx.get(dut.active) != ended
        ctx.set(dut.load_request, 0)
        check(layer, taps, issued, slots, *issue(taps, arrivals, alone, asked))
        assert taken == len(taps) - 1
    simulate(dut, bench)


@pytest.mark.parametrize("channels, inputs, pause", [(1, 1, 0), (5, 1, 0), (40, 1, 0), (5, 1, 3), (5, 1, 60), (3, 9, 0),
                                                     (4, 16, 0), (5, 17, 0), (1, 2, 0), (1, 3, 0)])
def test_tiles_overlap(channels, inputs, pause):
    """The next tile starts as soon as the terminator is found; its first tap waits for the gap, and none is lost."""
    dut, gap, tiles = PairGenerator(CFG), tile_gap_cycles(CFG), 4
    source = {"source": Source.WINDOW if inputs == 1 else Source.STREAM, "kernel_taps": 1}

    async def bench(ctx):
        ctx.set(dut.layer, source | {"channels_out": channels, "channels_in": inputs, "group_channels": channels})
        ctx.set(dut.i.payload, [{"step": {"step": {"channel_step": 1}}}] * 2)
        issued, ended, starts, started = [], [], [0], 1
        for cycle in range(tiles * (channels * max(CFG.drain_cycles, inputs) + gap + pause) + 100):
            start = cycle == starts[-1]
            ctx.set(dut.start, start)
            step = ctx.get(dut.room) & ctx.get(dut.active)
            ctx.set(dut.reserve, step)
            ctx.set(dut.i.valid, step)
            if ctx.get(dut.o.valid):
                pair = ctx.get(dut.o.payload)
                issued += [(cycle, pair.first), *[(cycle, pair.second)] * pair.second.take]
            if ctx.get(dut.ended):
                ended.append(cycle)
                if started < tiles:
                    starts.append(cycle + 1 + pause)
                    started += 1
            await ctx.tick()
        taps = channels * inputs
        last = [cycle for cycle, tap in issued if "terminator" in dict(tap.shape()) and tap.terminator]
        assert len(issued) == tiles * (taps + 1) and [issued[taps + n * (taps + 1)][0] for n in range(tiles)] == last
        wanted = [n if inputs == 1 else n % inputs for n in range(taps)]
        for tile in range(tiles):
            assert [tap.channel for _, tap in issued[tile * (taps + 1):][:taps]] == wanted
        first = [issued[number * (taps + 1)][0] for number in range(tiles)]
        assert all(end <= terminator - START_LEAD - 1 for end, terminator in zip(ended, last))
        for end, begin, start in zip(last, first[1:], starts[1:]):
            assert begin == max(end + gap, start + 2 + place_cycles(CFG))

    simulate(dut, bench, cycles=20_000)


@pytest.mark.parametrize("layer, steps, bad", [
    ({"kernel_taps": 4, "channels_in": 8}, ({"kernel_step": 9}, {"kernel_step": 1}), "first"),
    ({"kernel_taps": 4, "channels_in": 8}, ({"kernel_step": 1}, {"kernel_step": 9}), "second"),
    ({"kernel_taps": 4, "channels_in": 8}, ({"channel_step": 1}, {"kernel_step": 1, "channel_step": 100}), "second"),
    ({"kernel_taps": 1, "channels_in": 2}, ({"channel_step": 2}, {"channel_step": 2}), "second"),   # crosses twice
    ({"kernel_taps": 1, "channels_in": 8}, ({"kernel_step": 63}, {"kernel_step": 63}), "first"),
])
def test_steps_that_lead_nowhere(layer, steps, bad):
    dut = PairGenerator(CFG)

    async def bench(ctx):
        ctx.set(dut.layer, layer | {"source": Source.STREAM, "channels_out": 4, "group_channels": 4})
        ctx.set(dut.i.payload, [{"step": {"step": step}} for step in steps])
        await pulse(ctx, dut.start)
        await ctx.tick()
        ctx.set(dut.reserve, 1)
        await pulse(ctx, dut.i.valid)
        ctx.set(dut.reserve, 0)
        await ctx.tick().repeat(place_cycles(CFG) - 1)
        pair = ctx.get(dut.o.payload)
        assert ctx.get(dut.o.valid) and pair.second.take and pair[bad].bad_place
    simulate(dut, bench)


def test_lint():
    lint(PairGenerator(CFG))
