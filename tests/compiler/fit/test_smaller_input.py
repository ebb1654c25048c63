"""compiler.fit.smaller_input: the size that is found is computed, the next larger one is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

import firelane
from firelane.compiler.fit.smaller_input import LEAST, SLIPS, STEPS, largest_input
from firelane.compiler.lower import lower
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.resized import resized_model
from firelane.compiler.schedule.search import schedule
from firelane.compiler.support.errors import CapacityError
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import EMBEDDED, find

CFG, PATH = EngineConfig(banks=2), Path("model")


@pytest.fixture(scope="module")
def model():
    return onnx.load(find("squeezenet1.1", input_size=64).path)


def test_the_largest_size(model):
    rows, columns = largest_input(model, CFG)
    step = 64 // STEPS + SLIPS
    assert rows == columns and LEAST <= rows < 64
    plan = schedule(lower(graph_of(resized_model(model, (rows, columns)), PATH), CFG), CFG)
    assert plan.peak_words <= CFG.activation_words
    with pytest.raises(CapacityError):
        schedule(lower(graph_of(resized_model(model, (rows + step, columns + step)), PATH), CFG), CFG)


def test_the_graph_of_another_size(model):
    graph = graph_of(resized_model(model, (48, 32)), PATH)
    assert graph.tensors[graph.input].shape == (3, 48, 32)
    assert graph.tensors[graph.output].shape == firelane.load(model).output_shape


def test_none():
    digits = onnx.load(EMBEDDED["digits"])
    assert largest_input(digits, replace(CFG, activation_words=16)) is None
    assert largest_input(digits, replace(CFG, program_words=32)) is None
