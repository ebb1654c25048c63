"""The plot of docs/comparison.md: each network at its time and its published accuracy, and the script that draws it."""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from firelane.boards.comparison.cost import DENSE, NAMES, OWN, PRUNED
from firelane.models.comparison.accuracy import PUBLISHED
from firelane.report.figures.comparison import FAMILIES, accuracy_against_latency
from tests.boards.comparison.costs import COST

DOCS = Path(__file__).parents[3] / "docs"


def test_where_networks_are():
    costs = [replace(COST, taps=2, network=name, weights=weights, cycles=cycles, least=name == "alexnet")
             for name in ("squeezenet1.1", "mobilenet_v2_0.25", "mobilenet_v2_0.5", "alexnet")
             for weights, cycles in ((DENSE, 3_000_000), (PRUNED, 1_000_000), (OWN, 2_000_000))]
    figure = accuracy_against_latency([*costs, replace(COST, network="resnet18")], 2)
    squeezenet, mobilenet = figure.data
    assert list(squeezenet.x) == pytest.approx([10, 20, 30]) and list(squeezenet.y) == [58.2] * 3
    assert list(squeezenet.marker.symbol) == ["circle", "diamond", "circle-open"]
    assert squeezenet.name == "SqueezeNet" and list(squeezenet.text) == ["", "", " 1.1"]
    assert mobilenet.name == "MobileNetV2" and list(mobilenet.y) == [PUBLISHED["mobilenet_v2_0.5"].top1] * 3
    assert figure.layout.xaxis.type == "log"


def test_every_network_has_a_family():
    """All but AlexNet, which is not in the plot."""
    without = [name for name in NAMES if not name.startswith(tuple(FAMILIES))]
    assert without == ["alexnet"]


def test_without_a_browser_the_picture_is_left_as_it_is(tmp_path, monkeypatch, capsys):
    pytest.importorskip("selenium")
    monkeypatch.syspath_prepend(str(DOCS))
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["picture_comparison.py", str(tmp_path / "a.png")])
    runpy.run_path(str(DOCS / "picture_comparison.py"), run_name="__main__")
    assert "is left as it is: no Chromium" in capsys.readouterr().out and not (tmp_path / "a.png").exists()
