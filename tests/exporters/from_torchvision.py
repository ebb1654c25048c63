"""torchvision's networks, straight from `torch.onnx.export`; 10 classes and small images, so that it is quick."""

from __future__ import annotations

from functools import partial

import torchvision
from torch import nn

from tests.exporters.from_pytorch import CLASSES, DYNAMO, LEGACY, exported
from tests.exporters.recipe import Recipe, hand_over

SIDE = 64


def _network(name: str) -> nn.Module:
    return torchvision.models.get_model(name, weights=None, num_classes=CLASSES)


def recipes() -> list[Recipe]:
    """The recipes of this tool."""
    return [Recipe(f"`{name}`, `dynamo={dynamo}`, opset {opset or 'of its own choice'}",
                   partial(exported, partial(_network, name), opset, dynamo=dynamo, side=SIDE))
            for name in ("squeezenet1_0", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5")
            for dynamo, opset in ((False, LEGACY), (True, None), (True, DYNAMO))]


if __name__ == "__main__":
    hand_over("torchvision, by `torch.onnx.export`", torchvision.__version__.partition("+")[0], recipes())
