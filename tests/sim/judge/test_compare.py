"""The comparison finds a wrong pixel and says where it is."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.ir.graph import Conv, Graph, Requantize, Tensor, Window
from firelane.compiler.program.compiled import Compiled
from firelane.hw.contract.config import EngineConfig
from firelane.sim import reference
from firelane.sim.emulator import Emulator, Writes
from firelane.sim.judge.compare import TensorPart, expected_pixels, first_difference, tensor_parts, written_pixels
from tests.steps import emulated_steps

CFG = EngineConfig(banks=2, activation_words=256, weight_words=1024, program_words=1024)


def network(stride: int) -> Graph:
    """Two convolutions; the first one of `stride` reads the image."""
    rng, size = np.random.default_rng(stride), (8 // stride, 4 if stride == 2 else 7)
    tensors = {"image": Tensor("image", 2, 8, 7, 0.1, 3), "middle": Tensor("middle", 3, *size, 1.0, 0),
               "result": Tensor("result", 4, *size, 1.0, 0)}
    requantize = Requantize([90], [1 << 15], [20])
    first = Conv("first", ("image",), "middle", rng.integers(-9, 10, (3, 2, 3, 3)),
                 Window((3, 3), (stride, stride), (1, 1, 1, 1)), 1, requantize)
    second = Conv("second", ("middle",), "result", rng.integers(-9, 10, (4, 3, 1, 1)), Window(), 1, requantize)
    return Graph("two", (first, second), tensors, "image", "result")


def ran(stride: int):
    compiled = compile_graph(network(stride), CFG)
    image = np.random.default_rng(1).integers(0, 256, (2, 8, 7), np.uint8)
    frame = Emulator(CFG, compiled.program.contents).run_frame(image.transpose(1, 2, 0), trace=True)
    return compiled, reference.run(compiled.graph, image), emulated_steps(frame.trace)


def difference(compiled: Compiled, tensors, steps) -> str | None:
    found = first_difference(tensor_parts(compiled.program), tensors, steps, CFG)
    return None if found is None else str(found)


@pytest.mark.parametrize("stride", [1, 2])
def test_every_tensor_is_compared(stride):
    compiled, tensors, steps = ran(stride)
    assert difference(compiled, tensors, steps) is None
    assert {region.tensor for region in tensor_parts(compiled.program).values()} == {"image", "middle", "result"}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("tensor", ["image", "middle", "result"])
def test_each_wrong_pixel_is_found(stride, tensor):
    """Whatever pixel of the reference is changed, it is the one that is named."""
    compiled, tensors, steps = ran(stride)
    for channel, row, column in ((0, 0, 0), (1, 3, 2), (1, tensors[tensor].shape[1] - 1, tensors[tensor].shape[2] - 1)):
        changed = tensors[tensor].copy()
        changed[channel, row, column] ^= 1
        got, expected = tensors[tensor][channel, row, column], changed[channel, row, column]
        layer = {"image": "load.*", "middle": "first", "result": "second"}[tensor]
        text = (rf"layer {layer} \(instruction at word \d+\), tensor {tensor}, channel {channel}, row {row}, column "
                rf"{column}: expected {expected}, got {got} \(1 of \d+ pixels of this instruction differ\)")
        assert re.fullmatch(text, difference(compiled, {**tensors, tensor: changed}, steps))


def test_missing_write():
    compiled, tensors, steps = ran(1)
    where = tensor_parts(compiled.program)
    number = next(n for n, (pc, _) in enumerate(steps) if pc in where and where[pc].layer == "second")
    pc, writes = steps[number]
    last = slice(0, len(writes) - 1)
    steps[number] = (pc, Writes(writes.address[last], writes.bank[last], writes.enable[last], writes.data[last]))
    assert "tensor result, channel 3, row 1, column 0: expected" in difference(compiled, tensors, steps)
    assert "it was not written (7 of 56 pixels" in difference(compiled, tensors, steps)


def test_wrong_weight_shows_in_its_layer():
    compiled, tensors, _ = ran(1)
    graph = compiled.graph
    weight = graph.nodes[0].weight.copy()
    weight[2, 1, 1, 1] += 40
    other = replace(graph, nodes=(replace(graph.nodes[0], weight=weight), graph.nodes[1]))
    wrong = compile_graph(other, CFG)
    image = tensors["image"].transpose(1, 2, 0)
    frame = Emulator(CFG, wrong.program.contents).run_frame(np.ascontiguousarray(image), trace=True)
    found = first_difference(tensor_parts(wrong.program), tensors, emulated_steps(frame.trace), CFG)
    assert (found.layer, found.tensor, found.channel) == ("first", "middle", 2)


def test_loads_that_a_verilog_trace_does_not_show():
    compiled, tensors, steps = ran(1)
    where = tensor_parts(compiled.program)
    shown = [(pc, writes if not (pc in where and where[pc].loaded) else Writes(*(
        getattr(writes, name)[:0] for name in ("address", "bank", "enable", "data")))) for pc, writes in steps]
    assert difference(compiled, tensors, shown) is None


def test_a_later_write_of_the_same_pixel_wins():
    region = TensorPart(0, "layer", "t", 0, 1, 0, 1, 14, 5, 0, 0)
    data = np.stack([np.full(14, 1), np.full(14, 2)]).astype(np.uint8)
    writes = Writes(np.array([5, 5]), np.array([0, 0]), np.array([0x3FFF, 1]), data)
    values, written = written_pixels(region, writes, CFG)
    assert values[0, 0].tolist() == [2] + [1] * 13 and written.all()


def test_channels_of_a_tensor():
    region = TensorPart(0, "layer", "t", 1, 2, 3, 1, 2, 0, 0, 0)
    values = np.arange(60, dtype=np.uint8).reshape(3, 5, 4)
    np.testing.assert_array_equal(expected_pixels(region, {"t": values}), values[1:3, 3:4, :2])
