"""State dicts of torchvision's SqueezeNets."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.frame_io.preprocessing import preprocessing_of
from firelane.compiler.frame_io.presets import preset_record
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.onnx_runtime import open_session

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'firelane[train]'")
from firelane.models.torchvision_weights import read_state_dict  # noqa: E402 (it imports torch)

SIDE = 64


@pytest.mark.parametrize("name, classes", [("squeezenet1_0", 1000), ("squeezenet1_1", 7)])
def test_it_computes_what_torchvision_does(name, classes, tmp_path):
    models = pytest.importorskip("torchvision", reason="torchvision is not installed").models
    torch.manual_seed(0)
    network = getattr(models, name)(weights=None, num_classes=classes).eval()
    torch.save(network.state_dict(), tmp_path / "net.pth")
    model = read_state_dict(tmp_path / "net.pth", SIDE)
    assert preprocessing_of(metadata(model)) == preset_record("torchvision", (3, SIDE, SIDE))
    image = np.random.default_rng(0).normal(size=(1, 3, SIDE, SIDE)).astype(np.float32)
    with torch.no_grad():
        wanted = torch.softmax(network(torch.from_numpy(image)), 1).numpy()
    assert open_session(model).run(None, {"image": image})[0] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("state, message", [
    ([1, 2], "holds a list"), ({}, "has no features.0.weight"),
    ({"features.0.weight": torch.zeros(5, 3, 3, 3), "classifier.1.weight": torch.zeros(2, 512, 1, 1)},
     r"features\.0\.weight has shape \(5, 3, 3, 3\)"),
    ({"features.0.weight": torch.zeros(64, 3, 3, 3), "classifier.1.weight": torch.zeros(2, 512, 1, 1)},
     "has 0 fire modules, squeezenet1.1 has 8"),
    ({"features.0.weight": torch.full((64, 3, 3, 3), torch.nan)}, "has values that are not finite")])
def test_what_is_none(state, message, tmp_path):
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(FirelaneError, match=message):
        read_state_dict(tmp_path / "net.pth", SIDE)


@pytest.mark.parametrize("content, message", [(None, "No such file"), (b"PK damaged", "not a file of tensors alone")])
def test_files_that_cannot_be_read(content, message, tmp_path):
    if content is not None:
        (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(FirelaneError, match=message):
        read_state_dict(tmp_path / "net.pth", SIDE)
