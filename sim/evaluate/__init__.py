"""Measures how much of a float network a quantized one keeps: accuracy, agreement, divergence, noise by layer.

    from firelane.sim.evaluate import evaluate, workers
    with workers(2) as pool:
        evaluation = evaluate("q.onnx", images, labels=labels, float_model="f.onnx", pool=pool)

`plan` finds out what runs, `job` says what a process does with one image, `pool` spreads images over processes,
`result` adds up.
"""

from firelane.sim.evaluate.driver import evaluate
from firelane.sim.evaluate.plan import DERIVED
from firelane.sim.evaluate.pool import workers
from firelane.sim.evaluate.result import Evaluation, LayerNoise, Score

__all__ = ["DERIVED", "Evaluation", "LayerNoise", "Score", "evaluate", "workers"]
