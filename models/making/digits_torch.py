"""Training, pruning and weight grids for the digit SqueezeNets. The only module here that imports torch.

One run has three phases, each a span of epochs (see `TrainingPlan`):

    dense      all weights free
    pruning    a growing share of the smallest weights of each layer is fixed at zero
    grid       the mask is fixed and every output channel's weights are rounded to 31 levels, -15..15 times
               (largest magnitude / 15), with straight-through gradients

so that after int8 quantization with scale = (largest magnitude / 127) a layer has at most 31 distinct values.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from firelane.models.digits import to_network_input
from firelane.models.drawn_digits import CLASSES, Digits
from firelane.models.making.digits_net import Pool, convolutions, walk
from firelane.models.squeezenet import ConvSpec

__all__ = ["DigitNet", "GRID_LEVEL_MAX", "TrainingPlan", "train"]

GRID_LEVEL_MAX = 15        # levels -15..15: 31 distinct weights
_PIXEL_MAX = 255.0         # the network trains on 0..1 and is exported for 0..255
_LABEL_SMOOTHING = 0.05
_WEIGHT_DECAY = 1e-4


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Lengths of the phases, and how sparse the result is.

    Parameters
    ----------
    dense_epochs, pruning_epochs, grid_epochs : int
        Lengths of the phases.
    density_3x3, density_1x1 : float
        Share of weights kept in each 3x3 and each 1x1 layer; conv1 stays dense.
    batch : int
        Images per step.
    peak_rate : float
        Largest learning rate; the grid phase begins at a third of it.
    seed : int
        Seed of the initial weights, the order of images and their augmentation.
    """

    dense_epochs: int = 40
    pruning_epochs: int = 40
    grid_epochs: int = 60
    density_3x3: float = 0.33
    density_1x1: float = 0.40
    batch: int = 48
    peak_rate: float = 3e-3
    seed: int = 1

    @property
    def epochs(self) -> int:
        return self.dense_epochs + self.pruning_epochs + self.grid_epochs

    def density(self, conv: ConvSpec, epoch: int) -> float:
        """Share of weights of `conv` that may be non-zero in `epoch`; falls with the cube, as is usual."""
        if conv.inputs == 1:
            return 1.0
        final = self.density_3x3 if conv.kernel == 3 else self.density_1x1
        progress = (epoch - self.dense_epochs + 1) / max(self.pruning_epochs, 1)
        return final + (1.0 - final) * (1.0 - min(max(progress, 0.0), 1.0)) ** 3

    def uses_grid(self, epoch: int) -> bool:
        return epoch >= self.dense_epochs + self.pruning_epochs


class _Round(torch.autograd.Function):
    """Round to the nearest integer; the gradient passes unchanged (straight-through)."""

    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad):
        return grad


