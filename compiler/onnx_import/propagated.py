"""How much ONNX's shape inference and a folding of constants would hold, asked before either does it.

With data propagation, inference writes a dimension of some 50 bytes down for each number of each list: 2 KB of
concatenations that double a list take all memory. A folding of 2 KB can be as large.
"""

from __future__ import annotations

import math
from functools import cache

import onnx

from firelane.compiler.ir.limits import FOLDED_MAX, PROPAGATED_MAX
from firelane.compiler.onnx_import.constants import FOLDABLE, too_large_to_fold
from firelane.compiler.onnx_import.reader import label

Sizes = dict[str, tuple[int, ...]]


def worth_propagating(model: onnx.ModelProto, shapes: Sizes) -> bool:
    """Whether data propagation could find a shape that is missing in `shapes`, and would hold little.

    Parameters
    ----------
    model : with nodes in order
    shapes : what inference without data found
    """
    made = [name for node in model.graph.node for name in node.output if name]
    return any(name not in shapes for name in made) and _propagated(model, shapes) <= PROPAGATED_MAX


def _propagated(model: onnx.ModelProto, shapes: Sizes) -> int:
    """A bound on how many dimensions data propagation writes down."""
    opset = max((entry.version for entry in model.opset_import if entry.domain == ""), default=1)
    counts = {tensor.name: math.prod(tensor.dims) if len(tensor.dims) < 2 else 0 for tensor in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        parts = [counts.get(name, 0) for name in node.input]
        grows = node.op_type == "Concat"
        bound = min(sum(parts) if grows else max(parts, default=0), PROPAGATED_MAX + 1)
        for name in node.output:
            known = shapes.get(name)
            counts[name] = bound if known is None else math.prod(known) if len(known) < 2 else 0
            total += counts[name] if node.domain == "" and _propagates(node.op_type, opset) else 0
    return total


@cache
def _propagates(op_type: str, opset: int) -> bool:
    try:
        return onnx.defs.get_schema(op_type, opset).has_data_propagation_function
    except onnx.defs.SchemaError:
        return False


def check_folded(model: onnx.ModelProto, shapes: Sizes) -> None:
    """Refuse a model whose constants would be too large when they are computed, as far as their shapes are known.

    Raises
    ------
    ModelError
        With the node at which there are too many.
    """
    constant, total = {tensor.name for tensor in model.graph.initializer}, 0
    for node in model.graph.node:
        inputs = [name for name in node.input if name]
        if node.domain == "" and node.op_type in ("Constant", "Shape"):
            constant.update(node.output)
        elif node.domain == "" and node.op_type in FOLDABLE and inputs and constant.issuperset(inputs):
            constant.update(node.output)
            total += sum(math.prod(shapes.get(name, (0,))) for name in node.output)
            if total > FOLDED_MAX:
                raise too_large_to_fold(label(node))
