"""The rule of issue, `hw.contract.issue`, beside a simulation of single cycles."""

import random

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.issue import NEVER, ChannelTaps, WritePort
from firelane.hw.contract.timing import write_slot_lag

ONE, TWO = EngineConfig(banks=4), EngineConfig(banks=4, taps_per_cycle=2)


def cycle_by_cycle(counts, cfg, start, requests, *, blocks=False):
    """The cycle of the terminator, taps issued as the queue of the tap generator would."""
    taps = [first == 0 for count in counts for first in range(count)] + [True]      # which ones begin a channel
    waiting, owed, written, number, cycle, last = sorted(requests), 0, set(), 0, min([start, *requests]), None
    least = cfg.block_cycles if blocks else cfg.drain_cycles
    while True:
        owed += waiting.count(cycle)
        loads = owed > 0 and cycle not in written
        owed -= loads
        if cycle >= start and not (taps[number] and last is not None and cycle < last + least):
            if taps[number]:
                if last is not None:
                    written.add(cycle + write_slot_lag(cfg, blocks=blocks))
                last = cycle
            if number == len(taps) - 1:
                return cycle
            pair = not blocks and not taps[number + 1] and not loads and cycle not in written
            number += 2 if pair else 1
        cycle += 1


@pytest.mark.parametrize("seed", range(200))
def test_pairs_are_issued_as_cycle_by_cycle(seed):
    rng = random.Random(seed)
    counts = tuple(rng.choice([2, 3, 15, 16, 17, rng.randrange(2, 90)]) for _ in range(rng.randrange(1, 12)))
    start = rng.randrange(100)
    requests = sorted(rng.randrange(start + 200) for _ in range(rng.choice([0, 3, 40])))
    port = WritePort()
    port.ask(requests)
    want = cycle_by_cycle(counts, TWO, start, requests)
    assert ChannelTaps(counts).issue(TWO, start, port) == want
    if not requests:
        assert ChannelTaps(counts).cycles(TWO) == want - start


@pytest.mark.parametrize("banks, least", [(2, 4), (8, 4), (16, 8)])
def test_channels_by_blocks_are_nearer_to_each_other(banks, least):
    cfg, rng = EngineConfig(banks=banks, taps_per_cycle=2), random.Random(banks)
    counts, requests = tuple(rng.randrange(1, 12) for _ in range(30)), range(0, 200, 3)
    channels, port = ChannelTaps(counts, alone=True, blocks=True), WritePort()
    port.ask(requests)
    assert channels.cycles(cfg) == sum(max(count, least) for count in counts)
    assert channels.issue(cfg, 7, port) == 7 + channels.cycles(cfg)
    assert cycle_by_cycle(counts, cfg, 7, requests, blocks=True) == 7 + channels.cycles(cfg)


def test_one_tap_a_cycle():
    counts = (1, 8, 9, 200)
    assert ChannelTaps(counts).cycles(ONE) == 8 + 8 + 9 + 200
    assert ChannelTaps(counts, alone=True).cycles(TWO) == 8 + 8 + 9 + 200


def test_a_channel_costs_half_its_taps_and_half_a_cycle():
    """What long channels take in the middle of a tile: ceil((n + 1) / 2)."""
    for taps in (40, 41):
        more, fewer = (ChannelTaps((taps,) * channels).cycles(TWO) for channels in (40, 20))
        assert more - fewer == 20 * ((taps + 2) // 2)


def test_the_port_writes_channels_on_time_and_loads_between_them():
    port = WritePort()
    port.ask([3, 3, 3, 9])
    for cycle in (4, 5):
        port.write_channel(cycle)
    assert [port.next_write(cycle) for cycle in range(3, 11)] == [3, 4, 5, 6, 7, 9, 9, NEVER]
