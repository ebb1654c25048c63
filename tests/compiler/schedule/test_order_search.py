"""compiler.schedule.order_search: which maps to complete at once."""

from dataclasses import replace

from firelane.compiler.lower import lower
from firelane.compiler.schedule.order_search import evaluate, search_whole_maps
from firelane.compiler.schedule.steps import all_steps
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import chain_of_fires

CFG = EngineConfig(banks=4, weight_words=1 << 16, activation_words=64)
NETWORK = lower(chain_of_fires(size=13), CFG)
STEPS = all_steps(NETWORK, CFG)


def test_a_whole_map_is_at_least_all_its_row_groups():
    for name, found in NETWORK.maps.items():
        assert evaluate(NETWORK, STEPS, [name]).peak >= found.channels * found.groups(CFG)


def test_the_search_improves_on_what_it_starts_from():
    found = search_whole_maps(NETWORK, STEPS, CFG)
    assert found == sorted(found) and len({candidate.whole for candidate in found}) == len(found)
    assert found[0].peak < evaluate(NETWORK, STEPS, ()).peak
    assert found[0] == evaluate(NETWORK, STEPS, found[0].whole)


def test_no_change_of_one_map_helps_the_best():
    best = search_whole_maps(NETWORK, STEPS, CFG)[0]
    assert all(evaluate(NETWORK, STEPS, set(best.whole) ^ {name}).peak >= best.peak for name in NETWORK.maps)


def test_a_roomy_memory_ends_the_search_early():
    roomy = replace(CFG, activation_words=4096)
    assert len(search_whole_maps(NETWORK, STEPS, roomy)) < len(search_whole_maps(NETWORK, STEPS, CFG))


def test_maps_that_are_too_large_to_help_are_left_out():
    network = lower(chain_of_fires(size=27), CFG)
    steps = all_steps(network, CFG)
    limit = max(CFG.activation_words, evaluate(network, steps, ()).peak)
    large = {name for name, found in network.maps.items() if found.channels * found.groups(CFG) > limit}
    found = search_whole_maps(network, steps, CFG)
    assert large and not any(large & set(candidate.whole) for candidate in found)
    assert all(evaluate(network, steps, {*found[0].whole, name}).peak > found[0].peak for name in large)
