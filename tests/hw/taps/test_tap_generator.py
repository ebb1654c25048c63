"""TapGenerator against divmod, with and without pauses in the steps."""

import random

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Source
from firelane.hw.contract.timing import START_LEAD, place_cycles, tile_gap_cycles
from firelane.hw.taps.tap_generator import TapGenerator
from tests.hw.support import lint, pulse, simulate

CFG = EngineConfig()


def random_places(rng, channels, group, density):
    """Flat places with at least one in each output channel, then the terminator's."""
    places = []
    for channel in range(channels):
        chosen = [place for place in range(group) if rng.random() < density] or [rng.randrange(group)]
        places += [channel * group + place for place in chosen]
    return [*places, channels * group + rng.randrange(group)]


def issue_times(crossings, arrivals):
    """Cycle of each issue: one a cycle, in order, crossings at least drain_cycles apart."""
    times, last_crossing = [], None
    for crossing, arrival in zip(crossings, arrivals):
        time = max(arrival, times[-1] + 1 if times else 0)
        if crossing:
            time = max(time, last_crossing + CFG.drain_cycles) if last_crossing is not None else time
            last_crossing = time
        times.append(time)
    return times


@pytest.mark.parametrize("channels, inputs, kernel, groups, density, eager", [
    (5, 3, 9, 1, 0.4, 1.0), (5, 3, 9, 1, 0.4, 0.5), (12, 2, 1, 3, 0.9, 1.0), (4, 1, 49, 4, 0.3, 1.0),
    (3, 5, 64, 1, 0.1, 0.7),
])
def test_places_and_times(channels, inputs, kernel, groups, density, eager):
    rng = random.Random(channels * kernel)
    group = inputs * kernel
    places = random_places(rng, channels, group, density)
    dut = TapGenerator(CFG)

    async def bench(ctx):
        ctx.set(dut.layer, {"source": Source.STREAM, "kernel_taps": kernel, "channels_in": inputs,
                            "channels_out": channels, "group_channels": channels // groups})
        for _ in range(2):
            await pulse(ctx, dut.start)
            await ctx.tick()
            sent, arrivals, issued, cycle, taken, done, ended = 0, [], [], 0, 0, False, False
            while not done:
                send = sent < len(places) + 40 and ctx.get(dut.room) and rng.random() < eager     # also past the end
                ctx.set(dut.reserve, send)
                ctx.set(dut.i.valid, send)
                if send:
                    distance = places[sent] - (places[sent - 1] if sent else -1) if sent < len(places) else 1
                    channel_step, step = divmod(distance, kernel)
                    ctx.set(dut.i.payload, {"step": {"weight": sent & 0xff, "step": {"kernel_step": step,
                                                                             "channel_step": channel_step}}})
                    arrivals.append(cycle + place_cycles(CFG))
                    sent += 1
                if ctx.get(dut.o.valid):
                    issued.append((cycle, ctx.get(dut.o.payload)))
                    done = issued[-1][1].terminator
                taken += ctx.get(dut.tap_taken)
                ended = ended or ctx.get(dut.ended)
                await ctx.tick()
                cycle += 1
                assert ctx.get(dut.active) != ended
            ctx.set(dut.reserve, 0)
            ctx.set(dut.i.valid, 0)
            check(places, arrivals, issued)
            assert taken == len(places) - 1
            await ctx.tick().repeat(tile_gap_cycles(CFG))

    def check(places, arrivals, issued):
        outputs = [place // group for place in places]
        crossings = [output != before for output, before in zip(outputs, [-1, *outputs])]
        assert [time for time, _ in issued] == issue_times(crossings, arrivals)
        for number, ((_, tap), place, output, crossing) in enumerate(zip(issued, places, outputs, crossings)):
            assert tap.crossing == crossing and tap.capture == (crossing and output > 0)
            assert tap.terminator == (output == channels) == (number == len(places) - 1)
            assert not tap.bad_place and not tap.bad_code and tap.weight == number & 0xff
            if output < channels:
                assert tap.place == place % kernel
                assert tap.channel == output // (channels // groups) * inputs + place % group // kernel
    simulate(dut, bench)


@pytest.mark.parametrize("channels, pause", [(1, 0), (5, 0), (40, 0), (5, 3), (5, 60)])
def test_tiles_overlap(channels, pause):
    """The next tile starts as soon as the terminator is found; its first tap waits for the gap, and none is lost."""
    dut, gap, tiles = TapGenerator(CFG), tile_gap_cycles(CFG), 3

    async def bench(ctx):
        ctx.set(dut.layer, {"source": Source.WINDOW, "kernel_taps": 1, "channels_out": channels})
        ctx.set(dut.i.payload, {"step": {"step": {"channel_step": 1}}})
        issued, ended, starts, started = [], [], [0], 1
        for cycle in range(tiles * (channels * CFG.drain_cycles + gap + pause) + 100):
            start = cycle == starts[-1]
            ctx.set(dut.start, start)
            step = ctx.get(dut.room) & ctx.get(dut.active)
            ctx.set(dut.reserve, step)
            ctx.set(dut.i.valid, step)
            if ctx.get(dut.o.valid):
                issued.append((cycle, ctx.get(dut.o.payload)))
            if ctx.get(dut.ended):
                ended.append(cycle)
                if started < tiles:
                    starts.append(cycle + 1 + pause)
                    started += 1
            await ctx.tick()
        assert [tap.terminator for _, tap in issued] == ([0] * channels + [1]) * tiles
        assert [tap.capture for _, tap in issued] == ([0] + [1] * channels) * tiles
        assert [tap.channel for _, tap in issued if not tap.terminator] == [*range(channels)] * tiles
        last = [cycle for cycle, tap in issued if tap.terminator]
        first = [issued[number * (channels + 1)][0] for number in range(tiles)]
        assert all(end <= terminator - START_LEAD - 1 for end, terminator in zip(ended, last))
        for end, begin, start in zip(last, first[1:], starts[1:]):
            assert begin == max(end + gap, start + 2 + place_cycles(CFG))

    simulate(dut, bench, cycles=20_000)


def test_waiting_is_counted():
    dut = TapGenerator(CFG)

    async def bench(ctx):
        ctx.set(dut.layer, {"source": Source.WINDOW, "kernel_taps": 1, "channels_out": 4})
        ctx.set(dut.i.payload, {"step": {"step": {"channel_step": 1}}})
        await pulse(ctx, dut.start)
        await ctx.tick()
        waits = taken = 0
        for _ in range(60):
            ctx.set(dut.reserve, ctx.get(dut.room) & ctx.get(dut.active))
            ctx.set(dut.i.valid, ctx.get(dut.room) & ctx.get(dut.active))
            waits += ctx.get(dut.stall_drain)
            taken += ctx.get(dut.tap_taken)
            await ctx.tick()
        assert not ctx.get(dut.active)
        assert taken == 4 and waits == 4 * (CFG.drain_cycles - 1)
    simulate(dut, bench)


@pytest.mark.parametrize("layer, step", [
    ({"kernel_taps": 4, "channels_in": 8}, {"kernel_step": 9}),
    ({"kernel_taps": 4, "channels_in": 8}, {"kernel_step": 1, "channel_step": 100}),
])
def test_steps_that_lead_nowhere(layer, step):
    dut = TapGenerator(CFG)

    async def bench(ctx):
        ctx.set(dut.layer, layer | {"source": Source.STREAM, "channels_out": 4, "group_channels": 4})
        ctx.set(dut.i.payload, {"step": {"step": step}})
        await pulse(ctx, dut.start)
        await ctx.tick()
        ctx.set(dut.reserve, 1)
        await pulse(ctx, dut.i.valid)
        ctx.set(dut.reserve, 0)
        await ctx.tick().repeat(place_cycles(CFG) - 1)
        assert ctx.get(dut.o.valid) and ctx.get(dut.o.payload.bad_place)
    simulate(dut, bench)


def test_lint():
    lint(TapGenerator(CFG))
