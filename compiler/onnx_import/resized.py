"""The same model for images of another size."""

from __future__ import annotations

import onnx

from firelane.compiler.onnx_import.reader import read_input


def resized_model(model: onnx.ModelProto, size: tuple[int, int]) -> onnx.ModelProto:
    """A copy of `model` for images of `size` rows and columns; whether its nodes can do that is not looked at."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    del other.graph.value_info[:]
    source = read_input(other.graph, limited=False)
    image = next(value for value in other.graph.input if value.name == source.name)
    dims = image.type.tensor_type.shape.dim
    rows, columns = (dims[-3], dims[-2]) if source.last else (dims[-2], dims[-1])
    rows.dim_value, columns.dim_value = size
    for output in other.graph.output:
        output.type.tensor_type.ClearField("shape")
    return other
