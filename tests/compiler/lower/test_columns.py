"""compiler.lower.columns: kernels that reach further than the engine's column moves, on one side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.estimate import estimate
from firelane.compiler.ir.graph import Window
from firelane.compiler.lower import lower
from firelane.compiler.program.schedule_check import ScheduleError, check_schedule
from firelane.compiler.support.errors import CapacityError, ModelError
from firelane.compiler.support.problems import further
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder, check_against_reference

WIDE = EngineConfig(banks=4, weight_words=1 << 14)
NARROW = replace(WIDE, columns_left=1, columns_right=2)


def tiles(network) -> list[TileLayer]:
    return [layer for layer in network.layers if isinstance(layer, TileLayer)]


def columns_of(layer: TileLayer) -> tuple[int, int]:
    offsets = [place.dx for place in layer.places]
    return min(offsets), max(offsets)


def beginning(size: int = 27, pool: int = 3):
    """SqueezeNet v1.0's: 7x7/2 and a maximum of 3x3/2, neither with padding."""
    build = GraphBuilder(3, size, size, zero_point=7)
    conv = build.conv("image", 5, kernel=7, stride=2)
    return build.graph(build.conv(build.pool(conv, kernel=pool), 4))


def kernel(size: int, pad: int, *, readers_pad: int = 0, columns: int = 20):
    """A convolution, and one of 3x3 that reads it."""
    build = GraphBuilder(2, 9, columns)
    weight = np.ones((3, 2, size, size), np.int8)
    weight[:, :, :size // 2], weight[:, :, size // 2 + 1:] = 0, 0       # one row, so that no row move is too long
    first = build.conv("image", 3, kernel=size, pad=pad, weight=weight)
    return build.graph(build.conv(first, 2, kernel=3 if readers_pad else 1, pad=readers_pad))


def test_what_reaches_to_the_right_alone_is_stored_further_to_the_right():
    network = lower(beginning(), NARROW)
    conv, pool, _ = tiles(network)
    assert (conv.first_column, network.maps[conv.output.map].first_column, columns_of(conv)) == (1, 1, (-1, 2))
    assert (pool.column_phase, columns_of(pool), pool.first_column) == (1, (0, 2), 0)
    check_against_reference(compile_graph(beginning(), NARROW))


def test_an_engine_that_sees_it_all_stores_nothing_elsewhere():
    network = lower(beginning(), WIDE)
    assert {found.first_column for found in network.maps.values()} == {0}
    assert columns_of(tiles(network)[0]) == (0, 3)


def test_both_engines_compute_the_same_in_as_many_cycles():
    wide, narrow = (compile_graph(beginning(43), cfg) for cfg in (WIDE, NARROW))
    assert wide.plan.cycles == narrow.plan.cycles
    check_against_reference(narrow)


@pytest.mark.parametrize("columns", [55, 56])
def test_there_must_be_a_lane_for_it(columns):
    """Four columns from the pixel on, padded to the right, so that there are as many as before: of 56 lanes."""
    build = GraphBuilder(1, 4, columns)
    name = build.conv("image", 2, weight=np.ones((2, 1, 1, 4), np.int8))
    build.nodes[-1] = replace(build.nodes[-1], window=Window((1, 4), (1, 1), (0, 0, 0, 3)))
    graph = build.graph(build.conv(name, 2))
    if columns < WIDE.lanes:
        assert lower(graph, NARROW).maps[name].columns == WIDE.lanes
        check_against_reference(compile_graph(graph, NARROW))
    else:
        with pytest.raises(CapacityError, match=r"reads columns 0\.\.3 around a pixel, the engine sees -1\.\.2"):
            lower(graph, NARROW)


@pytest.mark.parametrize("size, pad, readers_pad", [(5, 2, 0), (4, 0, 1), (7, 3, 0)])
def test_what_cannot_be_seen_is_refused_with_an_engine_that_sees_it(size, pad, readers_pad):
    graph = kernel(size, pad, readers_pad=readers_pad)
    with pytest.raises(CapacityError) as caught:
        lower(graph, NARROW)
    low, high = -pad, size - 1 - pad
    assert str(caught.value).startswith(f"node 'conv0': reads columns {low}..{high} around a pixel, the engine sees "
                                        "-1..2; an engine with --columns-")
    assert caught.value.hint.endswith("or a kernel of up to 3 columns, padded on all sides, is possible")
    words = caught.value.hint.split(" or ")[0].replace("-", "_").split()
    sizes = {words[n][2:]: int(words[n + 1]) for n in range(len(words)) if words[n].startswith("__columns")}
    check_against_reference(compile_graph(graph, replace(NARROW, **sizes)))


def test_all_layers_that_are_refused_are_offered_one_engine():
    build = GraphBuilder(1, 3, 20)
    weight = np.zeros((1, 1, 7, 7), np.int8)
    weight[:, :, 3] = 1
    five = build.conv("image", 1, kernel=7, pad=3, weight=np.pad(weight[:, :, :, 1:6], ((0, 0),) * 3 + ((1, 1),)))
    graph = build.graph(build.conv(five, 1, kernel=7, pad=3, weight=weight))
    with pytest.raises(CapacityError) as caught:
        lower(graph, NARROW)
    errors = [caught.value, *further(caught.value)]
    assert [error.where for error in errors] == ["node 'conv0'", "node 'conv1'"]
    assert all(error.hint.startswith("an engine with --columns-left 3 and --columns-right 3 or") for error in errors)
    lower(graph, replace(NARROW, columns_left=3, columns_right=3))


def test_what_no_engine_sees():
    with pytest.raises(ModelError) as caught:
        lower(kernel(9, 4), WIDE)
    assert str(caught.value) == ("node 'conv0': reads columns -4..4 around a pixel, the engine sees -3..3; a kernel of "
                                 "up to 7 columns, padded on all sides, is possible")


def test_an_estimate_has_figures_all_the_same():
    found = estimate(kernel(5, 2), NARROW)
    assert not found.fits and found.report is not None
    assert [problem.where for problem in found.problems] == ["node 'conv0'"]
    assert found.report.cost.total == estimate(kernel(5, 2), WIDE).report.cost.total


def test_the_check_of_programs_sees_columns():
    compiled = compile_graph(beginning(), NARROW)
    program = compiled.program
    check_schedule(program)
    conv, pool = tiles(program.network)[:2]
    nearer = replace(pool, places=tuple(replace(place, dx=place.dx - 1) for place in pool.places))
    for wrong in (nearer, replace(conv, places=(replace(conv.places[0], dx=0), *conv.places[1:]))):
        layers = tuple(wrong if layer.name == wrong.name else layer for layer in program.network.layers)
        with pytest.raises(ScheduleError, match="moves columns by"):
            check_schedule(replace(program, network=replace(program.network, layers=layers)))
    maps = program.network.maps | {conv.output.map: replace(program.network.maps[conv.output.map], first_column=2)}
    with pytest.raises(ScheduleError):
        check_schedule(replace(program, network=replace(program.network, maps=maps)))
