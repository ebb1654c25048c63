"""compiler.schedule: orders that fit, loads ahead of tiles, whole maps where the memory is small."""

import re
from dataclasses import replace

import numpy as np
import pytest

from compiler.compile import compile_graph
from compiler.errors import CapacityError
from compiler.layers import LoadLayer, TileLayer
from compiler.lifetimes import lifetimes, live_words
from compiler.lower import lower
from compiler.order import order_steps, prefetched, wait_flags
from compiler.schedule import schedule
from compiler.steps import all_steps
from hw.config import EngineConfig
from tests.compiler.build import GraphBuilder, check_against_reference

CFG = EngineConfig(banks=2, weight_words=1 << 16, program_words=1 << 13)


def chain(layers: int = 5, size: int = 27):
    """Fires one after the other, and a classifier."""
    build = GraphBuilder(3, 2 * size, 2 * size)
    tensor = build.conv("image", 8, kernel=3, stride=2, pad=1)
    for _ in range(layers):
        tensor = build.fire(tensor, 4, 16)
    return build.graph(build.average(build.conv(tensor, 10)))


def test_every_step_runs_once_and_after_what_it_needs():
    network = lower(chain(), CFG)
    steps = all_steps(network, CFG)
    for whole in ((), ("conv1", "conv9")):
        order = order_steps(network, steps, whole)
        position = {step.number: time for time, step in enumerate(order)}
        assert sorted(position) == list(range(len(steps)))
        assert all(position[need] < position[step.number] for step in steps for need in step.needs)


def test_a_small_memory_makes_whole_maps():
    graph, cfg = chain(size=13), replace(CFG, banks=4)
    network = lower(graph, cfg)
    order = order_steps(network, all_steps(network, cfg))
    peak = int(live_words(lifetimes(network, order), len(order)).max())
    assert compile_graph(graph, cfg).plan.whole == ()
    compiled = compile_graph(graph, replace(cfg, activation_words=peak - 8))
    assert compiled.plan.whole and set(compiled.plan.whole) <= set(network.maps)
    assert compiled.plan.peak_words <= peak - 8
    check_against_reference(compiled)


@pytest.mark.parametrize("words, offered", [(48, ["activation_words"]), (120, ["activation_words", "banks"])])
def test_what_does_not_fit_is_named_with_what_would(words, offered):
    """Everything that is offered fits."""
    small = replace(CFG, activation_words=words)
    with pytest.raises(CapacityError) as caught:
        compile_graph(chain(), small)
    message = re.fullmatch(rf"layer 'conv\d+': needs \d+ words of activation memory at tile \d+, there are {words} "
                           r"\(live: .*\); ((?:\w+=\d+ or )*)a smaller input would help", str(caught.value))
    options = dict(option.split("=") for option in message[1].split(" or ") if option)
    assert list(options) == offered
    for name, value in options.items():
        compile_graph(chain(), replace(small, **{name: int(value)}))
    compile_graph(chain(size=4), small)


def test_loads_run_beside_tiles():
    network = lower(chain(), CFG)
    order = order_steps(network, all_steps(network, CFG))
    ahead = prefetched(network, CFG, order, 2)
    assert [step for step in ahead if isinstance(network.layers[step.layer], TileLayer)] == [
        step for step in order if isinstance(network.layers[step.layer], TileLayer)]
    assert sum(wait_flags(network, ahead)) < sum(wait_flags(network, order))
    assert prefetched(network, CFG, order, 0) == order


def test_waits_exactly_for_the_load_under_way():
    network = lower(chain(1), CFG)
    order = order_steps(network, all_steps(network, CFG))
    loaded, pending = set(), None
    for step, waits in zip(order, wait_flags(network, order)):
        if waits:
            loaded.add(pending)
        if isinstance(network.layers[step.layer], LoadLayer):
            loaded.add(pending)
            pending = step.output
        else:
            assert all(block in loaded for block in step.blocks_read if block.map == "image")


def test_live_words_of_a_hand_made_case():
    build = GraphBuilder(4, 14, 14)
    network = lower(build.graph(build.conv("image", 6)), replace(CFG, banks=1))
    order = order_steps(network, all_steps(network, replace(CFG, banks=1)))
    words = live_words(lifetimes(network, order), len(order))
    assert words.max() == 4 + 6 and np.count_nonzero(words == 10) == 14


def test_rows_that_nobody_reads_are_loaded_all_the_same():
    build = GraphBuilder(2, 30, 14)
    graph = build.graph(build.conv("image", 3, kernel=1, stride=4))
    check_against_reference(compile_graph(graph, CFG))


def test_a_schedule_is_found_twice_the_same():
    network = lower(chain(), CFG)
    small = replace(CFG, activation_words=schedule(network, CFG).peak_words - 1)
    assert schedule(network, small).addresses == schedule(network, small).addresses
