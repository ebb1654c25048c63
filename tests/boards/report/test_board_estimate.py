"""What is short on a board, and ways out that work when they are followed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from firelane.boards import all_boards, get_board
from firelane.boards.camera.ov7670 import OV7670
from firelane.boards.camera.planning import plan_camera
from firelane.boards.report import board_estimate
from firelane.boards.report.board_estimate import DEVICE, LARGEST_NAME, NODES, BoardEstimate, estimate_boards
from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.report import MEMORIES
from firelane.compiler.ir.graph import Graph
from firelane.compiler.onnx_import import load_graph
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED
from tests.compiler.build import GraphBuilder

LARGE = get_board("ulx3s_85f")


@pytest.fixture(scope="module")
def digits() -> Graph:
    return load_graph(EMBEDDED["digits"])


def on(graph: Graph, *boards, smaller=None) -> list[BoardEstimate]:
    return estimate_boards(boards, graph, "net.onnx", lambda engine: smaller)


def with_engine(**sizes: int):
    return replace(LARGE, engine=replace(LARGE.engine, **sizes))


def engine_of(way: str) -> EngineConfig:
    """The engine that a way out asks for."""
    return replace(LARGE.engine, **{name.replace("-", "_"): int(size) for name, size in
                                    re.findall(r"--([a-z-]+) (\d+)", way)})


def test_it_fits(digits):
    [found] = on(digits, LARGE)
    assert found.fits and found.frames_per_second == LARGE.clock_hz / found.cycles


def test_equal_engines_are_estimated_once(digits, monkeypatch):
    engines = []
    estimate = board_estimate.estimate
    monkeypatch.setattr(board_estimate, "estimate", lambda graph, cfg: engines.append(cfg) or estimate(graph, cfg))
    found = on(digits, *all_boards())
    assert len(found) == len(all_boards()) and len(engines) == len({board.engine for board in all_boards()})


def test_a_device_that_is_too_small(digits):
    [found] = on(digits, get_board("ulx3s_12f"))
    [short] = found.shortages
    assert short.what == DEVICE and "LUT of 12,000" in short.found and found.cycles and found.is_too_small


def test_weights(digits):
    [found] = on(digits, with_engine(weight_words=5000))
    [short] = found.shortages
    larger, compress = short.ways
    assert short.what == MEMORIES["weight_words"] and short.found.endswith("bytes of 22,500")
    assert compress == f"firelane compress net.onnx --calib IMAGES --board {found.board} -o SMALLER.onnx"
    assert compile_graph(digits, engine_of(larger))


def test_weights_that_are_out_of_reach(digits):
    [found] = on(digits, with_engine(weight_words=1500, activation_words=64), smaller=(32, 32))
    short, activations = found.shortages
    assert activations.what == MEMORIES["activation_words"] and activations.ways == ()
    assert short.ways[0].startswith("fewer weights, or a larger board: this one has room for 0.76 bits a weight")


def test_activation_memory(digits):
    board = with_engine(activation_words=64)
    [found] = on(digits, board, smaller=(48, 48))
    [short] = found.shortages
    deeper, *rest = short.ways
    assert short.what == MEMORIES["activation_words"] and rest[-1] == "an input of 48 x 48 pixels, or less"
    assert engine_of(deeper).activation_words > 64 and compile_graph(digits, engine_of(deeper))


def test_program_memory(digits):
    [found] = on(digits, with_engine(program_words=300))
    [short] = found.shortages
    assert short.what == MEMORIES["program_words"] and compile_graph(digits, engine_of(short.ways[0]))


def test_rows_that_are_too_wide(digits):
    found, largest = on(digits, with_engine(banks=1))
    assert largest.board == LARGEST_NAME
    [short] = found.shortages
    assert short.what == NODES and "rows of 27 pixels, the engine has 14 lanes, and 1 more" in short.found
    assert engine_of(short.ways[0]).banks == 2 and compile_graph(digits, engine_of(short.ways[0]))


def test_an_option_that_the_device_has_no_room_for_is_not_named(digits):
    board = replace(with_engine(activation_words=64), device=replace(LARGE.device, ebr=170))
    [found] = on(digits, board)
    assert not any("--" in way for way in found.shortages[0].ways)


def test_an_image_that_no_board_computes():
    build = GraphBuilder(3, 150, 150)
    found = on(build.graph(build.conv(build.conv("image", 4), 4)), *all_boards())
    assert [one.board for one in found] == [*(board.name for board in all_boards()), LARGEST_NAME]
    assert not any(one.fits for one in found) and found[-1].cycles and found[-1].frames_per_second is None


def test_all_that_a_board_lacks_is_named(digits):
    """What is hopeless for one reason still says the others, without ways out of them."""
    [found] = on(digits, replace(with_engine(banks=1, weight_words=1024), device=replace(LARGE.device, dsp=5)))[:1]
    assert [short.what for short in found.shortages] == [DEVICE, MEMORIES["weight_words"], NODES]
    assert [bool(short.ways) for short in found.shortages] == [True, False, False]


def test_where_there_is_no_schedule_figures_are_bounds(digits):
    found, largest = on(digits, with_engine(banks=1))
    wide, = on(digits, with_engine(banks=2))
    assert found.lower_bound and not found.fits and not largest.lower_bound and found.estimate.plan is None
    assert found.cycles < 2 * wide.cycles and found.report.rom.bytes == pytest.approx(wide.report.rom.bytes, rel=0.02)
    assert [line.name for line in found.estimate.memories] == [MEMORIES["weight_words"]]


def test_the_rate_of_a_camera_is_that_of_the_compiled_network(digits):
    """Where there is room for the network; elsewhere it is what it would be, or why there is none."""
    small, without = with_engine(weight_words=3000), get_board("icepi_zero")
    found = estimate_boards((LARGE, small, without), digits, "net.onnx", lambda engine: None, sensor=OV7670)
    large, short, none = found
    assert large.camera == plan_camera(LARGE, compile_graph(digits, LARGE.engine), OV7670).rate
    assert short.camera and not short.fits and short.camera.frames_per_second <= large.camera.frames_per_second
    assert none.camera is None and none.camera_problem == "no pins for a camera are known"


def test_a_network_that_no_camera_can_serve():
    build = GraphBuilder(3, 8, 8)
    graph = build.graph(build.conv("image", 4))
    [found] = estimate_boards((LARGE,), graph, "net.onnx", lambda engine: None, sensor=OV7670)
    assert found.camera is None and found.camera_problem == "its result is a map, not one value a class"


def test_without_a_camera_nothing_is_said_of_one(digits):
    [found] = on(digits, LARGE)
    assert found.camera is None and found.camera_problem == ""
