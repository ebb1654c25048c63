"""Float networks of the SqueezeNet family that are small enough to be quantized in a test."""

import onnx

from firelane.compiler.frame_io.preprocessing import INPUT_KEY, Preprocessing
from firelane.models.squeezenet import Bypass, ConvSpec, FireFamily
from firelane.models.squeezenet_graph import build

SIDE = 33


def small_model(*, seed: int = 0, bypass: Bypass = Bypass.NONE, density: float = 0.4, pad: int = 0,
                record: Preprocessing | None = None) -> onnx.ModelProto:
    """33 x 33 pixels, 10 classes, two fire modules; `record` replaces what it says about its input."""
    conv1 = ConvSpec("conv1", 3, 8, 3, stride=2, pad=pad)
    network = FireFamily(base_e=8, incr_e=8, freq=1, squeeze_ratio=0.5, modules=2).network(
        "small", conv1=conv1, pools_after=("conv1", "fire3"), conv10_pad=1, classes=10)
    network = type(network)(network.name, network.conv1, network.body, network.conv10, bypass)
    densities = {conv.name: density for conv in network.convolutions}
    model = build(network, input_size=SIDE, seed=seed, densities=densities)
    if record is not None:
        onnx.helper.set_model_props(model, {INPUT_KEY: record.to_json()})
    return model


def without_record(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same, saying nothing about its input."""
    del model.metadata_props[:]
    return model
