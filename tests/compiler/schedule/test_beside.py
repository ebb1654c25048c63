"""compiler.schedule.beside: loads that start beside a tile touch nothing of it, and most loads can."""

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.schedule.beside import beside_flags, loads_early
from firelane.compiler.tiles.layers import LoadLayer, TileLayer
from firelane.hw.contract.config import EngineConfig
from tests.networks import random_graph

CFG = EngineConfig(banks=2, weight_words=1 << 16, program_words=1 << 13, average_bits=20, accumulator_bits=28)


def words(plan, block):
    first = plan.addresses[block]
    return set(range(first, first + plan.network.maps[block.map].channels))


def loads_and_tiles(plan):
    """(number of a load, the last tile before it or None) for each load."""
    tile = None
    for number, step in enumerate(plan.steps):
        layer = plan.network.layers[step.layer]
        if isinstance(layer, LoadLayer):
            yield number, tile
        else:
            tile = step if isinstance(layer, TileLayer) else None


@pytest.mark.parametrize("seed", range(12))
def test_flags_of_random_networks(seed):
    """By sets of words."""
    plan = compile_graph(random_graph(np.random.default_rng([11, seed]), max_columns=28), CFG).plan
    for number, tile in loads_and_tiles(plan):
        used = set()
        for block in (*tile.blocks_read, *([tile.output] if tile.output else [])) if tile else ():
            used |= words(plan, block)
        assert plan.beside[number] == used.isdisjoint(words(plan, plan.steps[number].output))
    assert sum(plan.beside) == sum(plan.beside[number] for number, _ in loads_and_tiles(plan))


def test_a_load_over_an_operand_waits():
    plan = compile_graph(random_graph(np.random.default_rng([11, 0]), max_columns=28), CFG).plan
    number, tile = next((number, tile) for number, tile in loads_and_tiles(plan)
                        if tile and tile.blocks_read and plan.beside[number])
    load = plan.steps[number].output
    for block in (tile.blocks_read[0], tile.output):
        moved = {**plan.addresses, load: plan.addresses[block]}
        assert not beside_flags(plan.network, plan.steps, moved)[number]
        assert not replace(plan, addresses=moved).beside[number]


def test_without_addresses_every_load_has_its_place():
    plan = compile_graph(random_graph(np.random.default_rng([11, 1]), max_columns=28), CFG).plan
    flags = beside_flags(plan.network, plan.steps, {})
    assert all(flags[number] for number, _ in loads_and_tiles(plan))


@pytest.mark.parametrize("seed", range(12))
def test_every_load_is_beside_where_there_is_room(seed):
    """In a memory with words to spare; in one of as many as live at once the network is scheduled all the same."""
    graph = random_graph(np.random.default_rng([11, seed]), max_columns=28)
    plan = compile_graph(graph, CFG).plan
    assert all(plan.beside[number] for number, _ in loads_and_tiles(plan))
    tight = compile_graph(graph, replace(CFG, activation_words=max(plan.peak_words, 16))).plan
    assert tight.peak_words <= plan.peak_words


def test_what_is_loaded_early_lives_from_the_tile_before():
    plan = compile_graph(random_graph(np.random.default_rng([11, 0]), max_columns=28), CFG).plan
    early = {life.block: life for life in loads_early(plan.network, plan.steps, plan.lives)}
    moved = {life.block for life in plan.lives if early[life.block].start < life.start}
    behind = [(plan.steps[number], tile) for number, tile in loads_and_tiles(plan) if tile]
    assert moved == {load.output for load, _ in behind}
    for load, tile in behind:
        assert plan.steps[early[load.output].start] == tile
