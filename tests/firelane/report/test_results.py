"""Reports of evaluations, compressions and builds: each plot shows the figures of the result."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

import firelane
from firelane.api.build import BuiltNetwork
from firelane.api.build_job import Loss, StepOutcome
from firelane.boards.report.end_to_end import EndToEnd
from firelane.compiler.fit.estimate import estimate
from firelane.models.catalogue import EMBEDDED
from firelane.models.digits import load_split
from firelane.report.figures.evaluation import scores
from firelane.sim.reference import run
from tests.compiler.small_networks import SIDE, small_model
from tests.firelane.report.pages import Tags, bars, check_page, plots, traces

HELD_OUT = load_split()[1]
PIXELS = np.ascontiguousarray(HELD_OUT.images.transpose(0, 3, 1, 2))
FLOAT_DIGITS = EMBEDDED["digits"].with_name("digits_squeezenet_float.onnx")


@pytest.fixture(scope="module")
def found():
    """An evaluation."""
    return firelane.evaluate("digits", list(PIXELS[:20]), labels=HELD_OUT.labels[:20].tolist(),
                             float_model=FLOAT_DIGITS)


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    """Its report."""
    page = found.write_report(tmp_path_factory.mktemp("evaluation") / "r.html")
    check_page(page)
    return page


@pytest.fixture(scope="module")
def compressed():
    """A small network, made smaller."""
    pixels = np.random.default_rng(3).integers(0, 256, (8, 3, SIDE, SIDE), np.uint8)
    full = firelane.compile(firelane.quantize(small_model(), pixels, check=False), check=False).rom_bytes
    return firelane.compress(small_model(), pixels, budget=full - 200, thorough=False, check=False)


class TestEvaluation:
    def test_accuracies(self, found, page):
        shown = traces(page, "scores")
        reference, original = found.score("reference"), found.score("float")
        assert shown["top-1"]["x"] == [100 * reference.top1, 100 * original.top1]
        assert shown["top-5"]["x"] == [100 * reference.top5, 100 * original.top5]
        assert shown["same class as the float network"]["x"] == [100 * reference.agreement, None]
        assert shown["top-1"]["error_x"]["array"][0] == pytest.approx(
            100 * sqrt(reference.top1 * (1 - reference.top1) / 20))

    def test_a_run_of_which_nothing_is_known_has_no_bar(self, found):
        """The float network's accuracy is not known without labels, and it is not compared with itself."""
        unlabelled = [replace(score, top1=None, top5=None) for score in found.scores]
        assert [score.agreement is None for score in unlabelled] == [False, True]
        [bar] = scores(unlabelled, found.images).data
        assert list(bar.y) == ["integer reference"] and len(bar.x) == 1

    def test_noise(self, found, page):
        noisy = [layer for layer in found.layers if layer.snr_db is not None]
        ratios = [layer.snr_db for layer in noisy]
        assert list(bars(page, "noise-by-layer").values()) == ratios
        assert list(bars(page, "noise-lost").values()) == [0, *(before - after for before, after in pairwise(ratios))]

    def test_activations(self, found, page):
        graph = firelane.load("digits").graph
        assert 0 < len(found.shown) <= 8
        maps = [run(graph, image) for image in found.shown]
        [heat] = plots(page)["activation-levels"]["data"]
        ends = bars(page, "activations-clipped")
        nodes = {node.name: node for node in graph.nodes}
        for name, shares in zip(heat["y"], heat["customdata"], strict=True):
            values = np.concatenate([each[nodes[name].output].ravel() for each in maps])
            counts = np.bincount(values, minlength=256)
            assert [share or 0 for share in shares] == pytest.approx(100 * counts / counts.sum(), abs=1e-5)
            assert ends[name] == pytest.approx(100 * counts[255] / counts.sum())

    def test_json_says_what_it_said(self, found):
        assert "shown" not in found.to_json() and "given" not in found.to_json()

    def test_a_float_network_without_labels(self, tmp_path):
        page = firelane.evaluate(FLOAT_DIGITS, list(PIXELS[:2])).write_report(tmp_path / "r.html")
        assert plots(page) == {} and "nothing to compare with" in " ".join(Tags(page).texts["p"])


class TestCompression:
    def test_rates(self, compressed, tmp_path):
        page = compressed.write_report(tmp_path / "r.html")
        check_page(page)
        coded = {line.name: line.coded_bits for line in estimate(compressed.graph, compressed.engine).report.layers}
        shown = traces(page, "bytes-and-error")
        assert shown["bytes"]["y"] == [layer.name for layer in compressed.layers]
        assert shown["bytes"]["x"] == [coded[layer.name] / 8 for layer in compressed.layers]
        assert shown["error"]["x"] == [1000 * layer.error for layer in compressed.layers]
        [rates] = plots(page)["rate-distortion"]["data"]
        by_name = {layer.name: layer for layer in compressed.layers}
        for name, bits, error in zip(rates["customdata"], rates["x"], rates["y"], strict=True):
            layer = by_name[name]
            assert (bits, error) == (coded[name] / layer.weights, layer.error / layer.weights)
        text = " ".join(Tags(page).texts["dd"] + Tags(page).texts["td"])
        assert f"{compressed.rom_bytes:,}" in text and f"{compressed.estimate.quality.divergence:.4f}" in text

    def test_its_layers(self, compressed):
        levels = {node.name: node.weight for node in compressed.graph.nodes if hasattr(node, "weight")}
        for layer in compressed.layers:
            weight = levels[layer.name]
            assert (layer.weights, layer.nonzero) == (weight.size, np.count_nonzero(weight))
            assert layer.levels == len(np.unique(weight[weight != 0])) and layer.error > 0


def test_a_build(tmp_path):
    """What it is made of is compiled again; the loss and the steps are as they were kept."""
    loss = Loss(expected=0.0123, error=0.004, agreement=0.95, divergence=0.1, images=40)
    built = BuiltNetwork(name="net", board="ulx3s_25f", folder=tmp_path, model=EMBEDDED["digits"], program=tmp_path,
                         loss=loss, rom_bytes=1, memory_share=0.5, cycles=1, frames_per_second=1.0,
                         end_to_end=EndToEnd(1.0, 0.5, 0.1, 0.9),
                         steps=(StepOutcome("quantize", "int8, with 80 images"),))
    page = built.write_report(tmp_path / "r.html")
    check_page(page)
    text = Tags(page)
    assert text.texts["h1"] == ["net, built for ulx3s_25f"]
    assert {"int8, with 80 images", "1.23 ± 0.40", "95.0%", "40"} <= set(text.texts["td"])
    assert {"cycles-by-layer", "timeline", "rom-by-layer"} <= set(plots(page)) and "critical-path" not in plots(page)
    nothing_lost = replace(built, loss=None).write_report(tmp_path / "n.html")
    assert "What is lost" not in Tags(nothing_lost).texts["h2"]
