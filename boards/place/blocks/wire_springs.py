"""Nets as springs: the positions of cells that make a quadratic measure of wire length least.

The bound-to-bound model (Spindler, Schlichtmann, Johannes: Kraftwerk2, 2008): each pin of a net is tied to the two
outermost ones with springs whose strengths make the energy, at the positions that they were made for, the wire length.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse

from firelane.boards.place.netlist.netlist_graph import NetlistGraph

SHORTEST = 1.0      #: tiles; springs shorter than this get no stronger

# Sums are NumPy's, not those of a BLAS library with threads, so that every machine finds the same positions.


def springs(graph: NetlistGraph, position: np.ndarray) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """The springs along one axis at these positions: off-diagonal part and diagonal of their matrix."""
    order = np.lexsort((position[graph.cell], graph.net))
    cell = graph.cell[order]
    rank = np.arange(len(cell)) - graph.start[graph.net]
    degree = graph.degree[graph.net]
    lowest, highest = cell[graph.start][graph.net], cell[graph.start + graph.degree - 1][graph.net]
    above, between = rank > 0, (rank > 0) & (rank < degree - 1)
    one = np.concatenate((cell[above], cell[between]))
    other = np.concatenate((lowest[above], highest[between]))
    share = 1.0 / (degree - 1)
    strength = np.concatenate((share[above], share[between])) / np.maximum(np.abs(position[one] - position[other]),
                                                                           SHORTEST)
    return matrix(len(graph), one, other, strength)


def matrix(size: int, one: np.ndarray, other: np.ndarray, strength: np.ndarray):
    """Off-diagonal part and diagonal of the Laplacian of a graph."""
    rows, columns = np.concatenate((one, other)), np.concatenate((other, one))
    ties = scipy.sparse.coo_array((np.concatenate((-strength, -strength)), (rows, columns)),
                                  shape=(size, size)).tocsr()
    return ties, -np.asarray(ties.sum(axis=1)).ravel()


def solve(ties, diagonal: np.ndarray, right: np.ndarray, start: np.ndarray, *, tolerance: float,
          steps: int) -> np.ndarray:
    """Conjugate gradients, preconditioned with the diagonal, from `start` on."""
    x, inverse = start.copy(), 1.0 / np.maximum(diagonal, 1e-9)
    residual = right - (ties @ x + diagonal * x)
    scaled = inverse * residual
    direction, size = scaled.copy(), (residual * scaled).sum()
    enough = tolerance ** 2 * ((right * inverse * right).sum() + 1e-12)
    for _ in range(steps):
        if size <= enough:
            break
        image = ties @ direction + diagonal * direction
        length = size / (direction * image).sum()
        x += length * direction
        residual -= length * image
        scaled = inverse * residual
        before, size = size, (residual * scaled).sum()
        direction = scaled + (size / before) * direction
    return x


def settle(graph: NetlistGraph, position: np.ndarray, target: np.ndarray, pull: np.ndarray, *,
           tolerance: float = 1e-3, steps: int = 200) -> np.ndarray:
    """Positions along one axis, with a spring of strength `pull` from each cell to its `target`."""
    ties, diagonal = springs(graph, position)
    return solve(ties, diagonal + pull, pull * target, position, tolerance=tolerance, steps=steps)
