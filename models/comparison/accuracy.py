"""Top-1 of ImageNet that others published, of dense networks in floating point, and where.

Only figures that were found at their source are here: a network that nobody published has none. All are of images of
224 x 224 pixels (AlexNet: 227), one crop each.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PUBLISHED", "PublishedAccuracy"]


@dataclass(frozen=True)
class PublishedAccuracy:
    """Percent of the images whose first class is right, and the source, as Markdown."""

    top1: float
    source: str


SQUEEZENET = "[arXiv 1602.07360](https://arxiv.org/abs/1602.07360), table 2"
MOBILENET_V1 = "[arXiv 1704.04861](https://arxiv.org/abs/1704.04861), table 6"
MOBILENET_V2 = ("[the authors' README](https://github.com/tensorflow/models/tree/master/research/slim/nets/mobilenet)"
                ", checkpoints")
SHUFFLENET = "[the authors' README](https://github.com/megvii-model/ShuffleNet-Series), ShuffleNetV{}: {} % wrong"
IMGCLSMOB = "[osmr/imgclsmob](https://github.com/osmr/imgclsmob/tree/master/pytorch), trained again: {} % wrong"
TORCHVISION = "[torchvision](https://pytorch.org/vision/stable/models/generated/torchvision.models.{}.html), {}"

PUBLISHED = {
    "squeezenet1.0": PublishedAccuracy(57.5, SQUEEZENET),
    "squeezenet1.1": PublishedAccuracy(58.2, TORCHVISION.format("squeezenet1_1", "58.178")),
    "mobilenet_v1_0.25": PublishedAccuracy(50.6, MOBILENET_V1),
    "mobilenet_v1_0.5": PublishedAccuracy(63.7, MOBILENET_V1),
    "mobilenet_v1_0.75": PublishedAccuracy(68.4, MOBILENET_V1),
    "mobilenet_v1_1.0": PublishedAccuracy(70.6, MOBILENET_V1),
    "mobilenet_v2_0.5": PublishedAccuracy(65.4, MOBILENET_V2),
    "mobilenet_v2_0.75": PublishedAccuracy(69.8, MOBILENET_V2),
    "mobilenet_v2_1.0": PublishedAccuracy(71.8, MOBILENET_V2),
    "shufflenet_v1_0.25": PublishedAccuracy(38.3, IMGCLSMOB.format("61.74")),
    "shufflenet_v1_0.5": PublishedAccuracy(57.3, SHUFFLENET.format(1, "42.7")),
    "shufflenet_v1_1.0": PublishedAccuracy(67.8, SHUFFLENET.format(1, "32.2")),
    "shufflenet_v2_0.5": PublishedAccuracy(61.1, SHUFFLENET.format(2, "38.9")),
    "shufflenet_v2_1.0": PublishedAccuracy(69.4, SHUFFLENET.format(2, "30.6")),
    "resnet18": PublishedAccuracy(69.8, TORCHVISION.format("resnet18", "69.758")),
    "squeezenext_1.0": PublishedAccuracy(59.05, "[arXiv 1803.10615](https://arxiv.org/abs/1803.10615), 1.0-SqNxt-23"),
    "alexnet": PublishedAccuracy(57.2, SQUEEZENET),
}
