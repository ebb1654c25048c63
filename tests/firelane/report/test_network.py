"""Reports of compiled and estimated networks: each plot shows the figures of the result."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import firelane
from firelane.compiler.fit.estimate import estimate
from firelane.compiler.schedule.lifetimes import live_words
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.report.sections import network
from firelane.sim.judge.layer_cycles import whole_name
from tests.compiler.small_networks import small_model
from tests.firelane.report.pages import Tags, bars, check_page, plots, traces


@pytest.fixture(scope="module")
def compiled():
    """The digits on an engine whose activation memory is so small that layers are computed in parts."""
    return firelane.compile("digits", "ulx3s_25f", check=False)


@pytest.fixture(scope="module")
def page(compiled, tmp_path_factory):
    return compiled.write_report(tmp_path_factory.mktemp("report") / "digits.html", command="firelane compile ...")


@pytest.fixture(scope="module")
def parts():
    """Of a network whose layers are taken apart, the figures and the page."""
    return firelane.compile("digits", banks=8, activation_words=272, check=False)


def by_layer(lines, value) -> dict[str, float]:
    found: Counter[str] = Counter()
    for line in lines:
        found[whole_name(line.name)] += value(line)
    return dict(found)


def test_the_page(page, compiled):
    check_page(page)
    found = Tags(page)
    text = " ".join(text for texts in found.texts.values() for text in texts)
    for fact in ("digits", "ulx3s_25f", "firelane compile ...", f"{compiled.cycles:,}"):
        assert fact in text
    assert found.texts["h1"] == ["digits, compiled"]


def test_usage(page, compiled):
    wanted = {line.name: [line.used, line.available] for line in compiled.usage if line.available}
    [trace] = plots(page)["usage"]["data"]
    assert dict(zip(trace["y"], trace["customdata"])) == wanted
    assert trace["x"] == pytest.approx([100 * used / available for used, available in wanted.values()])
    blocks = {line.name.removeprefix("EBR: "): line.used for line in compiled.usage if line.name.startswith("EBR: ")}
    assert bars(page, "blocks") == blocks and sum(blocks.values()) == wanted["EBR"][0]


@pytest.mark.parametrize("network", ["compiled", "parts"])
def test_cycles_and_rom(network, request, tmp_path):
    found = request.getfixturevalue(network)
    page = found.write_report(tmp_path / "r.html")
    assert bars(page, "cycles-by-layer", "cycles") == by_layer(found.layers, lambda line: line.cycles)
    assert bars(page, "cycles-by-layer", "of these ideal") == by_layer(found.layers, lambda line: line.ideal)
    kinds = {kind: bars(page, "rom-by-layer", kind) for kind in ("values", "runs", "parameters", "tables", "padding")}
    for kind, shown in kinds.items():
        wanted = by_layer(found.layers, lambda line, kind=kind: getattr(line.rom, kind) / 8)
        assert shown == {name: wanted[name] for name in shown}
    assert sum(sum(shown.values()) for shown in kinds.values()) * 8 == found.report.rom.bits
    entropy = by_layer(found.layers, lambda line: line.entropy_bits / 8)
    marks = bars(page, "rom-by-layer", "entropy of values and runs")
    assert marks == pytest.approx({name: entropy[name] for name in marks})
    density = bars(page, "density", "density")
    weights, nonzero = (by_layer(found.layers, value) for value in (
        lambda line: line.weights, lambda line: (line.density or 0) * line.weights))
    assert density == pytest.approx({name: 100 * nonzero[name] / weights[name] for name in density})
    bits = by_layer(found.layers, lambda line: line.coded_bits)
    assert bars(page, "density", "bits as coded") == pytest.approx({name: bits[name] / nonzero[name]
                                                                     for name in density})


def test_the_schedule(page, compiled):
    plan, ends = compiled.compiled.plan, compiled.report.cost.ends
    shown = {}
    for trace in plots(page)["timeline"]["data"]:
        for name, begin, length, (number, layer, first, last) in zip(trace["y"], trace["base"], trace["x"],
                                                                     trace["customdata"], strict=True):
            shown[number] = (name, begin, begin + length, layer, first, last)
    assert len(shown) == len(plan.steps)
    for number, step in enumerate(plan.steps):
        name = plan.network.layers[step.layer].name
        assert shown[number] == (whole_name(name), ends[number - 1] if number else 0, ends[number], name,
                                 step.first_row, step.first_row + step.rows - 1)


def test_activation_memory(page, compiled):
    plan, ends = compiled.compiled.plan, compiled.report.cost.ends
    live = traces(page, "words")["words that live"]
    assert live["y"][:-1] == live_words(plan.lives, len(plan.steps)).tolist() and live["x"] == [0, *ends]
    assert max(live["y"]) == plan.peak_words
    assert set(traces(page, "words")["words that there are"]["y"]) == {compiled.engine.activation_words}
    [trace] = plots(page)["live-ranges"]["data"]
    boxes = list(zip(trace["base"], trace["x"], trace["y"], trace["width"], strict=True))
    begins = (0, *ends)
    assert boxes == [(begins[life.start], ends[life.end] - begins[life.start],
                      plan.addresses[life.block] + life.words / 2, life.words) for life in plan.lives]


def test_weights(page, compiled):
    layers = [layer for layer in compiled.compiled.plan.network.layers
              if isinstance(layer, TileLayer) and layer.weights is not None]
    every = np.concatenate([layer.weights.ravel() for layer in layers])
    [trace] = plots(page)["levels"]["data"]
    assert dict(zip(trace["x"], trace["y"])) == Counter(every[every != 0].tolist())
    [heat] = plots(page)["levels-by-layer"]["data"]
    for name, shares in zip(heat["y"], heat["customdata"], strict=True):
        weights = np.concatenate([layer.weights.ravel() for layer in layers if layer.name == name]).astype(int)
        counts = Counter(weights[weights != 0].tolist())
        shown = {level: share for level, share in zip(heat["x"], shares, strict=True) if share}
        wanted = {level: 100 * count / counts.total() for level, count in counts.items()}
        assert shown == pytest.approx(wanted, abs=1e-5)
    ends = bars(page, "weights-clipped")
    [first] = [layer for layer in layers if layer.name == "conv1"]
    at_the_end = np.count_nonzero(np.abs(first.weights.astype(int)) >= 127)
    assert ends["conv1"] == pytest.approx(100 * at_the_end / np.count_nonzero(first.weights))
    text = " ".join(Tags(page).texts["p"])
    assert "nothing is clipped" in text and "weights are not zero: these are what the engine multiplies by" in text


def test_the_roofline(page, compiled):
    shown = traces(page, "roofline-by-layer")
    roofs, lanes = shown["roofs"], compiled.report.lanes
    assert roofs["x"][1] * 36 == roofs["y"][1] == roofs["y"][2] == lanes == 28
    layers = shown["layer (area: its share of the cycles)"]
    streamed = by_layer(compiled.layers, lambda line: line.coded_bits * line.instructions)
    cycles, macs = by_layer(compiled.layers, lambda line: line.cycles), compiled.report.macs
    assert set(layers["customdata"]) == set(macs)
    for name, x, y in zip(layers["customdata"], layers["x"], layers["y"], strict=True):
        assert (x, y) == pytest.approx((macs[name] / streamed[name], macs[name] / cycles[name]))
    for name, roof, y in zip(layers["customdata"], shown["roof of a layer that skips its zeros"]["y"], layers["y"]):
        assert y <= roof, f"{name} is faster than it can be"


def test_what_does_not_fit_is_said(tmp_path):
    page = firelane.compile("digits", "ulx3s_12f", check=False).write_report(tmp_path / "r.html")
    check_page(page)
    text = " ".join(Tags(page).texts["p"])
    assert "Does not fit ulx3s_12f" in text and "not enough of: " in text and "LUT (estimate)" in text


class TestEstimate:
    def test_boards(self, tmp_path):
        found = firelane.estimate("digits", "ulx3s_25f", "ulx3s_85f", "ulx3s_12f")
        page = found.write_report(tmp_path / "r.html")
        check_page(page)
        assert bars(page, "boards-speed") == {board.board: board.frames_per_second for board in found.boards
                                              if board.report}
        for name, (memory, used, available) in zip(*(plots(page)["boards-memories"]["data"][0][key]
                                                     for key in ("y", "customdata"))):
            [board] = [board for board in found.boards if board.board == name]
            assert used / available == max(usage.used / usage.available for usage in board.estimate.memories)
            assert memory in {usage.name for usage in board.estimate.memories}
        assert bars(page, "cycles-by-layer", "cycles") == by_layer(found.layers, lambda line: line.cycles)
        assert {"timeline", "live-ranges", "roofline-by-layer"} <= set(plots(page))
        shortage = next(one for board in found.boards for one in board.shortages)
        assert shortage.found in " ".join(Tags(page).texts["td"])

    def test_what_the_engine_cannot_do(self, tmp_path):
        model = small_model()
        next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Tanh"
        found = firelane.estimate(model, "ulx3s_25f")
        assert found.problems
        page = found.write_report(tmp_path / "r.html")
        text = Tags(page)
        assert found.problems[0].found in text.texts["td"] and plots(page) == {}
        assert "must be changed" in " ".join(text.texts["h2"])

    def test_what_needs_more_memory_than_there_is(self):
        """No block has an address then; all else is shown."""
        found = estimate(firelane.load("digits").graph, EngineConfig(banks=4, activation_words=100))
        assert found.short and found.plan is not None and not found.plan.addresses
        sections = list(network.sections(network.Facts(found.report, found.engine, found.plan)))
        names = {plot.name for section in sections for plot in section.plots}
        assert "words" in names and "live-ranges" not in names
