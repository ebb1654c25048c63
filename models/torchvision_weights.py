"""State dicts of torchvision's SqueezeNets, as `torch.save` writes them and as they are published, to float ONNX.

    squeezenet1_0-b66bff10.pth, squeezenet1_1-b8a52dc0.pth, or one of a network that was trained with it

Names are `features.N.weight`, `features.N.squeeze.weight`, ... in the order of the layers, and `classifier.1.weight`;
which network it is, conv1 tells. How images become its input is torchvision's own preset.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from firelane.compiler.frame_io.preprocessing import record_preprocessing
from firelane.compiler.frame_io.presets import preset_record
from firelane.compiler.support.errors import ModelError
from firelane.compiler.support.files import read_file
from firelane.models.squeezenet import NETWORKS, Architecture, FireSpec
from firelane.models.squeezenet_graph import float_onnx

FILE_BYTES = 1 << 28
HINT = "the state dict of torchvision's squeezenet1_0 or squeezenet1_1 is wanted: torch.save(model.state_dict(), FILE)"
NETWORK_NAMES = ("squeezenet1.0-torchvision", "squeezenet1.1")
PARTS = {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}     # ours: torchvision's
FIRST = re.compile(r"features\.(\d+)\.squeeze\.weight")


def read_state_dict(path: Path, input_size: int) -> onnx.ModelProto:
    """The float network with the weights of a file, for images of so many rows and columns.

    Raises
    ------
    FirelaneError
        If the file cannot be read or is something else, or the images are too small.
    """
    found = _tensors(path)
    network = _network(path, found)
    numbers = sorted(int(match[1]) for name in found if (match := FIRST.fullmatch(name)))
    fires = [layer for layer in network.body if isinstance(layer, FireSpec)]
    prefixes = {network.conv1.name: "features.0", network.conv10.name: "classifier.1"}
    if len(numbers) != len(fires):
        raise ModelError(str(path), f"has {len(numbers)} fire modules, {network.name} has {len(fires)}", hint=HINT)
    for fire, number in zip(fires, numbers):
        prefixes |= {conv.name: f"features.{number}.{PARTS[conv.name.removeprefix(f'{fire.name}/')]}"
                     for conv in fire.convolutions}
    weights, biases = ({name: _taken(path, found, f"{prefix}.{kind}") for name, prefix in prefixes.items()}
                       for kind in ("weight", "bias"))
    for conv in network.convolutions:
        if weights[conv.name].shape != conv.weight_shape or biases[conv.name].shape != (conv.outputs,):
            raise ModelError(str(path), f"{prefixes[conv.name]} has weights of shape {weights[conv.name].shape}",
                             hint=f"{network.name} has {conv.weight_shape} there")
    model = float_onnx(network, weights, biases, input_size=input_size)
    return record_preprocessing(model, preset_record("torchvision", (3, input_size, input_size)))


def _tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of the file; nothing else in it is made, let alone run."""
    try:
        content = read_file(path, FILE_BYTES)
    except OSError as error:
        raise ModelError(str(path), error.strerror or "cannot be read", hint=HINT) from None
    try:
        state: Any = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:       # torch and pickle have classes of their own for each kind of failure
        raise ModelError(str(path), "not a file of tensors alone, or a damaged one", hint=HINT) from None
    if not isinstance(state, Mapping):
        raise ModelError(str(path), f"holds a {type(state).__name__}", hint=HINT)
    return {str(name): value.detach().float().numpy() for name, value in state.items() if torch.is_tensor(value)}


def _network(path: Path, found: Mapping[str, np.ndarray]) -> Architecture:
    """The layers, with as many classes as there are weights for."""
    first, last = _taken(path, found, "features.0.weight"), _taken(path, found, "classifier.1.weight")
    for name in NETWORK_NAMES:
        if first.shape == NETWORKS[name].conv1.weight_shape:
            return replace(NETWORKS[name], conv10=replace(NETWORKS[name].conv10, outputs=len(last)))
    raise ModelError(str(path), f"features.0.weight has shape {first.shape}", hint=HINT)


def _taken(path: Path, found: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in found:
        raise ModelError(str(path), f"has no {name}", hint=HINT)
    if not np.all(np.isfinite(found[name])):
        raise ModelError(str(path), f"{name} has values that are not finite", hint="the file is damaged")
    return found[name]
