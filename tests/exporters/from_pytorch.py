"""PyTorch: `torch.onnx.export`, the legacy exporter (`dynamo=False`) and the one of today (`dynamo=True`)."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

from tests.exporters.recipe import REFUSED, RIGHT, Made, Recipe, hand_over

SIDE, IMAGES, CLASSES = 24, 6, 10
LEGACY, DYNAMO = 17, 18                # opsets at which single operators are exported


class Fire(nn.Module):
    """SqueezeNet's module: 1x1 down, 1x1 and 3x3 up beside each other."""

    def __init__(self, channels: int, squeezed: int, expanded: int):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.left = nn.Conv2d(squeezed, expanded, 1)
        self.right = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.squeeze(x))
        return torch.cat([functional.relu(self.left(x)), functional.relu(self.right(x))], 1)


class Small(nn.Module):
    """A small SqueezeNet with a bypass."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 3, stride=2)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.fires = nn.ModuleList([Fire(32, 8, 16), Fire(32, 8, 16)])
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Conv2d(32, CLASSES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.fires[0](self.pool(functional.relu(self.first(x))))
        x = self.last(self.dropout(x + self.fires[1](x)))
        return torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)


class Net(nn.Module):
    """A convolution, `middle`, and a head; `before` changes the image."""

    def __init__(self, middle: nn.Module | Callable | None = None, head: nn.Module | Callable | None = None,
                 before: nn.Module | Callable | None = None, channels: int = 16, stride: int = 2):
        super().__init__()
        self.before, self.middle, self.head = before, middle, head
        self.first = nn.Conv2d(3, 16, 3, stride=stride, padding=1)
        self.second = nn.Conv2d(channels, 16, 1)
        self.dense = nn.Linear(16, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x if self.before is None else self.before(x))
        x = torch.relu(x) if self.middle is None else self.middle(x)
        x = torch.relu(self.second(x))
        return self.dense(x.mean((2, 3))) if self.head is None else self.head(self, x)


class Normalize(nn.Module):
    """(x - mean) / std, of bytes after x / 255."""

    def __init__(self, *, of_bytes: bool):
        super().__init__()
        self.of_bytes = of_bytes
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.float() / 255 if self.of_bytes else x
        return (x - self.mean) / self.std


class Shuffle(nn.Module):
    """Channel shuffle, as ShuffleNet has it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        return torch.relu(x.reshape(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w))


def seeded(model: Callable[[], nn.Module]) -> nn.Module:
    """The module with random weights, always the same, and running statistics of its batch normalizations."""
    torch.manual_seed(0)
    made = model().eval()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return made


def images(kind: str = "normal", side: int = SIDE) -> np.ndarray:
    """Random images: of a normal distribution, of 0 to 1, bytes, or bytes as floats."""
    rng, shape = np.random.default_rng(1), (IMAGES, 3, side, side)
    match kind:
        case "normal":
            return rng.normal(0, 1, shape).astype(np.float32)
        case "unit":
            return rng.uniform(0, 1, shape).astype(np.float32)
    return rng.integers(0, 256, shape, dtype=np.uint8).astype(np.uint8 if kind == "bytes" else np.float32)


