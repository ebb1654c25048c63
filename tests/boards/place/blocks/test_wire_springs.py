"""boards.place.blocks.wire_springs: equilibria that are known, and the energy that is the wire length."""

import numpy as np
import pytest

from firelane.boards.place.blocks.wire_springs import matrix, settle, solve, springs
from firelane.boards.place.ecp5.logic_types import ECP5_LOGIC
from firelane.boards.place.netlist.netlist_graph import netlist_graph
from tests.boards.place.netlists import module


def test_solve_finds_the_solution_of_a_random_net():
    rng = np.random.default_rng(1)
    one, other = rng.integers(40, size=200), rng.integers(40, size=200)
    apart = one != other
    ties, diagonal = matrix(40, one[apart], other[apart], rng.random(apart.sum()))
    diagonal = diagonal + 0.1
    right = rng.standard_normal(40)
    want = np.linalg.solve(ties.toarray() + np.diag(diagonal), right)
    assert solve(ties, diagonal, right, np.zeros(40), tolerance=1e-9, steps=200) == pytest.approx(want, abs=1e-6)


def test_a_net_has_the_energy_of_its_length():
    rng = np.random.default_rng(2)
    graph = netlist_graph(module({f"c{n}": ("LUT4", [1]) for n in range(7)}), ECP5_LOGIC)
    place = rng.random(7) * 1000
    ties, diagonal = springs(graph, place)
    assert place @ (ties @ place + diagonal * place) == pytest.approx(np.ptp(place))


def test_a_cell_settles_between_those_that_hold_it():
    graph = netlist_graph(module({"low": ("LUT4", [1]), "free": ("LUT4", [1, 2]), "high": ("LUT4", [2])}), ECP5_LOGIC)
    place = np.array([0.0, 30.0, 90.0])
    pull = np.array([1e6, 0.0, 1e6])
    settled = settle(graph, place, place, pull, tolerance=1e-9)
    assert settled == pytest.approx([0, 30, 90], abs=1e-2)      # no place between the two is better: springs 1/30, 1/60
    settled = settle(graph, np.array([0.0, 45.0, 90.0]), np.array([0.0, 45.0, 30.0]), pull, tolerance=1e-9)
    assert settled == pytest.approx([0, 15, 30], abs=1e-2)
