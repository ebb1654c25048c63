"""How large a model may be: what no engine could hold is refused before memory or hours are spent on it."""

from __future__ import annotations

import math

from firelane.compiler.support.errors import ModelError

FILE_BYTES_MAX = 1 << 28               # of an ONNX file, external data not counted
ESTIMATED_BYTES_MAX = (1 << 31) - 1    # of one that is only estimated: what protobuf reads
NODES_MAX = 1 << 15                    # of a graph, functions written out
FLOAT_NODES_MAX = 1 << 10              # of a float model that is to be quantized
QUANTIZED_NODES_MAX = 600              # of it as ONNX Runtime's quantizer sees it, whose time is quadratic
SIDE_MAX = 1 << 12                     # rows, columns of a map
CHANNELS_MAX = 1 << 12                 # of a map
VALUES_MAX = 1 << 24                   # of a map
ELEMENTS_MAX = 1 << 27                 # of an initializer
FOLDED_MAX = 1 << 24                   # elements of all constants that are computed while a model is read
PROPAGATED_MAX = 1 << 20               # numbers whose values ONNX's shape inference follows
SELECTED_MAX = 1 << 22                 # channels of all values that are channels of others
LAZY_MAX = 64                          # pools and concatenations in a row with no quantization between


def check_nodes(where: str, count: int, most: int = NODES_MAX) -> None:
    """Refuse a graph of more than `most` nodes."""
    if count > most:
        raise ModelError(where, f"{count} nodes" if count < 1 << 63 else "more nodes than can be counted",
                         hint=f"at most {most} are possible")


def size_problem(dims: tuple[int, int, int]) -> str:
    """What is too large about a map (channels, height, width), and the limit; empty if nothing is."""
    channels, height, width = dims
    if channels > CHANNELS_MAX:
        return f"{channels:,} channels; at most {CHANNELS_MAX:,} are possible"
    if max(height, width) > SIDE_MAX:
        return f"{height:,} x {width:,} pixels; at most {SIDE_MAX:,} rows and columns are possible"
    if math.prod(dims) > VALUES_MAX:
        return f"{math.prod(dims):,} values; at most {VALUES_MAX:,} in a map are possible"
    return ""
