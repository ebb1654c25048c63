"""The published SqueezeNets as layer tables.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", arXiv 1602.07360:
section 3 (architecture, table 1), section 5 (the family of metaparameters), section 6 (bypass). v1.1 is the authors'
later revision, from the prototxt of github.com/forresti/SqueezeNet. Every convolution is followed by ReLU, except those
on a bypass; every pooling is a 3x3 maximum with stride 2 and Caffe's ceil mode; the last fire module is followed by
dropout, conv10 by global average and softmax.

`models.squeezenet_graph` makes ONNX graphs of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import inf

from firelane.compiler.support.errors import ConfigError

__all__ = ["Bypass", "ConvSpec", "FireSpec", "FireFamily", "PoolSpec", "NETWORKS", "Architecture"]

CLASSES = 1000
POOL_KERNEL, POOL_STRIDE = 3, 2


class Bypass(Enum):
    """Section 6 of the paper."""

    NONE = "none"
    SIMPLE = "simple"           # the input of a fire module is added where the channel counts agree
    COMPLEX = "complex"         # and through a 1x1 convolution where they do not


@dataclass(frozen=True)
class ConvSpec:
    """A square convolution; `relu` follows it."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    pad: int = 0
    relu: bool = True

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """OIHW."""
        return (self.outputs, self.inputs, self.kernel, self.kernel)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.outputs * (self.inputs * self.kernel ** 2 + 1)

    def side(self, side: int) -> int:
        """Rows of the output from rows of the input."""
        return (side + 2 * self.pad - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class PoolSpec:
    """3x3 maximum, stride 2; the last window may hang over the edge (ceil mode)."""

    name: str

    def side(self, side: int) -> int:
        """Rows of the output from rows of the input."""
        return -(-(side - POOL_KERNEL) // POOL_STRIDE) + 1


@dataclass(frozen=True)
class FireSpec:
    """Squeeze by 1x1 filters, expand by 1x1 and 3x3 filters side by side (section 3.2)."""

    name: str
    inputs: int
    squeeze: int
    expand1x1: int
    expand3x3: int

    @property
    def outputs(self) -> int:
        return self.expand1x1 + self.expand3x3

    @property
    def convolutions(self) -> tuple[ConvSpec, ConvSpec, ConvSpec]:
        return (ConvSpec(f"{self.name}/squeeze1x1", self.inputs, self.squeeze, 1),
                ConvSpec(f"{self.name}/expand1x1", self.squeeze, self.expand1x1, 1),
                ConvSpec(f"{self.name}/expand3x3", self.squeeze, self.expand3x3, 3, pad=1))

    def bypass(self, kind: Bypass) -> ConvSpec | bool:
        """The convolution on the way around this module; True: none is needed; False: there is no such way."""
        if kind is not Bypass.NONE and self.inputs == self.outputs:
            return True
        return kind is Bypass.COMPLEX and ConvSpec(f"{self.name}/bypass1x1", self.inputs, self.outputs, 1, relu=False)


@dataclass(frozen=True)
class Architecture:
    """conv1, then fire modules and pools in order, then conv10."""

    name: str
    conv1: ConvSpec
    body: tuple[FireSpec | PoolSpec, ...]
    conv10: ConvSpec
    bypass: Bypass = Bypass.NONE

    @property
    def convolutions(self) -> tuple[ConvSpec, ...]:
        """All of them in the order of execution; a bypass comes after its module."""
        found = [self.conv1]
        for layer in self.body:
            if isinstance(layer, FireSpec):
                found += layer.convolutions
                around = layer.bypass(self.bypass)
                found += [around] if isinstance(around, ConvSpec) else []
        return (*found, self.conv10)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(conv.parameters for conv in self.convolutions)

    def sides(self, input_size: int) -> dict[str, int]:
        """Rows of the map that each convolution of conv1 and conv10, each pool and each fire module makes.

        Raises
        ------
        ConfigError
            If the image is too small for them.
        """
        sides, side = {}, input_size
        for layer in (self.conv1, *self.body, self.conv10):
            needed = layer.kernel if isinstance(layer, ConvSpec) else POOL_KERNEL if isinstance(layer, PoolSpec) else 1
            if side < needed:
                raise ConfigError("input size",
                                  f"{input_size} is too small for {self.name}: {layer.name} sees a {side} x {side} map",
                                  hint=f"{needed} are needed there; the published size is 224")
            side = layer.side(side) if not isinstance(layer, FireSpec) else side
            sides[layer.name] = side
        return sides


@dataclass(frozen=True, kw_only=True)
class FireFamily:
    """Metaparameters of section 5.1; fire module i = 0, 1, ... has base_e + incr_e * floor(i / freq) expand filters.

    Parameters
    ----------
    base_e, incr_e, freq : int
    squeeze_ratio : float
        SR: squeeze filters per expand filter.
    pct_3x3 : float
        Share of the expand filters that are 3x3, strictly between 0 and 1.
    modules : int
        Fire modules; the first is called fire2.
    """

    base_e: int = 128
    incr_e: int = 128
    freq: int = 2
    squeeze_ratio: float = 0.125
    pct_3x3: float = 0.5
    modules: int = 8

    def __post_init__(self):
        for name, least in (("base_e", 1), ("incr_e", 0), ("freq", 1), ("modules", 1)):
            if not getattr(self, name) >= least:
                raise ConfigError("fire family", f"{name} is {getattr(self, name)}", hint=f"at least {least}")
        if not 0 < self.squeeze_ratio < inf:
            raise ConfigError("fire family", f"squeeze_ratio is {self.squeeze_ratio:g}", hint="above 0, e.g. 0.125")
        if not 0 < self.pct_3x3 < 1:
            raise ConfigError("fire family", f"pct_3x3 is {self.pct_3x3:g}", hint="above 0 and below 1, e.g. 0.5")
        for module in range(self.modules):
            squeeze, expand1x1, expand3x3 = self.filters(module)
            if min(squeeze, expand1x1, expand3x3) < 1:
                raise ConfigError("fire family", f"module {module} would have {squeeze} squeeze filters, {expand1x1} "
                                  f"of 1x1 and {expand3x3} of 3x3", hint="one of each at least")

    def filters(self, module: int) -> tuple[int, int, int]:
        """Squeeze, expand 1x1 and expand 3x3 filters of module `module` = 0, 1, ..."""
        expand = self.base_e + self.incr_e * (module // self.freq)
        expand3x3 = round(expand * self.pct_3x3)
        return round(expand * self.squeeze_ratio), expand - expand3x3, expand3x3

    def network(self, name: str, *, conv1: ConvSpec, pools_after: tuple[str, ...], conv10_pad: int = 0,
                classes: int = CLASSES) -> Architecture:
        """The member of the family with this first layer, and a pool after each layer named in `pools_after`."""
        body: list[FireSpec | PoolSpec] = []
        channels = conv1.outputs
        if conv1.name in pools_after:
            body.append(PoolSpec("pool1"))
        for module in range(self.modules):
            fire = FireSpec(f"fire{module + 2}", channels, *self.filters(module))
            body.append(fire)
            channels = fire.outputs
            if fire.name in pools_after:
                body.append(PoolSpec(f"pool{module + 2}"))
        return Architecture(name, conv1, tuple(body), ConvSpec("conv10", channels, classes, 1, pad=conv10_pad))


def _published() -> dict[str, Architecture]:
    early, late = ("conv1", "fire3", "fire5"), ("conv1", "fire4", "fire8")
    stem = ConvSpec("conv1", 3, 96, 7, stride=2)
    caffe = FireFamily().network("squeezenet1.0", conv1=stem, pools_after=late, conv10_pad=1)
    torchvision = replace(caffe, name="squeezenet1.0-torchvision", conv10=replace(caffe.conv10, pad=0))
    revised = FireFamily().network("squeezenet1.1", conv1=ConvSpec("conv1", 3, 64, 3, stride=2), pools_after=early)
    bypassed = [replace(caffe, name=f"squeezenet1.0-{kind.value}-bypass", bypass=kind)
                for kind in (Bypass.SIMPLE, Bypass.COMPLEX)]
    return {network.name: network for network in (caffe, torchvision, revised, *bypassed)}


NETWORKS = _published()