class DigitNet(torch.nn.Module):
    """The network of `digits_net.walk`, with a mask and an optional grid on every weight.

    Input float (N, 1, 56, 56) in pixel units 0..255; output class scores (N, 10).
    """

    def __init__(self, *, bypass: bool):
        super().__init__()
        self._bypass = bypass
        self.use_grid = False
        self.weights: dict[str, torch.nn.Parameter] = {}
        self.biases: dict[str, torch.nn.Parameter] = {}
        self.masks: dict[str, torch.Tensor] = {}
        for conv in convolutions():
            self._add_parameters(conv)

    def _add_parameters(self, conv: ConvSpec) -> None:
        weight = torch.empty(conv.weight_shape)
        torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
        if conv.outputs == CLASSES:
            weight.mul_(0.3)       # small scores at first: behind a ReLU, large negative ones would never recover
        self.weights[conv.name] = torch.nn.Parameter(weight)
        bias = torch.full((conv.outputs,), 0.5 if conv.outputs == CLASSES else 0.0)
        self.biases[conv.name] = torch.nn.Parameter(bias)
        self.masks[conv.name] = torch.ones_like(weight)
        self.register_parameter(conv.name.replace("/", "_") + "_weight", self.weights[conv.name])
        self.register_parameter(conv.name.replace("/", "_") + "_bias", self.biases[conv.name])

    def effective_weight(self, name: str) -> torch.Tensor:
        """The weight as the network uses it: masked, and on the grid when that is in use."""
        weight = self.weights[name] * self.masks[name]
        if not self.use_grid:
            return weight
        step = weight.detach().abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-8) / GRID_LEVEL_MAX
        return _Round.apply(weight / step) * step

    def prune(self, plan: TrainingPlan, epoch: int) -> None:
        """Keep the largest magnitudes of each layer, as many as the plan allows in this epoch."""
        for conv in convolutions():
            magnitude = self.weights[conv.name].detach().abs().flatten()
            keep = max(1, round(plan.density(conv, epoch) * magnitude.numel()))
            mask = torch.zeros_like(magnitude)
            mask[magnitude.topk(keep).indices] = 1.0
            self.masks[conv.name] = mask.reshape(conv.weight_shape)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return walk(self, pixels / _PIXEL_MAX, bypass=self._bypass)

    def conv_relu(self, conv: ConvSpec, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.effective_weight(conv.name), self.biases[conv.name]
        return F.relu(F.conv2d(x, weight, bias, stride=conv.stride, padding=conv.pad))

    def max_pool(self, pool: Pool, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(x, 3, stride=2, ceil_mode=pool.ceil_mode)

    def concat(self, name: str, parts: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return torch.cat(parts, dim=1)

    def add(self, name: str, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b

    def dropout(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, 0.3, training=self.training)

    def global_average(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))

    def exported(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Weights and biases for `float_onnx`; the division by 255 is folded into conv1."""
        weights = {c.name: self.effective_weight(c.name).detach().numpy() for c in convolutions()}
        weights["conv1"] = weights["conv1"] / np.float32(_PIXEL_MAX)
        return weights, {name: bias.detach().numpy() for name, bias in self.biases.items()}


def _augment(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Turn, scale, shear and shift each image a little; the background is 0."""
    count = len(pixels)

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle, shear = uniform(0.22), uniform(0.15)
    scale_x, scale_y = 1 + uniform(0.12), 1 + uniform(0.12)
    row_x = torch.stack([torch.cos(angle) * scale_x, -torch.sin(angle) + shear, uniform(0.14)], dim=1)
    row_y = torch.stack([torch.sin(angle), torch.cos(angle) * scale_y, uniform(0.10)], dim=1)
    grid = F.affine_grid(torch.stack([row_x, row_y], dim=1), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _rate(plan: TrainingPlan, epoch: float) -> float:
    """Warm up, fall by a half cosine; the grid phase starts again at a third of the peak."""
    first = plan.dense_epochs + plan.pruning_epochs
    if epoch < first:
        warm = min(1.0, (epoch + 0.1) / 2.0)
        return plan.peak_rate * warm * (0.15 + 0.85 * 0.5 * (1 + np.cos(np.pi * epoch / first)))
    progress = (epoch - first) / max(plan.grid_epochs, 1)
    return plan.peak_rate / 3 * 0.5 * (1 + np.cos(np.pi * progress))


def train(data: Digits, plan: TrainingPlan, *, bypass: bool, progress: Callable[[str], None] = print) -> DigitNet:
    """Train one variant on `data`; the same seed and torch version give the same network."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(plan.seed)
    pixels, labels = torch.from_numpy(to_network_input(data.images)), torch.from_numpy(data.labels.copy())
    net = DigitNet(bypass=bypass).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=plan.peak_rate, weight_decay=_WEIGHT_DECAY)
    for epoch in range(plan.epochs):
        net.use_grid = plan.uses_grid(epoch)
        if not net.use_grid:
            net.prune(plan, epoch)
        order, losses = torch.randperm(len(labels), generator=generator), []
        for start in range(0, len(order), plan.batch):
            chosen = order[start:start + plan.batch]
            for group in optimizer.param_groups:
                group["lr"] = _rate(plan, epoch + start / len(order))
            losses.append(_step(net, optimizer, _augment(pixels[chosen], generator), labels[chosen]))
        progress(f"epoch {epoch + 1}/{plan.epochs}: loss {np.mean(losses):.4f}")
    return net.eval()


def _step(net: DigitNet, optimizer: torch.optim.Optimizer, pixels: torch.Tensor, labels: torch.Tensor) -> float:
    optimizer.zero_grad()
    loss = F.cross_entropy(net(pixels), labels, label_smoothing=_LABEL_SMOOTHING)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimizer.step()
    return loss.item()
