"""compiler.schedule.lifetimes: how long blocks live, and which may take the words of one that dies."""

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.lower import lower
from firelane.compiler.program.emit import emit
from firelane.compiler.program.schedule_check import ScheduleError, check_schedule
from firelane.compiler.schedule.chunking import Chunking, chunked
from firelane.compiler.schedule.lifetimes import lifetimes, live_words
from firelane.compiler.schedule.order import order_steps
from firelane.compiler.schedule.search import schedule
from firelane.compiler.schedule.steps import Block, all_steps
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.sim.emulator.engine import Emulator
from firelane.sim.emulator.faults import InvariantError
from tests.compiler.build import GraphBuilder

CFG = EngineConfig(banks=2, weight_words=1 << 14)


def sums(rows: int = 14, again: bool = False):
    """A convolution's output and a fire module's on top of it; with `again` the former is read once more at the end."""
    build = GraphBuilder(3, rows, 14)
    first = build.conv("image", 48)
    total = build.add(build.fire(first, 4, 24), first)
    return build.graph(build.concat(build.conv(total, 5), build.conv(first, 2)) if again else build.conv(total, 5))


def lives_of(network):
    order = order_steps(network, all_steps(network, CFG))
    return order, {life.block: life for life in lifetimes(network, order)}


def test_the_sum_may_replace_an_operand_that_dies():
    network = lower(sums(), CFG)
    _, lives = lives_of(network)
    for group in range(7):
        assert lives[Block("add5", group)].above == {Block("concat4", group): 0, Block("conv0", group): 0}


def test_an_operand_that_is_read_later_is_not_replaced():
    _, lives = lives_of(lower(sums(again=True), CFG))
    assert all(Block("conv0", group) not in lives[Block("add5", group)].above for group in range(7))


def test_the_sum_may_replace_an_operand_chunk_by_chunk():
    network = chunked(lower(sums(), CFG), {"add5": Chunking(16, True)})
    order, lives = lives_of(network)
    for group in range(7):
        life, operand = lives[Block("add5", group)], lives[Block("conv0", group)]
        assert life.above[operand.block] == 0 and life.start < operand.end
    words = live_words(list(lives.values()), len(order))
    time = lives[Block("add5", 3)].start
    together = sum(life.words for life in lives.values() if life.start <= time <= life.end)
    assert words[time] == together - 48


def test_no_chunk_may_be_written_over_one_that_is_still_to_be_read():
    """The last chunk first: what the first writes is in the way of all that follow, in any order."""
    network = chunked(lower(sums(), CFG), {"add5": Chunking(16, True)})
    backwards = {layer.chunk: layer for layer in network.layers if isinstance(layer, TileLayer) and layer.chunk}
    layers = tuple(replace(layer, chunk=len(backwards) + 1 - layer.chunk) if getattr(layer, "chunk", 0) else layer
                   for layer in network.layers)
    _, lives = lives_of(replace(network, layers=layers))
    assert all(Block("conv0", group) not in lives[Block("add5", group)].above for group in range(7))


def test_pooling_may_not_replace_a_row_group_that_the_next_tile_reads():
    build = GraphBuilder(3, 29, 27)
    network = lower(build.graph(build.pool(build.conv("image", 8))), CFG)
    _, lives = lives_of(network)
    pairs = [(life.block.group, block.group) for life in lives.values() for block in life.above
             if life.block.map == "pool1"]
    assert pairs and all(2 * target <= source for target, source in pairs)


@pytest.fixture(scope="module")
def tight():
    """A schedule in which sums stand in the words of their operand."""
    network = chunked(lower(sums(), CFG), {"add5": Chunking(16, True)})
    plan = schedule(network, CFG)
    plan = schedule(network, replace(CFG, activation_words=plan.peak_words))
    return plan


def shifted(plan, by):
    """The plan with sums that replace their operand `by` words behind it."""
    moved = {Block("add5", group): address + by for group in range(7)
             if (address := plan.addresses[Block("add5", group)]) == plan.addresses[Block("conv0", group)]}
    assert moved
    return replace(plan, addresses=plan.addresses | moved)


def test_sums_in_place_are_sound(tight):
    program = emit(tight.network, shifted(tight, 0), CFG)
    check_schedule(program)
    Emulator(CFG, program.contents).run_frame(np.zeros((14, 14, 3), np.uint8))


@pytest.mark.parametrize("by", [1, 15, 16, 47])
def test_sums_that_are_written_too_far_behind_are_refused(tight, by):
    """Found by the check of schedules; and by the emulator, if it happens inside one tile."""
    program = emit(tight.network, shifted(tight, by), CFG)
    with pytest.raises(ScheduleError):
        check_schedule(program)
    if by < 16:
        with pytest.raises(InvariantError, match="which later channels read as slot"):
            Emulator(CFG, program.contents).run_frame(np.zeros((14, 14, 3), np.uint8))


def test_live_words_of_a_hand_made_case():
    build = GraphBuilder(4, 14, 14)
    network = lower(build.graph(build.conv("image", 6)), replace(CFG, banks=1))
    order = order_steps(network, all_steps(network, replace(CFG, banks=1)))
    words = live_words(lifetimes(network, order), len(order))
    assert words.max() == 4 + 6 and np.count_nonzero(words == 10) == 14
