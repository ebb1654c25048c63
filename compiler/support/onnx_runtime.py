"""ONNX Runtime as we use it: on the processor, in one thread, and silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnxruntime
from onnxruntime import GraphOptimizationLevel

if TYPE_CHECKING:
    import onnx

WARNING = 2     #: level of ONNX Runtime's log: what it starts with
FATAL = 4       #: what it refuses is raised as well, and told as an error of ours


def session_options(level: GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL
                    ) -> onnxruntime.SessionOptions:
    """Options of a session that logs nothing and adds up in one order, whatever the number of processors."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    options.intra_op_num_threads = 1
    options.graph_optimization_level = level
    return options


def open_session(model: onnx.ModelProto, options: onnxruntime.SessionOptions | None = None
                 ) -> onnxruntime.InferenceSession:
    """A session of `model`, with `session_options()` if no others are given.

    Raises
    ------
    Exception
        If ONNX Runtime refuses the model: it has a class of its own for each kind of failure.
    """
    return onnxruntime.InferenceSession(model.SerializeToString(), options or session_options(),
                                        ["CPUExecutionProvider"])
