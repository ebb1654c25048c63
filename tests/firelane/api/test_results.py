"""What the functions return: figures, not text. What they compute is tested in the rooms that they call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from rich.console import Console

import firelane
from firelane import boards
from firelane.boards import all_boards, get_board
from firelane.compiler.artefact.reader import read_model
from firelane.compiler.frame_io.preprocessing import INPUT_KEY
from firelane.compiler.tiles.larger_engine import weight_bytes
from firelane.models.catalogue import EMBEDDED
from firelane.models.digits import load_split
from firelane.models.drawn_digits import drawn_digits
from tests.compiler.small_networks import SIDE, small_model
from tests.firelane.report.pages import Tags, bars, check_page

HELD_OUT = load_split()[1]
PIXELS = np.ascontiguousarray(HELD_OUT.images.transpose(0, 3, 1, 2))
FLOAT_DIGITS = EMBEDDED["digits"].with_name("digits_squeezenet_float.onnx")


@pytest.fixture(scope="module")
def quantized():
    """The float digits, calibrated with pixels in memory."""
    return firelane.quantize(FLOAT_DIGITS, PIXELS[:16], method="mse", channels="gray")


class TestCompile:
    def test_figures(self, tmp_path):
        compiled = firelane.compile("digits", "ulx3s_25f", clock_hz=50e6)
        assert compiled.fits and compiled.board == "ulx3s_25f" and compiled.engine.banks == 2
        assert compiled.frames_per_second == 50e6 / compiled.cycles
        assert sum(layer.cycles for layer in compiled.layers) <= compiled.cycles
        assert {line.name for line in compiled.usage} >= {"weight memory (words)", "EBR", "DSP", "LUT (estimate)"}
        found = read_model(compiled.save(tmp_path / "d"))
        assert found.contents == compiled.compiled.program.contents and found.engine == compiled.engine
        assert f"{compiled.cycles:,} cycles a frame" in repr(compiled) and "for ulx3s_25f" in repr(compiled)

    def test_tables_for_the_terminal(self):
        console = Console(width=120)
        with console.capture() as text:
            console.print(firelane.compile("digits", banks=4))
        assert "What fits" in text.get() and "fire2" in text.get()

    def test_everything_that_is_wrong_at_once(self):
        with pytest.raises(firelane.FirelaneError, match="node 'conv1': rows of 27 pixels") as found:
            firelane.compile("digits", banks=1, activation_words=100)
        assert [problem.where for problem in found.value.further] == ["node 'pool1'"]


def test_fit():
    found = firelane.fit("digits")
    assert [fit.board for fit in found] == [board.name for board in all_boards()]
    assert all(fit.fits == (not fit.problems) for fit in found) and {fit.fits for fit in found} == {True, False}
    [small] = firelane.fit("digits", "ulx3s_12f")
    assert small.problems[0].hint == "a smaller engine, or a larger board" and "LUT" in small.reason
    with pytest.raises(firelane.FirelaneError, match="unknown board 'ice40'"):
        firelane.fit("digits", "ice40")


def test_quantize(quantized, tmp_path):
    assert quantized.quantized and (quantized.images, quantized.method, quantized.takes_pixels) == (16, "mse", True)
    assert quantized.path is None and quantized.classes == 10
    assert firelane.load(quantized.save(tmp_path / "q.onnx")).model == quantized.model


def test_quantize_with_a_record_in_numbers():
    given = small_model()
    del given.metadata_props[:]
    pixels = np.random.default_rng(3).integers(0, 256, (4, *firelane.load(given).input_shape), np.uint8)
    network = firelane.quantize(given, pixels, mean=(120.0, 110.0, 100.0), scale=0.02, channels="BGR")
    assert INPUT_KEY in {entry.key for entry in network.model.metadata_props}
    with pytest.raises(firelane.FirelaneError, match="mean: .*; one number, or several with commas between"):
        firelane.quantize(given, pixels, mean="a,b")


def test_evaluate(quantized):
    found = firelane.evaluate(quantized, PIXELS[:20], labels=HELD_OUT.labels[:20].tolist(), float_model=FLOAT_DIGITS,
                              channels="gray")
    assert found.images == 20 and found.top1 == found.score("reference").top1 >= 0.9 and found.top5 == 1.0
    assert found.agreement >= 0.9 and found.layers and found.images_per_second > 0
    assert "seconds" not in found.to_json()
    with pytest.raises(firelane.FirelaneError, match="^derive_float: "):
        firelane.evaluate(quantized, PIXELS[:2], float_model=FLOAT_DIGITS, derive_float=True)


def test_compress():
    given = small_model()
    pixels = np.random.default_rng(3).integers(0, 256, (8, *firelane.load(given).input_shape), np.uint8)
    full = firelane.compile(firelane.quantize(given, pixels)).rom_bytes
    found = firelane.compress(given, pixels, budget=full - 200, thorough=False)
    assert 0 < found.rom_bytes <= full - 200 and 0 < found.nonzero < found.weights and found.tap_cycles > 0
    assert isinstance(found, firelane.Network) and found.quantized
    assert firelane.compile(found).rom_bytes == found.rom_bytes
    assert str(found).startswith(f"{found.rom_bytes:,} bytes of ROM")
    assert found.estimate.used == 6 and found.estimate.quality.images == 2 and found.board is found.report is None
    for goals in ({}, {"budget": 1, "max_drop": 0.1}, {"budget": 1, "board": "ulx3s_25f"}):
        with pytest.raises(firelane.FirelaneError, match="one goal is needed; give budget, max_drop or board"):
            firelane.compress(given, pixels, **goals)


class TestCompressForABoard:
    """The weight memory of its engine is filled, and the result compiles for it."""

    @pytest.fixture
    def pixels(self):
        return np.random.default_rng(3).integers(0, 256, (8, 3, SIDE, SIDE), np.uint8)

    def test_what_does_not_fit(self, pixels):
        """Compiled for a smaller engine than the board has, so that a small network is too large."""
        plain = firelane.quantize(small_model(density=0.9), pixels)
        words = len(firelane.compile(plain, "ulx3s_25f").compiled.program.contents.weights) * 2 // 3
        with pytest.raises(firelane.FirelaneError, match="^weight_words: "):
            firelane.compile(plain, "ulx3s_25f", weight_words=words)
        found = firelane.compress(small_model(density=0.9), pixels, board="ulx3s_25f", weight_words=words,
                                  thorough=False)
        assert 0.8 * weight_bytes(words) < found.rom_bytes <= weight_bytes(words)
        compiled = firelane.compile(found, "ulx3s_25f", weight_words=words)
        assert compiled.fits and found.report.cost.total == compiled.cycles and found.report.fits
        assert f"compiles for ulx3s_25f: {compiled.cycles:,} cycles a frame, " in str(found)

    def test_small_symbol_tables_count(self, pixels, monkeypatch):
        """They are the engine's: with less room in them codes are shared, and take more words."""
        monkeypatch.setitem(boards._BOARDS, "small", replace(get_board("ulx3s_25f"), name="small", engine=replace(
            get_board("ulx3s_25f").engine, value_symbols=64, run_symbols=16)))
        plain = firelane.compile(firelane.quantize(small_model(), pixels), "small")
        words = len(plain.compiled.program.contents.weights)
        found = firelane.compress(small_model(), pixels, board="small", weight_words=words * 3 // 4, thorough=False)
        assert firelane.compile(found, "small", weight_words=words * 3 // 4).fits

    @pytest.mark.parametrize("board, sizes, message", [
        ("nexys", {}, "^board: unknown board 'nexys'; one of "),
        ("ulx3s_12f", {}, r"^ulx3s_12f: the engine needs [\d,]+ LUT of 12,000; a smaller engine, or a larger board$"),
        ("ulx3s_25f", {"banks": 16}, "^ulx3s_25f: the engine needs "),
        ("ulx3s_25f", {"activation_words": 30}, "activation")])
    def test_what_weights_do_not_help(self, pixels, board, sizes, message):
        """It is refused before the work."""
        stages = []
        with pytest.raises(firelane.FirelaneError, match=message):
            firelane.compress(small_model(), pixels, board=board, **sizes,
                              progress=lambda stage, done, total: stages.append(stage))
        assert not [stage for stage in stages if stage.startswith("compressing, ")]


def test_simulate(tmp_path):
    said = []
    found = firelane.simulate(onnx.load(EMBEDDED["digits"]), images=3, say=said.append)
    assert found.results.shape == (3, 10, 1, 1) and found.results.dtype == np.uint8
    assert found.results.argmax(axis=1).ravel().tolist() == drawn_digits().labels[:3].tolist() and found.correct == 3
    assert found.cycles >= found.predicted_cycles == found.report.predicted_frame_cycles
    assert found.layers[0].name == "load" and found.waves is None
    page = found.write_report(tmp_path / "r.html")
    check_page(page)
    for trace, field in (("measured", "measured"), ("ideal", "ideal"), ("predicted", "predicted")):
        assert bars(page, "cycles-measured", trace) == {line.name: getattr(line, field) for line in found.layers}
    assert bars(page, "prediction-errors") == {line.name: 100 * line.error for line in found.layers if line.error}
    assert "30 result values of 3 frames were compared" in " ".join(Tags(page).texts["p"])
