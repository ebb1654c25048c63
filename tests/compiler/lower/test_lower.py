"""compiler.lower: what each kind of node becomes, and what is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

from firelane.compiler.compile import compile_graph
from firelane.compiler.ir.graph import (
    Add,
    AveragePool,
    ChannelScale,
    GlobalAverage,
    Maximum,
    MaxPool,
    Requantize,
    Rescale,
    Select,
    Window,
)
from firelane.compiler.lower import lower
from firelane.compiler.support.errors import CapacityError, ModelError
from firelane.compiler.support.problems import further
from firelane.compiler.tiles.layers import AverageLayer, LoadLayer, OutputLayer, TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Destination, Operation
from firelane.sim.emulator import Emulator
from tests.compiler.build import GraphBuilder, check_against_reference

CFG = EngineConfig(banks=4, weight_words=1 << 16)


def tiles(network):
    return [layer for layer in network.layers if isinstance(layer, TileLayer)]


def test_stride_2_on_the_image_is_space_to_depth():
    build = GraphBuilder(3, 21, 23, zero_point=7)
    graph = build.graph(build.conv("image", 5, kernel=7, stride=2, pad=3))
    network = lower(graph, CFG)
    load, conv = network.layers[:2]
    assert load.space_to_depth and network.maps["image"].channels == 12 and network.maps["image"].height == 11
    assert not conv.subsample and {place.dy for place in conv.places} == {-2, -1, 0, 1}
    assert np.count_nonzero(conv.weights) == np.count_nonzero(graph.nodes[0].weight)
    check_against_reference(compile_graph(graph, CFG))


def test_an_image_with_two_readers_is_loaded_as_it_is():
    build = GraphBuilder(2, 16, 16)
    graph = build.graph(build.concat(build.conv("image", 3, kernel=3, stride=2, pad=1),
                                     build.conv("image", 2, kernel=1, stride=2)))
    network = lower(graph, CFG)
    assert not network.layers[0].space_to_depth and all(layer.subsample for layer in tiles(network))
    check_against_reference(compile_graph(graph, CFG))


@pytest.mark.parametrize("pad, phase", [(0, 1), (1, 0)])
def test_phase_keeps_a_3x3_kernel_around_its_lane(pad, phase):
    build = GraphBuilder(1, 14, 14)
    first = build.conv("image", 2)
    graph = build.graph(build.conv(first, 2, kernel=3, stride=2, pad=pad))
    layer = tiles(lower(graph, CFG))[1]
    assert (layer.row_phase, layer.column_phase) == (phase, phase)
    assert {place.dy for place in layer.places} <= {-1, 0, 1}
    check_against_reference(compile_graph(graph, CFG))


def test_stride_4_is_a_chain():
    build = GraphBuilder(1, 21, 21)
    graph = build.graph(build.conv(build.conv("image", 3), 4, kernel=3, stride=4, pad=1))
    names = [layer.name for layer in tiles(lower(graph, CFG))]
    assert names == ["conv0", "conv1", "conv1/stride4"]
    check_against_reference(compile_graph(graph, CFG))


def test_a_zero_row_of_a_kernel_costs_nothing():
    build = GraphBuilder(1, 12, 12)
    weight = np.zeros((2, 1, 5, 5), np.int8)
    weight[:, :, 1:4, 1:4] = 3
    layer = tiles(lower(build.graph(build.conv("image", 2, kernel=5, pad=2, weight=weight)), CFG))[0]
    assert len(layer.places) == 9 and layer.weights.shape == (2, 1, 9)


def test_concat_is_written_in_place_and_nested():
    build = GraphBuilder(2, 9, 9)
    a, b, c = (build.conv("image", n) for n in (3, 4, 5))
    inner = build.concat(a, b)
    graph = build.graph(build.concat(c, inner))
    network = lower(graph, CFG)
    assert len(tiles(network)) == 3
    assert [(layer.output.map, layer.output.channel) for layer in tiles(network)] == [
        ("concat4", 5), ("concat4", 8), ("concat4", 0)]
    check_against_reference(compile_graph(graph, CFG))


def test_second_use_in_a_concat_is_copied():
    build = GraphBuilder(2, 9, 9)
    a = build.conv("image", 3)
    graph = build.graph(build.concat(a, "image", a))
    assert [layer.name for layer in tiles(lower(graph, CFG))] == ["conv0", "concat1/copy", "concat1/copy#2"]
    check_against_reference(compile_graph(graph, CFG))


def test_average_is_fused_into_its_producer_and_streamed():
    build = GraphBuilder(3, 13, 13)
    graph = build.graph(build.average(build.conv("image", 10)))
    network = lower(graph, CFG)
    assert [type(layer) for layer in network.layers] == [LoadLayer, TileLayer, AverageLayer]
    assert network.layers[1].destination is Destination.AVERAGE and network.layers[2].output is None
    check_against_reference(compile_graph(graph, CFG))


def test_average_with_more_channels_than_sums_goes_in_rounds():
    cfg = replace(CFG, average_channels=4)
    build = GraphBuilder(3, 13, 13)
    graph = build.graph(build.average(build.conv("image", 10)))
    layers = lower(graph, cfg).layers
    assert [layer.channels for layer in layers if isinstance(layer, AverageLayer)] == [4, 4, 2]
    check_against_reference(compile_graph(graph, cfg))


def test_average_into_memory():
    build = GraphBuilder(3, 13, 13)
    graph = build.graph(build.conv(build.average(build.conv("image", 10)), 5))
    assert isinstance(lower(graph, CFG).layers[-1], OutputLayer)
    check_against_reference(compile_graph(graph, CFG))


def test_max_pool_reads_zero_outside():
    build = GraphBuilder(2, 10, 10, zero_point=9)
    first = build.conv("image", 3)
    output = build.tensor("pool", 3, 10, 10)
    build.nodes.append(MaxPool("pool", (first,), output, Window((3, 3), (1, 1), (1, 1, 1, 1))))
    layer = tiles(lower(build.graph(output), CFG))[1]
    assert layer.pad == 0 and layer.operation is Operation.MAXIMUM and len(layer.places) == 9
    check_against_reference(compile_graph(build.graph(output), CFG))


def test_add_average_pool_rescale_and_groups():
    build = GraphBuilder(4, 11, 11, zero_point=3)
    a, b = build.conv("image", 8, kernel=3, pad=1, groups=2), build.conv("image", 8, groups=4)
    build.tensor("sum", 8, 11, 11), build.tensor("mean", 8, 6, 6), build.tensor("scaled", 8, 6, 6)
    build.nodes += [Add("sum", (a, b), "sum", (127, 3), (-5,), Requantize([10], [1 << 15], [22])),
                    AveragePool("mean", ("sum",), "mean", Window((3, 3), (2, 2), (1, 1, 1, 1)),
                                Requantize([0], [58254], [19])),
                    Rescale("scaled", ("mean",), "scaled", Requantize([5], [40000], [16], low=3, high=200))]
    check_against_reference(compile_graph(build.graph("scaled"), CFG))


def test_channels_are_scaled_by_a_group_each():
    build = GraphBuilder(3, 11, 11, zero_point=3)
    first = build.conv("image", 4)
    output = build.tensor("scaled", 4, 11, 11)
    build.nodes.append(ChannelScale("scaled", (first,), output, [1, -127, 0, 50],
                                    Requantize([0, 40, 9, -7000], [40000] * 4, [15, 22, 15, 20])))
    layer = tiles(lower(build.graph(output), CFG))[1]
    assert layer.groups == 4 and layer.weights.ravel().tolist() == [1, -127, 0, 50] and len(layer.places) == 1
    check_against_reference(compile_graph(build.graph(output), CFG))
    average = build.graph(build.average(output))
    assert tiles(lower(average, CFG))[1].destination is Destination.AVERAGE
    check_against_reference(compile_graph(average, CFG))


def test_selected_channels_come_out_as_they_went_in():
    """Every stored value, whatever the zero point."""
    build = GraphBuilder(3, 16, 16, zero_point=77)
    build.tensors["taken"] = replace(build.tensors["image"], name="taken", channels=4)
    build.nodes.append(Select("taken", ("image",), "taken", [2, 0, 2, 1]))
    compiled = compile_graph(build.graph("taken"), CFG)
    (layer,) = tiles(compiled.program.network)
    assert layer.weights.reshape(4, 3).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    image = np.stack([np.roll(np.arange(256, dtype=np.uint8), 80 * channel).reshape(16, 16) for channel in range(3)])
    frame = Emulator(compiled.cfg, compiled.program.contents).run_frame(image.transpose(1, 2, 0))
    assert np.array_equal(compiled.result.unpack(frame.result), image[[2, 0, 2, 1]])


def test_a_maximum_has_an_operand_in_each_slot():
    build = GraphBuilder(3, 11, 11, zero_point=3)
    a, b = build.conv("image", 4), build.conv("image", 4, kernel=3, pad=1)
    output = build.tensor("larger", 4, 11, 11)
    build.nodes.append(Maximum("larger", (a, b), output))
    layer = tiles(lower(build.graph(output), CFG))[2]
    assert layer.operation is Operation.MAXIMUM and [place.operand for place in layer.places] == [0, 1]
    check_against_reference(compile_graph(build.graph(output), CFG))


def test_a_5x5_kernel_widens_its_input():
    build = GraphBuilder(1, 12, 12)
    network = lower(build.graph(build.conv("image", 2, kernel=5, pad=2)), CFG)
    assert network.maps["image"].rows_per_word(CFG) == 2 and network.maps["conv0"].rows_per_word(CFG) == 4


def refuse(graph, error, message, cfg=CFG):
    with pytest.raises(error) as caught:
        lower(graph, cfg)
    assert re.fullmatch(message, str(caught.value))
    return caught.value


def test_wide_rows_are_refused():
    build = GraphBuilder(1, 8, 57)
    refuse(build.graph(build.conv("image", 1)), CapacityError,
           r"node 'conv0': rows of 57 pixels, the engine has 56 lanes; --banks 8 or a smaller input is needed")


def test_the_width_after_space_to_depth_counts():
    build = GraphBuilder(3, 40, 120)
    refuse(build.graph(build.conv("image", 2, kernel=3, stride=2, pad=1)), CapacityError,
           r"node 'conv0': rows of 60 pixels, the engine has 56 lanes; --banks 8 or a smaller input is needed")


def test_227_columns_are_two_too_many_and_224_are_not():
    """SqueezeNet v1.0 as it was published, on 8 banks: 114 columns of 2 x 2 pixels. The same weights do for 224."""
    def first_layer(size):
        build = GraphBuilder(3, size, size)
        return build.graph(build.pool(build.conv("image", 4, kernel=7, stride=2, name="conv1")))

    eight = replace(CFG, banks=8)
    refuse(first_layer(227), CapacityError,
           "node 'conv1': its image of 227 x 227 takes rows of 114 lanes for 2 x 2 pixels each, the engine has 112; "
           "--banks 16 or an input of at most 224 columns, for which the same convolutions will do, is needed", eight)
    compile_graph(first_layer(227), replace(CFG, banks=16))
    check_against_reference(compile_graph(first_layer(224), eight))


def test_stride_3_and_unequal_strides_are_refused_together():
    build = GraphBuilder(1, 20, 20)
    a = build.conv("image", 1, kernel=3, stride=3, name="three")
    output = build.tensor("pool", 1, 3, 6)
    build.nodes.append(MaxPool("pool", (a,), output, Window((1, 1), (2, 1))))
    problem = refuse(build.graph(output), ModelError, r"node 'three': stride 3; 1, 2, 4, 8, \.\.\. are possible")
    assert [str(other) for other in further(problem)] == [
        "node 'pool': stride 2x1; the same stride for rows and columns is possible"]


def test_wide_kernels_are_refused():
    build = GraphBuilder(1, 20, 20)
    refuse(build.graph(build.conv("image", 1, kernel=7, pad=3, weight=np.ones((1, 1, 7, 7), np.int8))), ModelError,
           r"node 'conv0': reads rows -3\.\.3 and columns -3\.\.3 around a pixel, in rows of 20; a kernel of "
           r"up to 6 rows and 7 columns, padded on all sides, is possible there")
    build = GraphBuilder(1, 20, 20)
    refuse(build.graph(build.conv("image", 1, kernel=9, pad=4, weight=np.ones((1, 1, 9, 9), np.int8))), ModelError,
           r"node 'conv0': kernel of 81 places; at most 64 that have a weight other than zero are possible")


@pytest.mark.parametrize("banks, kernel, hint", [
    (1, 5, "--banks 2 or a kernel of up to 4 rows and 7 columns, padded on all sides, is possible there"),
    (4, 8, "a kernel of up to 6 rows and 7 columns, padded on all sides, is possible there")])
def test_what_is_offered_for_a_kernel_is_possible(banks, kernel, hint):
    cfg = EngineConfig(banks=banks, program_words=1 << 12)
    def graph(size):
        build = GraphBuilder(1, 12, 12)
        weight = np.arange(1, 1 + size * size, dtype=np.int8).reshape(1, 1, size, size)
        return build.graph(build.conv("image", 1, kernel=size, pad=size // 2, weight=weight))
    with pytest.raises(ModelError) as caught:
        lower(graph(kernel), cfg)
    assert caught.value.hint == hint
    rows = int(re.search(r"(\d) rows", hint)[1])
    check_against_reference(compile_graph(graph(rows), cfg))
    if hint.startswith("--banks"):
        check_against_reference(compile_graph(graph(kernel), replace(cfg, banks=2)))


def test_more_channels_than_an_instruction_can_name():
    build = GraphBuilder(1, 3, 3)
    first, second = build.conv("image", 1200), build.conv("image", 1200)
    refuse(build.graph(build.concat(first, second)), CapacityError,
           "node 'output': 2400 channels; at most 2047 are possible")


def test_sums_and_biases_are_proved():
    build = GraphBuilder(300, 4, 4)
    weight = np.full((2, 300, 1, 1), -128, np.int8)
    refuse(build.graph(build.conv("image", 2, weight=weight)), CapacityError,
           r"node 'conv0': sums need 25 bits, the engine's accumulators have 24; an engine with "
           r"--accumulator-bits 25 or smaller weights, with which sums are smaller")
    build = GraphBuilder(1, 4, 4)
    refuse(build.graph(build.conv("image", 2, bias=1 << 23)), CapacityError,
           r"node 'conv0': biases need 25 bits, the engine's accumulators have 24; an engine with "
           r"--accumulator-bits 25 or smaller weights, with which biases are smaller")
    build = GraphBuilder(1, 40, 40)
    refuse(build.graph(build.average(build.conv("image", 2))), CapacityError,
           r"node 'average1': sums of 1600 pixels need 19 bits, the engine has 18; an engine with --average-bits 19 or "
           r"an AveragePool of 2 x 2 with stride 2 before it")


def test_averages_of_averages_do_not_mix():
    build = GraphBuilder(2, 9, 9)
    a = build.conv("image", 3)
    b, c = build.average(build.conv(a, 4)), build.average(a)
    grown = build.conv(build.concat(b, c), 3, kernel=1, pad=1)
    graph = build.graph(build.average(grown))
    assert sum(isinstance(node, GlobalAverage) for node in graph.nodes) == 3
    check_against_reference(compile_graph(graph, CFG))
