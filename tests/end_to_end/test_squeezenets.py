"""Whole SqueezeNets of every published kind, at a small size and in a small memory: reference == emulator.

All layers, all channels, the published densities; 56 x 56 pixels. And v1.1 at its full size, as Caffe2 exported it.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from firelane.cli.main import main
from firelane.compiler.compile import compile_graph, compile_model
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from firelane.models.squeezenet import NETWORKS, ConvSpec, FireFamily
from firelane.models.squeezenet_graph import build
from firelane.models.squeezenet_weights import DEEP_COMPRESSION_DENSITIES
from firelane.sim import reference
from firelane.sim.emulator import Emulator
from tests.end_to_end.test_reference_equals_emulator import check
from tests.quantized_file import quantize_file

SIDE = 56
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light/light_squeezenet.onnx"
CFG = EngineConfig(banks=4, weight_words=1 << 18, program_words=1 << 14, value_symbols=4096,
                   run_symbols=4096, average_channels=400)
MEMBER = FireFamily(base_e=32, incr_e=24, freq=3, squeeze_ratio=0.25, pct_3x3=0.3).network(
    "member", conv1=ConvSpec("conv1", 3, 24, 5, stride=2, pad=2), pools_after=("conv1", "fire4", "fire7"), conv10_pad=2,
    classes=77)


def quantized(network, folder: Path):
    """The graph of a network with random weights, calibrated with noise."""
    densities = {conv.name: DEEP_COMPRESSION_DENSITIES.get(conv.name, 0.3) for conv in network.convolutions}
    onnx.save(build(network, input_size=SIDE, seed=1, densities=densities), folder / "float.onnx")
    np.save(folder / "noise.npy", np.random.default_rng(2).integers(0, 256, (2, 3, SIDE, SIDE), dtype=np.uint8))
    quantize_file(folder / "float.onnx", folder / "noise.npy", folder / "quantized.onnx")
    return load_graph(folder / "quantized.onnx")


@pytest.mark.parametrize("network, words", [
    (NETWORKS["squeezenet1.0"], 750), (NETWORKS["squeezenet1.0-torchvision"], 864), (NETWORKS["squeezenet1.1"], 577),
    (NETWORKS["squeezenet1.0-simple-bypass"], 936), (NETWORKS["squeezenet1.0-complex-bypass"], 1562), (MEMBER, 143)],
    ids=lambda value: getattr(value, "name", None))
def test_small_in_a_small_memory(network, words, tmp_path):
    """Networks fit in about three quarters of the words that the order from end to end needs: whole maps, or chunks."""
    graph = quantized(network, tmp_path)
    compiled = compile_graph(graph, replace(CFG, activation_words=words))
    assert compiled.plan.whole or compiled.plan.network.chunks
    check(compiled, np.random.default_rng(3).integers(0, 256, graph.tensors[graph.input].shape, dtype=np.uint8))


@pytest.mark.skipif(not LIGHT.exists(), reason="this onnx package comes without light_squeezenet.onnx")
def test_the_graph_of_an_old_exporter(tmp_path, capsys):
    """Opset 9; weights are made by ConstantOfShape (all 0.02) and listed as inputs; no Flatten before the Softmax.

    Through the commands, at 224 x 224. Weights of +127 everywhere take wider accumulators than pruned ones.
    """
    image = np.random.default_rng(1).integers(0, 256, (1, 3, 224, 224), dtype=np.uint8)
    np.save(tmp_path / "image.npy", image)
    model = tmp_path / "light.onnx"
    assert main(["quantize", str(LIGHT), "--calib", str(tmp_path / "image.npy"), "-o", str(model), "--channels", "BGR",
                 "--mean", "104,117,123", "--scale", "1", "--resize", "256"]) == 0
    options = ["--weight-words", "40000", "--program-words", "4096"]
    assert main(["compile", str(model), "-o", str(tmp_path / "out"), *options]) == 2
    assert "an engine with --accumulator-bits 26" in capsys.readouterr().err
    assert main(["compile", str(model), "-o", str(tmp_path / "out"), *options, "--accumulator-bits", "26"]) == 0
    cfg = EngineConfig(weight_words=40000, program_words=4096, accumulator_bits=26)
    with pytest.raises(CapacityError):
        compile_model(model, replace(cfg, accumulator_bits=25))
    compiled = compile_model(model, cfg)
    graph = compiled.graph
    frame = Emulator(cfg, compiled.program.contents).run_frame(image[0].transpose(1, 2, 0))
    assert frame.result == compiled.result.pack(reference.run(graph, image[0])[graph.output])
