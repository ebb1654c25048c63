"""firelane.estimate: networks of any kind and size, and what is wrong with them."""

from __future__ import annotations

import json
import re

import onnx
import pytest

import firelane
from firelane.boards import all_boards
from firelane.boards.report.board_estimate import NODES
from firelane.compiler.onnx_import.resized import resized_model
from firelane.models.catalogue import EMBEDDED
from firelane.models.squeezenet_graph import build
from tests.compiler.quantize.test_partly_quantized import last_layer
from tests.compiler.small_networks import small_model, without_record

FLOAT_DIGITS = EMBEDDED["digits"].with_name("digits_squeezenet_float.onnx")


def unsupported() -> onnx.ModelProto:
    model = small_model()
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Elu"
    return model


def test_what_fits_costs_what_is_compiled():
    found = firelane.estimate("digits")
    assert [board.board for board in found.boards] == [board.name for board in all_boards()]
    for board in found.boards:
        compiled = firelane.compile("digits", board.board, check=False)
        assert (board.cycles, board.report.rom.bytes) == (compiled.cycles, compiled.rom_bytes)
        assert board.fits == compiled.fits and board.frames_per_second == compiled.frames_per_second
        assert list(board.estimate.memories) == [line for line in compiled.usage if "memory (" in line.name
                                                 or "table (" in line.name]
    assert found.fits == tuple(fit.board for fit in firelane.fit("digits") if fit.fits)


def test_a_float_network_is_near_its_calibrated_one():
    [made], [calibrated] = (firelane.estimate(network, "ulx3s_25f").boards for network in (FLOAT_DIGITS, "digits"))
    assert made.cycles == pytest.approx(calibrated.cycles, rel=0.02)
    assert made.report.rom.bytes == pytest.approx(calibrated.report.rom.bytes, rel=0.05)


@pytest.mark.parametrize("network", [small_model(), without_record(small_model())])
def test_with_and_without_a_record(network):
    found = firelane.estimate(network, "ulx3s_25f")
    assert found.fits == ("ulx3s_25f",) and not found.network.quantized and 0 < found.nonzero < found.weights
    assert found.layers and found.nearest.board == "ulx3s_25f"


def test_a_network_that_no_board_holds():
    found = firelane.estimate(build("squeezenet1.1", input_size=64), "ulx3s_45f", "ulx3s_85f", "ulx3s_85f")
    assert [board.board for board in found.boards] == ["ulx3s_45f", "ulx3s_85f"] and found.fits == ()
    assert all(board.cycles and board.report.rom.bytes > 1_000_000 for board in found.boards)
    assert "--board ulx3s_85f" in found.boards[1].shortages[0].ways[0]
    assert found.answer.startswith("no board holds it; nearest is ulx3s_85f: weights ")


@pytest.mark.parametrize("network, size", [("quantized", (600, 800)), ("float", (4096, 5000)), ("float", (60, 30_000))])
def test_a_network_of_any_size(network, size):
    """Rows longer than the lanes are a shortage of each board, not a problem of the network."""
    model = onnx.load(FLOAT_DIGITS) if network == "float" else firelane.load("digits").model
    found = firelane.estimate(resized_model(model, size), "ulx3s_25f", "ulx3s_85f")
    assert found.problems == () and found.fits == () and found.network.input_shape == (1, *size)
    for board in found.boards:
        assert board.lower_bound and board.cycles > 0 and board.frames_per_second and board.report.rom.bytes > 20_000
        [rows] = [short for short in board.shortages if short.what == NODES]
        assert re.search(r"rows of \d+ pixels, the engine has \d+ lanes", rows.found)
    assert found.layers and found.macs > 100 * firelane.estimate("digits", "ulx3s_25f").macs
    assert any(re.fullmatch(r"an input of \d+ x \d+ pixels, or less", way)
               for short in found.nearest.shortages for way in short.ways) == (size != (60, 30_000))


def test_what_is_unsupported_is_no_error():
    found = firelane.estimate(unsupported())
    assert found.boards == () and found.layers == () and found.nearest is None and found.fits == ()
    assert len(found.problems) == sum(node.op_type == "Elu" for node in unsupported().graph.node)
    assert {problem["in_pytorch"][:7] for problem in json.loads(found.to_json())["problems"]} == {"nn.ReLU"}


def test_what_no_engine_can_do():
    """The importer takes a stride of 3, and nothing behind it does."""
    model = small_model()
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    [strides] = [attribute for attribute in conv.attribute if attribute.name == "strides"]
    strides.ints[:] = [3, 3]
    del model.graph.value_info[:]
    found = firelane.estimate(model, "ulx3s_25f", "ulx3s_85f")
    assert [problem.found for problem in found.problems] == ["stride 3"] and found.boards == ()


def test_an_input_of_no_fixed_size():
    model = small_model()
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_param = "width"
    [problem] = firelane.estimate(model).problems
    assert "is not fixed" in problem.found


def test_what_somebody_quantized_in_part_is_completed():
    found = firelane.estimate(last_layer("conv"), "ulx3s_25f")
    assert found.network.quantized and found.fits == ("ulx3s_25f",)
    assert found.weights == 4 * 3 * 3 * 3 + 5 * 4


def test_as_json():
    found = json.loads(firelane.estimate("digits", "ulx3s_12f", "ulx3s_25f").to_json())
    small, board = found["boards"]
    assert found["answer"].startswith("fits ulx3s_25f") and found["layers_on"] == "ulx3s_25f" and board["fits"]
    assert board["frames_per_second"] == round(75e6 / board["cycles"], 2) and board["engine"]["banks"] == 2
    assert small["shortages"][0]["ways"] and sum(line["cycles"] for line in found["layers"]) <= board["cycles"]


def test_errors():
    with pytest.raises(firelane.FirelaneError, match="unknown board 'ice40'"):
        firelane.estimate("digits", "ice40")
    with pytest.raises(firelane.FirelaneError, match="^none.onnx: No such file or directory; "):
        firelane.estimate("none.onnx")