def exported(model: Callable[[], nn.Module], opset: int | None, *, dynamo: bool, kind: str = "normal",
             side: int = SIDE, dtype: torch.dtype | None = None, batch: bool = False, **options: Any) -> Made:
    """What `torch.onnx.export` makes of a module; `dtype`: other floats than float32, `batch`: of any batch."""
    module, pixels = seeded(model), images(kind, side)
    inputs = torch.from_numpy(pixels)
    if dtype is not None:
        module, inputs = module.to(dtype), inputs.to(dtype)
    with torch.no_grad():
        outputs = torch.cat([module(image[None]) for image in inputs]).float().numpy()
    if batch and dynamo:
        options["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
    elif batch:
        options["dynamic_axes"] = {"image": {0: "batch"}, "result": {0: "batch"}}
    example = (inputs[:2 if batch else 1],)
    options = {"opset_version": opset, "input_names": ["image"], "output_names": ["result"], **options}
    if dynamo:
        graph = torch.onnx.export(module, example, dynamo=True, verbose=False, **options).model_proto
        return Made(graph, pixels, outputs)
    file = io.BytesIO()
    torch.onnx.export(module, example, file, dynamo=False, **options)
    return Made(onnx.load_from_string(file.getvalue()), pixels, outputs)


def both(variant: str, model: Callable[[], nn.Module], expect: str = RIGHT, **options: Any) -> list[Recipe]:
    """A recipe for each exporter."""
    return [Recipe(f"{variant}, `dynamo={dynamo}`", partial(exported, model, DYNAMO if dynamo else LEGACY,
                                                           dynamo=dynamo, **options), expect)
            for dynamo in (False, True)]


def _opsets() -> list[Recipe]:
    found = [Recipe(f"small SqueezeNet, `dynamo=False`, opset {opset}", partial(exported, Small, opset, dynamo=False))
             for opset in (9, 11, 13, 15, 17, 19, 20, 21)]
    found += [Recipe(f"small SqueezeNet, `dynamo=True`, opset {opset or 'of its own choice'}",
                     partial(exported, Small, opset, dynamo=True)) for opset in (None, 18, 20, 21, 23)]
    return found


def _middles() -> list[Recipe]:
    """One operator between two convolutions."""
    bn = nn.BatchNorm2d
    found = both("Conv, BatchNorm, ReLU", lambda: Net(nn.Sequential(bn(16), nn.ReLU())))
    found += both("BatchNorm of the image", lambda: Net(before=bn(3)))
    found += both("BatchNorm behind ReLU", lambda: Net(nn.Sequential(nn.ReLU(), bn(16))))
    found += both("ReLU6", lambda: Net(nn.ReLU6()))
    found += both("depthwise convolution", lambda: Net(nn.Sequential(
        nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.ReLU())))
    found += both("dilation 2", lambda: Net(nn.Sequential(
        nn.ReLU(), nn.Conv2d(16, 16, 3, padding=2, dilation=2), nn.ReLU())))
    found += both("7 x 7 with stride 2 and no bias", lambda: Net(nn.Sequential(
        nn.ReLU(), nn.Conv2d(16, 16, 7, stride=2, padding=3, bias=False), nn.ReLU())))
    found += both("5 x 5 with padding", lambda: Net(nn.Sequential(
        nn.ReLU(), nn.Conv2d(16, 16, 5, padding=2), nn.ReLU())))
    found += both("5 x 5 without padding", lambda: Net(nn.Sequential(
        nn.ReLU(), nn.Conv2d(16, 16, 5), nn.ReLU())), REFUSED)
    found += both("groups and a kernel of 1 x 3", lambda: Net(nn.Sequential(
        nn.ReLU(), nn.Conv2d(16, 16, (1, 3), padding=(0, 1), groups=4), nn.ReLU())))
    found += both("MobileNetV2's inverted residual", Inverted)
    found += both("ResNet's block with a stride", Residual)
    found += both("`x.clamp(0, 1)`", lambda: Net(lambda x: x.clamp(0, 1)))
    found += both("`x * 2 - 1`", lambda: Net(lambda x: torch.relu(x) * 2 - 1))
    found += both("MaxPool2d with padding", lambda: Net(nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2, 1))))
    found += both("AvgPool2d", lambda: Net(nn.Sequential(nn.ReLU(), nn.AvgPool2d(2))))
    found += both("MaxPool2d with stride 3", lambda: Net(nn.Sequential(nn.ReLU(), nn.MaxPool2d(3))), REFUSED)
    found += both("ZeroPad2d", lambda: Net(nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(16, 16, 3), nn.ReLU())))
    found += both("map times a parameter by channel", lambda: Net(_Scaled()))
    found += both("channel shuffle", lambda: Net(Shuffle()))
    found += both("`torch.split` of channels, joined in another order", lambda: Net(_swapped))
    found += both("`torch.chunk`, one half through a convolution", lambda: Net(_Halves()))
    found += both("slice `x[:, :8]`", lambda: Net(lambda x: torch.relu(x[:, :8]), channels=8))
    found += both("LeakyReLU", lambda: Net(nn.LeakyReLU(0.1)))
    found += both("PReLU by channel", lambda: Net(nn.PReLU(16)))
    found += both("Hardswish", lambda: Net(nn.Hardswish()), REFUSED)
    found += both("SiLU", lambda: Net(nn.SiLU()), REFUSED)
    found += both("GELU", lambda: Net(nn.GELU()), REFUSED)
    found += both("squeeze and excitation", Excited, REFUSED)
    found += both("GroupNorm", lambda: Net(nn.Sequential(nn.GroupNorm(4, 16), nn.ReLU())), REFUSED)
    found += both("ConvTranspose2d", lambda: Net(nn.Sequential(
        nn.ReLU(), nn.ConvTranspose2d(16, 16, 2, stride=2))), REFUSED)
    found += both("Upsample", lambda: Net(nn.Sequential(nn.ReLU(), nn.Upsample(scale_factor=2))), REFUSED)
    return found


