"""Operators without weights that work on real values: activations, pools, Add and Concat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from firelane.compiler.ir.graph import PIXEL_MAX, Add, AveragePool, Concat, GlobalAverage, MaxPool, Tensor, Window
from firelane.compiler.ir.limits import size_problem
from firelane.compiler.ir.quantization import add_requantize, average_requantize
from firelane.compiler.onnx_import import selection, stored
from firelane.compiler.onnx_import.channel_scale import plus_constant, quantized
from firelane.compiler.onnx_import.node_view import NodeView
from firelane.compiler.onnx_import.values import AnyConstant, Lazy, Quantization, Real, Stored, Target, Value
from firelane.compiler.onnx_import.windows import ceil_sizes, read_window, resolve_window


def relu(view: NodeView) -> Value:
    """ONNX Relu: max(x, 0)."""
    value = view.value(0)
    if isinstance(value, Stored):
        return stored.clamped(view, value, 0, math.inf)
    return clamped(view, 0.0, math.inf)


def clip(view: NodeView) -> Value:
    """ONNX Clip: min(max(x, low), high); the bounds are attributes before opset 11, then inputs."""
    low, high = view.number("min", -math.inf), view.number("max", math.inf)
    bounds = [low, high]
    for index in (1, 2):
        if view.has(index):
            bound = view.value(index)
            if not isinstance(bound, AnyConstant) or math.prod(bound.shape) != 1:
                raise view.problem("its bounds are not constant numbers", "only constants are possible there")
            bounds[index - 1] = float(bound.real().item())
    if math.isnan(sum(bounds)) or bounds[0] > bounds[1]:
        raise view.problem(f"bounds {bounds[0]} and {bounds[1]}", "the lower one must not be above the other")
    value = view.value(0)
    if isinstance(value, Stored):
        return stored.clamped(view, value, *bounds)
    return clamped(view, bounds[0], bounds[1])


def clamped(view: NodeView, low: float, high: float, index: int = 0) -> Lazy:
    """Input `index` of the node, clamped: part of the requantization of whatever computes it."""
    value, exact = view.real_map(index), None
    if isinstance(value, Real):
        if low in (0.0, -math.inf) and high == math.inf:         # zero is always a stored value
            exact = Quantization(value.tensor.scale, value.tensor.zero_point)
        value = view.rescaled(value)
    return replace(value, low=min(max(value.low, low), high), high=min(max(value.high, low), high), exact=exact,
                   natural=None, with_bias=None, scaled=None)


def max_pool(view: NodeView) -> Value:
    """A maximum, which commutes with rounding: on stored values, or on a convolution's that nothing has rounded yet."""
    window = read_window(view, ())
    if len(view.node.output) > 1 and view.node.output[1]:
        raise view.problem("its second output (indices) is used", "only the maxima are possible")
    value = view.value(0)
    value = value if isinstance(value, Stored) else view.real_map(0)
    channels, height, width = view.require_map(value)
    window, sizes = resolve_window(view, window, height, width)
    if any(pad >= window.kernel[axis % 2] for axis, pad in enumerate(window.pads)):
        raise view.problem(f"pads {list(window.pads)} reach past the kernel {list(window.kernel)}")
    dims = (channels, *(ceil_sizes(window, height, width) if view.integer("ceil_mode", 0) else sizes))

    def emit(source: Tensor, target: Target) -> Tensor:
        tensor = view.builder.tensor(target, dims)
        return view.builder.add(MaxPool(view.name, (source.name,), tensor.name, window), tensor)

    if isinstance(value, Lazy):
        inner = value
        return Lazy(dims, (1, *dims), lambda target: emit(
            view.part(inner, replace(target, name=f"{target.name}/before_{view.name}")), target),
            depth=view.deeper(inner))
    if value.tensor is None:
        raise view.problem("pools the raw input", "dequantize the input first")
    tensor = emit(value.tensor, _same(view, value.tensor))
    return replace(value, dims=dims, shape=(1, *dims), tensor=tensor)


def average_pool(view: NodeView) -> Value:
    """ONNX AveragePool where every window divides by the same number."""
    return average(view, view.dequantized(0), read_window(view, ()))


