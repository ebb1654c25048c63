"""compiler.schedule.search: what fits, with whole maps where the memory is small."""

from dataclasses import replace

from firelane.compiler.compile import compile_graph
from firelane.compiler.lower import lower
from firelane.compiler.schedule.lifetimes import lifetimes, live_words
from firelane.compiler.schedule.order import order_steps
from firelane.compiler.schedule.search import schedule
from firelane.compiler.schedule.steps import all_steps
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder, chain_of_fires, check_against_reference

CFG = EngineConfig(banks=2, weight_words=1 << 16, program_words=1 << 13)


def test_a_small_memory_makes_whole_maps():
    graph, cfg = chain_of_fires(size=13), replace(CFG, banks=4)
    network = lower(graph, cfg)
    order = order_steps(network, all_steps(network, cfg))
    peak = int(live_words(lifetimes(network, order), len(order)).max())
    assert compile_graph(graph, cfg).plan.whole == ()
    compiled = compile_graph(graph, replace(cfg, activation_words=peak - 8))
    assert compiled.plan.whole and set(compiled.plan.whole) <= set(network.maps)
    assert compiled.plan.peak_words <= peak - 8
    check_against_reference(compiled)


def test_rows_that_nobody_reads_are_loaded_all_the_same():
    build = GraphBuilder(2, 30, 14)
    graph = build.graph(build.conv("image", 3, kernel=1, stride=4))
    check_against_reference(compile_graph(graph, CFG))


def test_a_schedule_is_found_twice_the_same():
    network = lower(chain_of_fires(), CFG)
    small = replace(CFG, activation_words=schedule(network, CFG).peak_words - 1)
    assert schedule(network, small).addresses == schedule(network, small).addresses