class Inverted(Net):
    """1x1 up, depthwise, 1x1 down, added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(16, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6(),
                                   nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False), nn.BatchNorm2d(32),
                                   nn.ReLU6(), nn.Conv2d(32, 16, 1, bias=False), nn.BatchNorm2d(16))
        self.middle = lambda x: functional.relu6(x) + self.inner(functional.relu6(x))


class Residual(Net):
    """Two 3x3, and a 1x1 with a stride beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(16, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
                                   nn.Conv2d(16, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16))
        self.beside = nn.Sequential(nn.Conv2d(16, 16, 1, 2, bias=False), nn.BatchNorm2d(16))
        self.middle = lambda x: torch.relu(self.inner(torch.relu(x)) + self.beside(torch.relu(x)))


class Excited(Net):
    """A map times a number for each channel that is computed from it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1),
                                   nn.Sigmoid())
        self.middle = lambda x: torch.relu(x) * self.inner(torch.relu(x))


class _Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(16, 1, 1) + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x) * self.scale


class _Halves(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = torch.relu(x).chunk(2, 1)
        return torch.cat([left, torch.relu(self.conv(right))], 1)


def _swapped(x: torch.Tensor) -> torch.Tensor:
    a, b, c = torch.split(torch.relu(x), (4, 4, 8), 1)
    return torch.cat([c, a, b], 1)


def _heads() -> list[Recipe]:
    """What stands at the end."""
    def dense(then: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], nn.Module]:
        return lambda: Net(head=lambda net, x: then(net.dense(x.mean((2, 3)))))

    found = both("`x.mean((2, 3))`, Linear", Net)
    found += both("`x.mean((2, 3), keepdim=True)`, 1x1 convolution", lambda: Net(
        head=lambda net, x: net.second(x.mean((2, 3), keepdim=True)).flatten(1)))
    found += both("`x.mean(3).mean(2)`, Linear", lambda: Net(head=lambda net, x: net.dense(x.mean(3).mean(2))))
    found += both("`adaptive_avg_pool2d`, flatten, Linear", lambda: Net(
        head=lambda net, x: net.dense(functional.adaptive_avg_pool2d(x, 1).flatten(1))))
    found += both("`view(batch, -1)` of a map of 2 x 2, Linear", _Flat)
    found += both("the same of any batch", _Flat, batch=True)
    found += both("`x.amax((2, 3))`, Linear", lambda: Net(head=lambda net, x: net.dense(x.amax((2, 3)))), REFUSED)
    found += both("a map as the result", lambda: Net(head=lambda net, x: x))
    found += both("Dropout before Linear", lambda: Net(
        head=lambda net, x: net.dense(functional.dropout(x.mean((2, 3)), 0.5, net.training))))
    found += both("softmax", dense(lambda x: torch.softmax(x, 1)))
    found += both("log_softmax", dense(lambda x: torch.log_softmax(x, 1)))
    found += both("sigmoid", dense(torch.sigmoid))
    found += both("hardsigmoid", dense(functional.hardsigmoid))
    return found


class _Flat(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.dense = nn.Conv2d(3, 16, 3, stride=2), nn.Linear(16 * 4, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(functional.max_pool2d(torch.relu(self.conv(x)), 3, 2), 3, 2)
        return self.dense(x.view(x.shape[0], -1))


def recipes() -> list[Recipe]:
    """The recipes of this tool."""
    found = _opsets()
    found += both("any batch", Small, batch=True)
    found += both("`model.half()`", Small, dtype=torch.float16)
    found += both("`model.double()`", Small, dtype=torch.float64)
    found += both("`model.bfloat16()`", Small, dtype=torch.bfloat16)
    found += both("mean and standard deviation in the graph", lambda: Net(before=Normalize(of_bytes=False)),
                  kind="unit")
    found += both("`x / 255` in the graph", lambda: Net(before=lambda x: x / 255), kind="floats")
    found += both("bytes, `x.float() / 255`, mean and standard deviation in the graph",
                  lambda: Net(before=Normalize(of_bytes=True)), kind="bytes")
    found += [Recipe("`do_constant_folding=False`, `dynamo=False`",
                     partial(exported, Small, LEGACY, dynamo=False, do_constant_folding=False)),
              Recipe("`keep_initializers_as_inputs=True`, `dynamo=False`",
                     partial(exported, Small, LEGACY, dynamo=False, keep_initializers_as_inputs=True)),
              Recipe("`training=TrainingMode.TRAINING`, `dynamo=False`",
                     partial(exported, Small, LEGACY, dynamo=False, training=torch.onnx.TrainingMode.TRAINING),
                     REFUSED),
              Recipe("`optimize=False`, `dynamo=True`", partial(exported, Small, DYNAMO, dynamo=True, optimize=False))]
    return found + _middles() + _heads()


if __name__ == "__main__":
    hand_over("PyTorch `torch.onnx.export`", torch.__version__.partition("+")[0], recipes())
