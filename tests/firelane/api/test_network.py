"""firelane.load and Network."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import onnx
import pytest

import firelane
from firelane.compiler.frame_io.preprocessing import INPUT_KEY, Preprocessing
from firelane.models.catalogue import EMBEDDED
from tests.compiler.onnx_import.small_models import Model
from tests.compiler.small_networks import SIDE, small_model


@pytest.mark.parametrize("source", [
    "digits", Path("digits"), str(EMBEDDED["digits"]), EMBEDDED["digits"], onnx.load(EMBEDDED["digits"])],
    ids=["name", "path", "file", "path of file", "model"])
def test_every_way_to_name_a_network(source):
    network = firelane.load(source)
    assert (network.input_shape, network.output_shape, network.classes) == ((1, 56, 56), (10, 1, 1), 10)
    assert network.quantized and firelane.load(network) is network
    assert [node.name for node in network.graph.nodes] == [node.name for node in firelane.load("digits").graph.nodes]


def test_it_is_frozen_and_short_to_look_at():
    network = firelane.load("digits")
    assert repr(network) == "<Network 'digits', quantized, images of 1 x 56 x 56>"
    with pytest.raises(FrozenInstanceError):
        network.name = "other"


def test_a_float_network(tmp_path):
    network = firelane.load(small_model())
    assert not network.quantized and network.input_shape == (3, SIDE, SIDE)
    with pytest.raises(firelane.FirelaneError, match="a float model, the engine computes with integers; quantize it"):
        _ = network.classes
    saved = network.save(tmp_path / "f.onnx")
    assert firelane.load(saved).model == network.model and firelane.load(saved).path == saved


@pytest.mark.parametrize("source, message", [
    ("yolo", "model: yolo: no such network; a file, or one of digits, digits-bypass, squeezenet1.0, "),
    (Path("resnet"), "resnet: No such file or directory; give the path of an .onnx file")])
def test_what_is_not_there(source, message):
    with pytest.raises(firelane.FirelaneError) as found:
        firelane.load(source)
    assert str(found.value).startswith(message)


@pytest.mark.parametrize("source", ["digits", EMBEDDED["digits"], small_model()], ids=["name", "file", "model"])
def test_the_size_of_a_network_that_has_one(source):
    with pytest.raises(firelane.FirelaneError, match="input_size: .* has one size only"):
        firelane.load(source, input_size=64)


@pytest.mark.parametrize("record, said", [
    ("[" * 100_000, "is nested too deeply; docs/images.md says what it holds"),
    ("no JSON", "cannot be understood (Expecting value: line 1 column 1 (char 0)); docs/images.md says what it holds"),
    (Preprocessing(channels="gray").to_json(), "channels gray, the input has 3; correct it with --channels")])
def test_a_record_that_no_image_could_follow(record, said):
    """What a compiled folder would be refused for when it is read, `compile` refuses."""
    model = Model()
    proto = model.proto(model.quantized(model.conv(model.quantized("image"), 4, 3, 1, 1)), **{INPUT_KEY: record})
    with pytest.raises(firelane.FirelaneError) as caught:
        firelane.compile(proto, check=False)
    assert str(caught.value) == f"metadata {INPUT_KEY}: {said}"
