"""What all pools of workers have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.progress import Progress
from firelane.sim.evaluate.job import EvaluationJob, Measured

BATCH = 4                              # images of a task
BATCHES_AHEAD = 3                      # batches that wait for each thread of a worker
STAGE = "evaluating"
Pool = Callable[[EvaluationJob, Sequence[np.ndarray], Progress], list[Measured]]


def lost(error: Exception) -> FirelaneError:
    """The error to raise where workers are gone."""
    return FirelaneError("--workers", f"workers were lost, or their scheduler ({type(error).__name__})",
                         hint="look into their logs; fewer workers need less memory")
