"""What training may begin with."""

from __future__ import annotations

import onnx
import pytest

from firelane.compiler.onnx_import.reader import read_input
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.train.classifier import take_apart
from firelane.models import published_data, starts
from firelane.models.catalogue import EMBEDDED
from firelane.models.starts import FLOAT, start_of


@pytest.mark.parametrize("name", FLOAT)
def test_embedded_networks_as_they_were_before_quantization(name):
    trunk = take_apart(start_of(name))
    assert trunk.layer == "conv10" and read_input(trunk.model.graph).dims == (1, 56, 56)


def test_files_and_models(tmp_path):
    model = onnx.load(FLOAT["digits"])
    onnx.save(model, tmp_path / "net.onnx")
    assert start_of(tmp_path / "net.onnx") == tmp_path / "net.onnx" and start_of(model) is model


@pytest.mark.parametrize("source, size, message", [
    ("digitz", None, r"^start: digitz: no such network; did you mean digits\?"),
    ("squeezenet1.1", None, "squeezenet1.1: its trained weights are not here; a float ONNX file, a .pth"),
    ("digits", 64, "^input_size: digits has one size only"),
    (EMBEDDED["digits"], None, "is quantized, and training begins with a float network"),
    (FLOAT["digits"], 64, "^input_size: an ONNX model has one size only"),
    ("none.onnx", None, "none.onnx: No such file or directory")])
def test_refused(source, size, message):
    with pytest.raises(FirelaneError, match=message):
        start_of(source, size)


def test_published_weights_that_are_not_here(monkeypatch, tmp_path):
    monkeypatch.setenv("FIRELANE_DATA", str(tmp_path))
    with pytest.raises(FirelaneError, match="squeezenet1.0: its trained weights are not here"):
        start_of("squeezenet1.0")


@pytest.mark.skipif(published_data.net_file() is None, reason="the published weights are not here")
def test_published_weights():
    trunk = take_apart(start_of("squeezenet1.0", 227))
    assert read_input(trunk.model.graph).dims == (3, 227, 227) and trunk.features == 512


def test_a_state_dict_without_pytorch(monkeypatch):
    monkeypatch.setattr(starts, "from_extra", lambda module, extra, who: pytest.fail(f"{module} {extra} {who}"))
    with pytest.raises(pytest.fail.Exception, match=r"torchvision_weights train --from \./net\.pth"):
        start_of("./net.pth")
