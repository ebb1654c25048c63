"""An argument that is none of its kind is one line that names it, before any work."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import firelane
from firelane.cli.main import main
from firelane.compiler.support.errors import ConfigError
from firelane.models.catalogue import EMBEDDED
from tests.compiler.small_networks import SIDE, small_model

IMAGES = np.zeros((8, 3, SIDE, SIDE), np.uint8)
DIGITS = np.zeros((2, 1, 56, 56), np.uint8)


def quantize(*arguments, **options):
    return firelane.quantize(*(arguments or (small_model(), IMAGES)), **options)


def compress(calibration=IMAGES, **options):
    return firelane.compress(small_model(), calibration, **options)


@pytest.mark.parametrize("call, message", [
    (lambda: firelane.load(3), r"network: 3; a name, the path of an .onnx file, .*"),
    (lambda: firelane.load("digits", input_size=0), r"input_size: 0; a whole number from 1 on"),
    (lambda: firelane.estimate(3), r"network: 3; .*"),
    (lambda: firelane.estimate("digits", 3), r"board: unknown board '3'; one of .*"),
    (lambda: quantize(None, IMAGES), r"network: None; .*"),
    (lambda: quantize([1, 2, 3], IMAGES), r"network: \[1, 2, 3\]; .*"),
    (lambda: quantize(small_model(), None), r"calibration: None; a folder of images, an .npy file and .*"),
    (lambda: quantize(method="foo"), r"method: 'foo'; one of minmax, percentile, mse"),
    (lambda: quantize(limit=0), r"limit: 0; a whole number from 1 on"),
    (lambda: quantize(limit=True), r"limit: True; a whole number from 1 on"),
    (lambda: quantize(resize="big"), r"resize: resize big; 1 to \d+ pixels"),
    (lambda: compress(budget=-5), r"budget: -5; a number above 0"),
    (lambda: compress(budget="9KB"), r"budget: '9KB'; a number above 0"),
    (lambda: compress(max_drop=50), r"max_drop: 50; a number above 0, at most 1"),
    (lambda: compress(budget=9, method="foo"), r"method: 'foo'; .*"),
    (lambda: compress(budget=9, objective="foo"), r"objective: 'foo'; one of size, balanced, cycles"),
    (lambda: compress(budget=9, limit=1.5), r"limit: 1.5; .*"),
    (lambda: compress(budget=9, seed=-1), r"seed: -1; a whole number from 0 on"),
    (lambda: compress(budget=9, judge=7), r"judge: 7; a folder .*"),
    (lambda: compress([IMAGES[0]], budget=9), r"calibration: \[array\(.*\.\.\.; a folder .*"),
    (lambda: firelane.compile("digits", clock_hz=-1), r"clock_hz: -1; a number above 0"),
    (lambda: firelane.compile("digits", clock_hz="fast"), r"clock_hz: 'fast'; a number above 0"),
    (lambda: firelane.compile("digits", clock_hz=math.nan), r"clock_hz: nan; a number above 0"),
    (lambda: firelane.compile("digits", foo=3), r"foo: no size of an engine; one of banks, taps_per_cycle, .*"),
    (lambda: firelane.compile("digits", banks="8"), r"banks: '8'; a whole number"),
    (lambda: firelane.simulate("digits", images=0), r"images: 0; a whole number from 1 on"),
    (lambda: firelane.evaluate("digits", 3), r"images: 3; a folder .*"),
    (lambda: firelane.evaluate("digits", DIGITS, workers=-1), r"workers: -1; a whole number from 0 on"),
    (lambda: firelane.evaluate("digits", DIGITS, labels=[0, 99]),
     r"labels: 99 for image 1, the network has 10 classes; whole numbers from 0 to 9"),
    (lambda: firelane.evaluate("digits", DIGITS, labels=["five", 0]), r"labels: 'five' for image 0, .*"),
])
def test_one_line(call, message):
    with pytest.raises(ConfigError) as found:
        call()
    assert re.fullmatch(message, str(found.value), re.DOTALL)


def test_numbers_of_numpy_are_numbers():
    labels = np.array([0, 9])
    found = firelane.evaluate("digits", DIGITS, labels=labels)
    assert found.images == 2
    assert re.fullmatch(r"<NetworkEvaluation of 'digits_squeezenet' on 2 images: top-1 \d+\.00%, top-5 \d+\.00%>",
                        repr(found))
    assert firelane.compile("digits", clock_hz=np.float32(1e6), check=False).frames_per_second > 0


@pytest.mark.parametrize("clock", ["-1", "0", "fast", "nan"])
def test_a_clock_on_the_command_line(clock, tmp_path, capsys):
    assert main(["compile", str(EMBEDDED["digits"]), "--clock", clock, "-o", str(tmp_path / "out")]) == 2
    assert "clock" in capsys.readouterr().err and not (tmp_path / "out").exists()
