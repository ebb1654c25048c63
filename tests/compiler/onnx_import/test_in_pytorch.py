"""compiler.onnx_import.in_pytorch: what is said about operators that the engine does not have, and about no others."""

from __future__ import annotations

import pytest

from firelane.compiler.onnx_import import OPERATORS, refuse_unsupported
from firelane.compiler.onnx_import.in_pytorch import CHANGES, change
from firelane.compiler.support.errors import FirelaneError, ModelError
from tests.compiler.onnx_import.test_malformed_models import one_layer


@pytest.mark.parametrize("operator", ["Tanh", "Softplus", "Elu", "Erf"])
def test_what_the_importer_refuses_has_a_change(operator):
    with pytest.raises(ModelError) as found:
        refuse_unsupported(one_layer(operator).graph)
    assert change(found.value) == CHANGES[operator]


def test_other_problems_have_none():
    assert change(FirelaneError("pool1 (MaxPool)", "stride [2, 3]")) == ""
    assert change(FirelaneError("net.onnx", "the engine has no such operator")) == ""


def test_operators_that_there_are_need_no_change():
    assert not CHANGES.keys() & {"Conv", "Relu", "Clip", "MaxPool", "AveragePool", "Concat", "Add", "Gemm", "Flatten"}
    assert CHANGES.keys() - OPERATORS.keys()
