"""boards.place.netlist.netlist_graph: pins, nets and wire length of a small netlist."""

import numpy as np
import pytest

from firelane.boards.place.ecp5.logic_types import ECP5_LOGIC
from firelane.boards.place.netlist.netlist_graph import WIDEST_NET, netlist_graph
from tests.boards.place.netlists import module


def test_cells_and_nets():
    graph = netlist_graph(module({
        "a": ("LUT4", [1, 2, 2]), "b": ("TRELLIS_FF", [2, 3]), "c": ("DP16KD", [2, 3, 9]),
        "pll": ("EHXPLLL", [1]), "scope": ("$scopeinfo", []),
    }), ECP5_LOGIC)
    assert graph.names == ["a", "b", "c"]
    assert graph.area.tolist() == [1.0, 0.35, 0.0]
    assert graph.degree.tolist() == [3, 2]          # nets 2 and 3; 1 and 9 have one pin
    assert [graph.cell[first:first + count].tolist() for first, count in zip(graph.start, graph.degree)] == [[0, 1, 2],
                                                                                                           [1, 2]]
    assert graph.of_type("DP16KD").tolist() == [2] and graph.logic.tolist() == [0, 1]
    assert graph.wire_length(np.array([0.0, 5.0, 2.0]), np.array([1.0, 1.0, 4.0])) == pytest.approx(5 + 3 + 3 + 3)


def test_constants_and_clocks_are_no_nets():
    cells = {f"ff_{n}": ("TRELLIS_FF", [1, 2 + n // 2]) for n in range(WIDEST_NET + 2)}
    cells["constant"] = ("LUT4", ["0", "x"])
    graph = netlist_graph(module(cells), ECP5_LOGIC)
    assert graph.degree.tolist() == [2] * (WIDEST_NET // 2 + 1)
