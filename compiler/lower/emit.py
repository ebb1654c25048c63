"""Tile layers made from the taps of one operation: strides, phases, averages in the drain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from firelane.compiler.ir.graph import Node, Requantize, Tensor
from firelane.compiler.lower.average import emit_average
from firelane.compiler.lower.context import Lowering
from firelane.compiler.lower.widths import too_wide
from firelane.compiler.support.errors import FirelaneError, ModelError
from firelane.compiler.tiles.kernel_table import Place, kernel_table
from firelane.compiler.tiles.layers import TileLayer, View, copy_layer
from firelane.hw.contract.config import BANK_PIXELS, MAX_BANKS, MAX_KERNEL_TAPS, EngineConfig
from firelane.hw.contract.instruction import Operation


@dataclass(frozen=True, eq=False)
class Taps:
    """What a node accumulates, strides aside; offsets count from input pixel (stride * y, stride * x)."""

    inputs: tuple[View, ...]
    places: tuple[Place, ...]
    channels_out: int
    requantize: Requantize
    weights: np.ndarray | None = None
    groups: int = 1
    operation: Operation = Operation.MULTIPLY
    pad: int = 0


def emit_tiles(context: Lowering, node: Node, taps: Taps, stride: tuple[int, int] = (1, 1)) -> None:
    """Append the layers of `node`: its tiles, further halvings for strides above 2, a fused average."""
    tensor = context.graph.tensors[node.output]
    halvings = _halvings(node, stride, tensor.height, tensor.width)
    average = context.fused_average(node.output)
    steps = [_size_before(tensor, later) for later in reversed(range(max(halvings, 1)))]
    source: View | None = None
    layers: list[TileLayer] = []
    for number, size in enumerate(steps):
        suffix = f"/stride{2 << number}"
        output: View | None = None
        if number < len(steps) - 1:
            output = context.add_map(node.output + suffix, tensor.channels, *size)
        elif average is None:
            output = context.output_view(node.output)
        if source is None:
            layer = first_layer(context, node, taps, output, size, subsample=halvings > 0)
        else:
            layer = copy_layer(context.layer_name(node, suffix), source, output, *size, subsample=True)
        layers.append(layer)
        source = output
    context.layers += layers[:-1] if average else layers
    if average:
        emit_average(context, average, layers[-1])


def _size_before(tensor: Tensor, later_halvings: int) -> tuple[int, int]:
    """Height and width of the map from which `later_halvings` layers, each halving it, make `tensor`."""
    factor = 1 << later_halvings
    return factor * (tensor.height - 1) + 1, factor * (tensor.width - 1) + 1


def _halvings(node: Node, stride: tuple[int, int], height: int, width: int) -> int:
    """The number of times that the result must be halved. An axis with one output pixel has no stride."""
    strides = {step for step, size in zip(stride, (height, width)) if size > 1} or {1}
    if len(strides) > 1:
        raise ModelError(f"node '{node.name}'", f"stride {stride[0]}x{stride[1]}",
                         hint="the same stride for rows and columns is possible")
    step = strides.pop()
    if step & (step - 1):
        raise ModelError(f"node '{node.name}'", f"stride {step}", hint="1, 2, 4, 8, ... are possible")
    return step.bit_length() - 1


def first_layer(context: Lowering, node: Node, taps: Taps, output: View | None, size: tuple[int, int],
                 subsample: bool) -> TileLayer:
    """The layer that does the arithmetic, with the phase that the engine can express in the narrowest rows."""
    layer = TileLayer(name=context.layer_name(node), inputs=taps.inputs, output=output, places=taps.places,
                      channels_out=taps.channels_out, out_height=size[0], out_width=size[1],
                      requantize=taps.requantize, weights=taps.weights, groups=taps.groups,
                      operation=taps.operation, pad=taps.pad, subsample=subsample)
    if len(layer.places) > MAX_KERNEL_TAPS:
        raise ModelError(f"node '{node.name}'", f"kernel of {len(layer.places)} places",
                         hint=f"at most {MAX_KERNEL_TAPS} that have a weight other than zero are possible")
    phases = [(row, column) for row in (0, 1) for column in (0, 1)] if subsample else [(0, 0)]
    candidates = [shifted(layer, *phase) for phase in phases]
    ranked = [(classes[0], _reach(candidate), number) for number, candidate in enumerate(candidates)
              if (classes := feasible_row_classes(candidate, context.cfg))]
    if not ranked:
        raise explain(node.name, candidates, context.cfg)
    return candidates[min(ranked)[2]]


def shifted(layer: TileLayer, row_phase: int, column_phase: int) -> TileLayer:
    """`layer` computed in the lanes at a phase: offsets count from there."""
    places = tuple(replace(place, dy=place.dy - row_phase, dx=place.dx - column_phase) for place in layer.places)
    return replace(layer, places=places, row_phase=row_phase, column_phase=column_phase)


def feasible_row_classes(layer: TileLayer, cfg: EngineConfig) -> list[int]:
    """Row classes of its inputs in which the engine can run the layer, columns aside."""
    return [k for k in range(cfg.classes)
            if layer.lane_width <= BANK_PIXELS << k and kernel_table(layer.places, cfg.banks >> k) is not None]


def explain(name: str, candidates: Sequence[TileLayer], cfg: EngineConfig, least: int = 0) -> FirelaneError:
    """The error that says why no row class from `least` on will do for a layer, whatever its phase."""
    where, layer = f"node '{name}'", candidates[0]
    if layer.lane_width > cfg.lanes:
        return too_wide(where, layer.lane_width, cfg)
    rows, columns = ([getattr(place, axis) for place in layer.places] for axis in ("dy", "dx"))
    classes = _wide_enough(layer, cfg, least)
    ways = [f"--banks {banks}" for banks in _more_banks(candidates, cfg, least)][:1]
    ways.append(f"a kernel of up to {_tallest(classes, cfg)} rows and {most_columns(cfg)} columns, "
                "padded on all sides,")
    return ModelError(where, f"reads rows {min(rows)}..{max(rows)} and columns {min(columns)}..{max(columns)} around a "
                             f"pixel, in rows of {max(layer.lane_width, _narrower(least) + 1)}",
                      hint=" or ".join(ways) + " is possible there")


def most_columns(cfg: EngineConfig) -> int:
    """Columns of the widest kernel around a pixel that an engine can see."""
    return 2 * min(cfg.columns_left, cfg.columns_right) + 1


def _wide_enough(layer: TileLayer, cfg: EngineConfig, least: int) -> list[int]:
    return [k for k in range(least, cfg.classes) if layer.lane_width <= BANK_PIXELS << k]


def _narrower(least: int) -> int:
    """The pixels of the widest rows below row class `least`."""
    return BANK_PIXELS << least - 1 if least else 0


def _more_banks(candidates: Sequence[TileLayer], cfg: EngineConfig, least: int) -> Iterator[int]:
    """Numbers of banks above the engine's with which one of the layers can be expressed."""
    banks = 2 * cfg.banks
    while banks <= MAX_BANKS:
        wider = replace(cfg, banks=banks)
        if any(k >= least for layer in candidates for k in feasible_row_classes(layer, wider)):
            yield banks
        banks *= 2


def _tallest(classes: Sequence[int], cfg: EngineConfig) -> int:
    """Rows of the tallest kernel around a pixel that one of the row classes can express."""
    def possible(rows: int) -> bool:
        places = [Place(row - rows // 2, 0) for row in range(rows)]
        return any(kernel_table(places, cfg.banks >> k) for k in classes)
    return next(rows for rows in range(1, MAX_KERNEL_TAPS) if not possible(rows + 1))


def _reach(layer: TileLayer) -> int:
    return max(max(abs(place.dy), abs(place.dx)) for place in layer.places)
