"""One ONNX node as an operator's reader sees it: attributes and inputs by kind, or a problem that names the node."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import onnx
from onnx import AttributeProto

from firelane.compiler.ir.graph import PIXEL_MAX, Rescale, Tensor
from firelane.compiler.ir.limits import LAZY_MAX
from firelane.compiler.ir.quantization import ScaleError, rescale_requantize
from firelane.compiler.onnx_import.builder import Builder
from firelane.compiler.onnx_import.reader import is_integer, label, read_constant
from firelane.compiler.onnx_import.values import (
    AnyConstant,
    Broken,
    Constant,
    FloatInput,
    Hosted,
    Known,
    Lazy,
    Map,
    Quantization,
    Real,
    Selected,
    Stored,
    Target,
    Value,
)
from firelane.compiler.support.errors import ModelError

INT8_OFFSET = (PIXEL_MAX + 1) // 2     # the IR stores int8 with this added
Result = TypeVar("Result")


class BrokenInputError(Exception):
    """An input of the node comes from a node with a problem, which has been reported already."""


class NodeView:
    """A node, what its inputs are, and where its results go.

    Parameters
    ----------
    node : onnx.NodeProto
    values : dict
        What every tensor made so far is.
    builder : Builder
        Takes the IR nodes.
    opset : int
        Version of ONNX's own operators.
    """

    def __init__(self, node: onnx.NodeProto, values: dict[str, Value], builder: Builder, opset: int):
        self.node, self.opset = node, opset
        self.values, self.builder = values, builder
        self.name = node.name or next(iter(node.output), "")
        self._attributes = {attribute.name: attribute for attribute in node.attribute}

    @property
    def output(self) -> str:
        """The ONNX name of the node's first output."""
        return self.node.output[0]

    def part_named(self, name: str) -> NodeView:
        """The same view, for IR nodes that are a part of what this node becomes."""
        part = copy(self)
        part.name = f"{self.name}/{name}"
        return part

    def problem(self, found: str, hint: str = "") -> ModelError:
        """An error that names this node."""
        return ModelError(label(self.node), found, hint=hint)

    # attributes

    def integer(self, name: str, default: int) -> int:
        """An attribute of type INT."""
        return self._attribute(name, AttributeProto.INT, "i", default)

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """An attribute of type INTS."""
        return tuple(self._attribute(name, AttributeProto.INTS, "ints", default))

    def number(self, name: str, default: float) -> float:
        """An attribute of type FLOAT."""
        return self._attribute(name, AttributeProto.FLOAT, "f", default)

    def numbers(self, name: str) -> tuple[float, ...]:
        """An attribute of type FLOATS."""
        return tuple(self._attribute(name, AttributeProto.FLOATS, "floats", ()))

    def text(self, name: str, default: str) -> str:
        """An attribute of type STRING."""
        value = self._attribute(name, AttributeProto.STRING, "s", default)
        return value if isinstance(value, str) else value.decode("utf-8", "replace")

    def tensor_attribute(self, name: str) -> np.ndarray | None:
        """An attribute of type TENSOR; None if absent."""
        tensor = self._attribute(name, AttributeProto.TENSOR, "t", None)
        return None if tensor is None else read_constant(tensor)

    def _attribute(self, name: str, kind: int, field: str, default: Any) -> Any:
        attribute = self._attributes.get(name)
        if attribute is None:
            return default
        if attribute.type != kind:
            found = AttributeProto.AttributeType.Name(attribute.type)
            raise self.problem(f"attribute {name} is {found}, not {AttributeProto.AttributeType.Name(kind)}")
        return getattr(attribute, field)

    # inputs

    def has(self, index: int) -> bool:
        """Whether the optional input `index` is there."""
        return index < len(self.node.input) and bool(self.node.input[index])

    def value(self, index: int) -> Known:
        """What input `index` is; anything but `Broken` and `Hosted`. What is `Selected` is written down as a map."""
        if not self.has(index):
            raise self.problem(f"input {index} is missing", "export the model again")
        value = self.values[self.node.input[index]]
        if isinstance(value, Broken):
            raise BrokenInputError
        if isinstance(value, Hosted):
            raise self.problem(f"reads the result of a {value.operator}",
                               f"{value.operator} is possible only at the end of the network")
        return self.written(value) if isinstance(value, Selected) else value

    def any_value(self, index: int) -> Known | Selected | Hosted:
        """The same, but one that the host makes, or one that is `Selected`, will do."""
        value = self.values[self.node.input[index]] if self.has(index) else None
        return value if isinstance(value, Hosted | Selected) else self.value(index)

    def constant(self, index: int, what: str) -> np.ndarray:
        """A constant that has not been through DequantizeLinear."""
        value = self.value(index)
        if not isinstance(value, Constant):
            raise self.problem(f"{what} is not a constant", "only constants are possible there")
        return value.array

    def dequantized(self, index: int) -> Real:
        """A map of real values that were quantized."""
        value = self.value(index)
        if isinstance(value, Real):
            return value
        name = self.node.input[index]
        if isinstance(value, Lazy) and value.exact:
            return self.settled(value, name)
        if isinstance(value, Stored):
            raise self.problem(f"input {name} is quantized and not dequantized again", "a DequantizeLinear must stand "
                               "before this node")
        if isinstance(value, AnyConstant):
            raise self.problem(f"input {name} is a constant", "a feature map is needed there")
        raise self.problem(f"input {name} is not quantized", "quantize the whole network: firelane quantize MODEL "
                           "--calib IMAGES -o QUANTIZED adds what is missing")

    def stored_real(self, index: int) -> Real:
        """Input `index` of a QLinear operator, dequantized with the two inputs that follow it."""
        value = self.value(index)
        quantization, signed = self.quantization(index + 1, index + 2)
        if isinstance(value, Stored) and value.signed != signed:
            raise self.problem("int8 and uint8 are mixed: a zero point is not of the type of its input")
        return self.dequantize(value, quantization)

    def settled(self, value: Lazy, name: str) -> Real:
        """A value that is not quantized, stored with the quantization that suits it."""
        quantization = value.exact or value.natural
        assert quantization is not None, "the caller has looked"
        return Real(value.dims, value.shape, self._stored(value, quantization, name), value.last)

    def real_map(self, index: int) -> Real | Lazy:
        """A map of real values, quantized or about to be."""
        value = self.value(index)
        return value if isinstance(value, Lazy) else self.dequantized(index)

    def deeper(self, *values: Value) -> int:
        """How many lazy values stand one after the other with one more behind `values`."""
        depth = 1 + max((value.depth for value in values if isinstance(value, Lazy)), default=0)
        if depth > LAZY_MAX:
            raise self.problem(f"{depth} pools and concatenations without a quantization between",
                               f"at most {LAZY_MAX} are possible; QuantizeLinear and DequantizeLinear must stand there")
        return depth

    def require_map(self, value: Map) -> tuple[int, int, int]:
        """(channels, height, width) of a value that still has its four dimensions."""
        if value.last:
            raise self.problem(f"input of shape {list(value.shape)} has its channels last",
                               "export with (1, channels, rows, columns) throughout")
        if value.shape != (1, *value.dims):
            raise self.problem(f"input of shape {list(value.shape)}", "a map of four dimensions is needed; Flatten and "
                               "Reshape are possible only before the classifier or at the end")
        return value.dims

    def quantization(self, scale_index: int, zero_point_index: int, *, signed: bool = False
                     ) -> tuple[Quantization, bool]:
        """Scale and zero point of a tensor, from two constant inputs, and whether it is int8.

        `signed` says that where there is no zero point.
        """
        scale, zero_point = self.scale_and_zero_point(scale_index, zero_point_index)
        if scale.size != 1 or (zero_point is not None and zero_point.size != 1):
            raise self.problem(f"{scale.size} scales for an activation", "one per tensor is possible")
        if zero_point is None:
            zero_point = np.zeros(1, np.int8 if signed else np.uint8)
        if zero_point.dtype not in (np.int8, np.uint8):
            raise self.problem(f"activations are {zero_point.dtype}", "int8 and uint8 are possible")
        signed = zero_point.dtype == np.int8
        offset = INT8_OFFSET if signed else 0
        return Quantization(float(scale.item()), int(zero_point.item()) + offset), signed

    def scale_and_zero_point(self, scale_index: int, zero_point_index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """float64 scales, all positive, and integer zero points (None if absent)."""
        scale = self.constant(scale_index, "the scale")
        if scale.dtype.kind != "f":
            raise self.problem(f"the scale is {scale.dtype}", "float32 is needed")
        scale = scale.astype(np.float64)
        if scale.size == 0 or scale.ndim > 1:
            raise self.problem(f"scales of shape {list(scale.shape)}", "one, or one for each channel, is possible")
        positive = np.isfinite(scale) & (scale > 0)
        if not np.all(positive):
            raise self.problem(f"scale {scale[~positive].ravel()[:1]} is not positive", "calibrate the model again")
        zero_point = self.constant(zero_point_index, "the zero point") if self.has(zero_point_index) else None
        if zero_point is not None and not is_integer(zero_point.dtype):
            raise self.problem(f"the zero point is {zero_point.dtype}", "an integer type is needed")
        return scale, zero_point

    # results

    def dequantize(self, value: Value, quantization: Quantization) -> Real:
        """The real values of stored ones."""
        if not isinstance(value, Stored):
            raise self.problem("input is not a quantized tensor")
        tensor = value.tensor
        if tensor is None:
            tensor = self.builder.settle_input(Tensor(self.builder.input, *value.dims, quantization.scale,
                                                      quantization.zero_point))
        if (tensor.scale, tensor.zero_point) != (quantization.scale, quantization.zero_point):
            raise self.problem(f"reads {tensor.name} with scale {quantization.scale:.6g} and zero point "
                               f"{quantization.zero_point}, but it was made with {tensor.scale:.6g} and "
                               f"{tensor.zero_point}", "both must be the same")
        return Real(value.dims, value.shape, tensor, value.last)

    def quantize(self, value: Map, quantization: Quantization, signed: bool, name: str = "") -> Stored:
        """The stored values of real ones, in the tensor of that name, or the one named as this node's output."""
        tensor = self._stored(value, quantization, name or self.output)
        return Stored(value.dims, value.shape, tensor, signed, value.last)

    def _stored(self, value: Map, quantization: Quantization, name: str) -> Tensor:
        """The IR tensor of `value` with that quantization; written once, however often it is asked for."""
        key = (id(value), quantization)
        if key not in self.builder.quantized:
            self.builder.quantized[key] = (value, self._write(value, quantization, name))
        return self.builder.quantized[key][1]

    def part(self, value: Real | Lazy, target: Target) -> Tensor:
        """The tensor of a part of a larger map; written once for each quantization and clamp."""
        key = (id(value), target.quantization, target.low, target.high)
        if key not in self.builder.parts:
            lazy = self.rescaled(value) if isinstance(value, Real) else value
            self.builder.parts[key] = (value, lazy.write(target))
        return self.builder.parts[key][1]

    def _write(self, value: Map, quantization: Quantization, name: str) -> Tensor:
        if isinstance(value, FloatInput):
            tensor = self.builder.settle_input(Tensor(name, *value.dims, quantization.scale, quantization.zero_point))
            if (tensor.scale, tensor.zero_point) != (quantization.scale, quantization.zero_point):
                raise self.problem("quantizes the input with another scale or zero point than "
                                   f"{tensor.name} has", "quantize the input once")
            return tensor
        if isinstance(value, Real):
            value = self.rescaled(value)
        if not isinstance(value, Lazy):
            raise self.problem("its input is quantized already")
        return value.write(Target(name, quantization, 0, PIXEL_MAX))

    def written(self, value: Selected) -> Map:
        """A map of the selected channels, with the node that takes them."""
        whole, dims, shape, last = value.whole, value.dims, value.shape, False
        if len(shape) == 4 and shape != (1, *dims):
            last = shape == (1, *dims[1:], dims[0])
        flat = dims[1:] == (1, 1) and len(shape) <= 4
        if not (flat or last or shape == (1, *dims)):
            raise self.problem(f"an input of shape {list(shape)}: channels in an order of their own",
                               "Reshape or Transpose them to (1, channels, rows, columns) before")
        channels = value.channels.reshape(-1)
        if isinstance(whole, Lazy):
            def emit(target: Target) -> Tensor:
                source = self.part(whole, replace(target, name=f"{target.name}/whole"))
                return self.builder.select(value.name, source, channels, target.name)

            return replace(whole, dims=dims, shape=shape, last=last, emit=emit, with_bias=None, scaled=None,
                           depth=self.deeper(whole))
        if isinstance(whole, FloatInput) or whole.tensor is None:
            raise self.problem("reads channels of the image in another order before they are quantized",
                               "quantize the image first, or give --channels BGR in place of it")
        tensor = self.builder.select(value.name, whole.tensor, channels, value.name)
        if last and tensor.name == value.name:
            self.builder.channels_last.add(tensor.name)
        return replace(whole, dims=dims, shape=shape, last=last, tensor=tensor)

    def rescaled(self, value: Real) -> Lazy:
        """The same real values, to be stored with another quantization."""
        source = value.tensor

        def emit(target: Target) -> Tensor:
            requantize = self.exact(rescale_requantize, source.scale, source.zero_point, target.quantization.scale,
                                    **target.integers)
            tensor = self.builder.tensor(target, source.shape)
            return self.builder.add(Rescale(f"{self.name}/rescale", (source.name,), tensor.name, requantize), tensor)

        return Lazy(value.dims, value.shape, emit, last=value.last)

    def exact(self, function: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
        """`function(...)` of `compiler.ir.quantization`, its refusal as a problem of this node."""
        try:
            return function(*arguments, **options)
        except ScaleError as error:
            raise self.problem(str(error), "calibrate the model again") from None
