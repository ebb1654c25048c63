"""How far ONNX Runtime and the reference are apart, tensor by tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from firelane.compiler.ir.graph import Graph
from firelane.sim.onnx_session import OnnxSession
from firelane.sim.reference import run_node


@dataclass
class Difference:
    """How far one tensor is apart, over all images."""

    values: int = 0
    differing: int = 0
    most_lsb: int = 0

    @property
    def share(self) -> float:
        """Values that differ, as a share of all."""
        return self.differing / self.values if self.values else 0.0

    def add(self, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Counts two uint8 arrays of one shape."""
        steps = np.abs(ours.astype(np.int16) - theirs)
        self.values += steps.size
        self.differing += int(np.count_nonzero(steps))
        self.most_lsb = max(self.most_lsb, int(steps.max()))


def compare_layers(graph: Graph, session: OnnxSession, images: Iterable[np.ndarray]) -> dict[str, Difference]:
    """Each tensor as the reference makes it *from ONNX Runtime's own inputs* of that layer, against ONNX Runtime's.

    Tensors that only the IR has (parts of a concatenation) are computed by the reference on the way.
    """
    return _compare(graph, session, images, lambda ours, theirs: theirs)


def compare_end_to_end(graph: Graph, session: OnnxSession, images: Iterable[np.ndarray]) -> dict[str, Difference]:
    """Each tensor as both make it from the image alone."""
    return _compare(graph, session, images, lambda ours, theirs: ours)


def _compare(graph: Graph, session: OnnxSession, images: Iterable[np.ndarray],
             goes_on_with: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> dict[str, Difference]:
    differences: dict[str, Difference] = {}
    for image in images:
        theirs = session.run(graph, image)
        maps = {graph.input: image[:, None]}
        for node in graph.nodes:
            ours = run_node(graph, node, maps)
            if node.output in theirs:
                other = theirs[node.output][:, None]
                differences.setdefault(node.output, Difference()).add(ours, other)
                ours = goes_on_with(ours, other)
            maps[node.output] = ours
    return differences


def summary(differences: dict[str, Difference]) -> dict[str, float | int]:
    """Worst and total of many tensors, for a report."""
    total = Difference()
    for difference in differences.values():
        total.values += difference.values
        total.differing += difference.differing
        total.most_lsb = max(total.most_lsb, difference.most_lsb)
    worst = max((difference.share for difference in differences.values()), default=0.0)
    return {"tensors": len(differences), "values": total.values, "most_lsb": total.most_lsb,
            "share_differing": total.share, "worst_tensor_share": worst}