def average(view: NodeView, source: Real, window: Window) -> Lazy:
    """The average of a window; of the whole map where the window is as large."""
    channels, height, width = view.require_map(source)
    window, sizes = resolve_window(view, window, height, width)
    if any(window.pads) and not view.integer("count_include_pad", 0):
        raise view.problem("padding that is not counted (count_include_pad = 0)",
                           "AveragePool without padding, or with count_include_pad = 1, is possible")
    if view.integer("ceil_mode", 0) and ceil_sizes(window, height, width) != sizes:
        raise view.problem("ceil_mode, and its last window passes the end of the map", "ceil_mode = 0 is possible")
    if window.kernel == (height, width) and not any(window.pads):
        return global_average(view, source)
    count, dims = window.kernel[0] * window.kernel[1], (channels, *sizes)

    def emit(target: Target) -> Tensor:
        requantize = view.exact(average_requantize, count, source.tensor.scale, source.tensor.zero_point,
                                target.quantization.scale, **target.integers)
        tensor = view.builder.tensor(target, dims)
        return view.builder.add(AveragePool(view.name, (source.tensor.name,), tensor.name, window, requantize), tensor)

    return Lazy(dims, (1, *dims), emit)


def global_average_pool(view: NodeView) -> Value:
    """The average of each channel, as (1, C, 1, 1)."""
    return global_average(view, view.dequantized(0))


def reduce_mean(view: NodeView) -> Value:
    """ReduceMean over rows and columns; the axes are an attribute before opset 18, then an input."""
    axes = view.integers("axes", ())
    if view.has(1):
        axes = tuple(int(axis) for axis in view.constant(1, "the list of axes").ravel())
    if not axes and view.integer("noop_with_empty_axes", 0):
        return view.any_value(0)
    source = view.dequantized(0)
    rank, places = len(source.shape), [1, 2] if source.last else [2, 3]
    pixels_in_one = not source.last and source.shape == (1, source.dims[0], math.prod(source.dims[1:]))
    if sorted(axis % rank for axis in axes) != ([2] if pixels_in_one else places) or not (pixels_in_one or rank == 4):
        over = f"axes {list(axes)}" if axes else "all axes"
        raise view.problem(f"the mean over {over}", f"rows and columns, {places}, are possible")
    value = global_average(view, replace(source, shape=(1, *source.dims), last=False))
    if not view.integer("keepdims", 1):
        return replace(value, shape=(1, value.dims[0]))
    if pixels_in_one:
        return replace(value, shape=(1, value.dims[0], 1))
    return replace(value, shape=(1, 1, 1, value.dims[0]), last=True) if source.last else value


def global_average(view: NodeView, source: Real) -> Lazy:
    """The average of each channel of `source`."""
    channels, height, width = view.require_map(source)

    def emit(target: Target) -> Tensor:
        requantize = view.exact(average_requantize, height * width, source.tensor.scale, source.tensor.zero_point,
                                target.quantization.scale, **target.integers)
        tensor = view.builder.tensor(target, (channels, 1, 1))
        return view.builder.add(GlobalAverage(view.name, (source.tensor.name,), tensor.name, requantize), tensor)

    return Lazy((channels, 1, 1), (1, channels, 1, 1), emit,
                natural=Quantization(source.tensor.scale, source.tensor.zero_point))


def add(view: NodeView) -> Value:
    """The sum of two maps, or of a map and a constant."""
    values = [view.value(0), view.value(1)]
    for constant, index in zip(values, (1, 0)):
        if isinstance(constant, AnyConstant):
            other = values[index]
            if not isinstance(other, Lazy) or other.with_bias is None:
                other = quantized(view, index)
            return plus_constant(view, other, constant)
    return sum_of(view, view.dequantized(0), view.dequantized(1))


def sum_of_all(view: NodeView) -> Value:
    """ONNX Sum: of one map, which is that map, or of two."""
    count = len(view.node.input)
    if count > 2:
        raise view.problem(f"the sum of {count} maps", "two are possible: add them one after the other, with "
                           "QuantizeLinear and DequantizeLinear between")
    return add(view) if count == 2 else view.any_value(0)


