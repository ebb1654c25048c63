"""Whatever makes a network or a program ends by asking ONNX Runtime; a fault of ours cannot stay silent."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import firelane
from firelane.cli.main import main
from firelane.compiler.onnx_import import OPERATORS, operators
from firelane.compiler.quantize import channel_scalings
from tests.compiler.quantize.test_canonical import FloatModel
from tests.compiler.small_networks import SIDE, small_model


@pytest.fixture
def images(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 3, SIDE, SIDE), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    return tmp_path / "images.npy"


@pytest.fixture
def network(images, tmp_path):
    """A quantized network, in a file."""
    made = firelane.quantize(small_model(), images)
    assert made.agreement is not None and made.agreement.images > 2
    return made.save(tmp_path / "q.onnx")


@pytest.fixture
def faulty(monkeypatch):
    """Makes the importer join maps in the wrong order."""
    def backwards(view):
        return operators.concat_of(view, [view.real_map(index) for index in reversed(range(len(view.node.input)))], 1)
    return lambda: monkeypatch.setitem(OPERATORS, "Concat", backwards)


class TestAFaultOfTheImporter:
    def test_is_found_by_compile(self, network, faulty, tmp_path, capsys):
        assert main(["compile", str(network), "-o", str(tmp_path / "out")]) == 0
        assert "equals ONNX Runtime: " in capsys.readouterr().out
        faulty()
        assert main(["compile", str(network), "-o", str(tmp_path / "other")]) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: fire2/concat: differs from ONNX Runtime by ") and len(said.splitlines()) == 1
        assert not (tmp_path / "other").exists()
        assert main(["compile", str(network), "--no-check", "-o", str(tmp_path / "other")]) == 0

    def test_is_found_by_quantize(self, images, faulty, tmp_path, capsys):
        onnx.save(small_model(), tmp_path / "float.onnx")
        faulty()
        arguments = ["quantize", str(tmp_path / "float.onnx"), "--calib", str(images), "-o", str(tmp_path / "out.onnx")]
        assert main(arguments) == 2 and not (tmp_path / "out.onnx").exists()
        assert "differs from ONNX Runtime by " in capsys.readouterr().err
        assert main([*arguments, "--no-check"]) == 0 and (tmp_path / "out.onnx").exists()

    def test_is_found_by_compress(self, network, images, faulty):
        found = firelane.compress(network, images, budget=6000, thorough=False)
        assert found.agreement is not None and "equals ONNX Runtime" in str(found.agreement)
        faulty()
        with pytest.raises(firelane.FirelaneError, match="differs from ONNX Runtime by"):
            firelane.compress(network, images, budget=6000, thorough=False)


@pytest.mark.parametrize("make", [firelane.quantize,
                                  lambda *given: firelane.compress(*given, budget=6000, thorough=False)],
                         ids=["quantize", "compress"])
def test_a_fault_of_a_rewriting_is_found(make, monkeypatch):
    """The factors of a BatchNormalization are forgotten: what is made agrees with itself, but not with the file."""
    model = FloatModel()
    numbers = [model.constant(np.full(3, value, np.float32)) for value in (2, 0, 0, 1)]
    value = model.node("BatchNormalization", model.node("Relu", model.conv("image", 3, 3, 3, 3)), *numbers)
    proto = model.proto(model.head(value, 3))
    images = np.random.default_rng(0).normal(0, 1, (8, 3, 12, 12)).astype(np.float32)
    assert make(proto, images).agreement is not None
    monkeypatch.setattr(channel_scalings, "_scale_conv", lambda *arguments, **options: None)
    with pytest.raises(firelane.FirelaneError, match="brought into the form that is quantized, its results differ by"):
        make(proto, images)