def sum_of(view: NodeView, a: Real, b: Real) -> Lazy:
    """The sum of two maps of the same shape."""
    if a.shape != b.shape or a.last != b.last:
        raise view.problem(f"adds shapes {list(a.shape)} and {list(b.shape)}", "equal shapes are possible")
    if a.dims != b.dims:
        raise view.problem(f"adds flat maps of {list(a.dims)} and {list(b.dims)} (channels, rows, columns)",
                           "equal sizes are possible")

    def emit(target: Target) -> Tensor:
        factors_a, factors_b, requantize = view.exact(
            add_requantize, a.tensor.scale, a.tensor.zero_point, b.tensor.scale, b.tensor.zero_point,
            target.quantization.scale, **target.integers)
        tensor = view.builder.tensor(target, a.dims)
        names = (a.tensor.name, b.tensor.name)
        return view.builder.add(Add(view.name, names, tensor.name, factors_a, factors_b, requantize), tensor)

    return Lazy(a.dims, a.shape, emit, last=a.last)


def concat(view: NodeView) -> Value:
    """Channels one after the other."""
    axis, places = view.integer("axis", 1), range(len(view.node.input))
    of_one_map = selection.joined(view, axis)
    if of_one_map is not None:
        return of_one_map
    if any(isinstance(view.value(index), Stored) for index in places):
        return stored.concat(view, [view.value(index) for index in places], lambda parts: concat_of(view, parts, axis))
    return concat_of(view, [view.real_map(index) for index in places], axis)


def concat_of(view: NodeView, values: Sequence[Real | Lazy], axis: int, joined: str = "") -> Real | Lazy:
    """The concatenation, with which rounding commutes: each part is rounded as the whole will be.

    Parts that all have one quantization need no more than the concatenation itself: the tensor `joined`, or the node's
    output.
    """
    shapes, last = [value.dims for value in values], bool(values) and values[0].last
    flat = all(len(value.shape) == 2 and value.dims[1:] == (1, 1) for value in values)
    if not flat:
        shapes = [view.require_map(replace(value, shape=(1, *value.dims), last=False) if last and value.last and
                                   len(value.shape) == 4 else value) for value in values]
    wanted = (1, -1) if flat else (3, -1) if last else (1, -3)
    if axis not in wanted or not shapes or len({shape[1:] for shape in shapes}) != 1:
        raise view.problem(f"joins maps {', '.join(map(str, shapes))} along axis {axis}",
                           "channels (axis 1) of maps of the same size are possible")
    dims = (sum(shape[0] for shape in shapes), *shapes[0][1:])
    if too_large := size_problem(dims):
        raise view.problem(f"makes {too_large}")
    shape = dims[:1] if flat else (*dims[1:], dims[0]) if last else dims

    def join(parts: list[Tensor], target: Target) -> Tensor:
        tensor = view.builder.tensor(target, dims)
        return view.builder.add(Concat(view.name, tuple(part.name for part in parts), tensor.name), tensor)

    tensors = [value.tensor for value in values if isinstance(value, Real)]
    if len(tensors) == len(values) and len({(tensor.scale, tensor.zero_point) for tensor in tensors}) == 1:
        return Real(dims, (1, *shape), join(tensors, _same(view, tensors[0], joined)), last)

    def emit(target: Target) -> Tensor:
        parts = [part_of(view, value, replace(target, name=f"{target.name}/part{index}"))
                 for index, value in enumerate(values)]
        return join(parts, target)

    return Lazy(dims, (1, *shape), emit, last=last, depth=view.deeper(*values))


def part_of(view: NodeView, value: Real | Lazy, target: Target) -> Tensor:
    """One input of a concatenation, or of a maximum, with the quantization and clamp of the whole."""
    if isinstance(value, Lazy):
        return view.part(value, target)
    has = Quantization(value.tensor.scale, value.tensor.zero_point)
    if has == target.quantization and (target.low, target.high) == (0, PIXEL_MAX):
        return value.tensor
    return view.part(value, target)


def _same(view: NodeView, tensor: Tensor, name: str = "") -> Target:
    """A result with the quantization of `tensor`, named as the node's output if not otherwise."""
    return Target(name or view.output, Quantization(tensor.scale, tensor.zero_point), 0, PIXEL_MAX)
