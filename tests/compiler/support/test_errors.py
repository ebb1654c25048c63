"""Errors that have come from another process say the same."""

import pickle

import pytest

from firelane.compiler.onnx_import.problems import ModelErrors
from firelane.compiler.support.errors import CapacityError, ConfigError, FirelaneError, ModelError
from firelane.compiler.support.problems import LISTED_MAX, further, raise_all


@pytest.mark.parametrize("kind", [FirelaneError, ModelError, CapacityError, ConfigError])
def test_pickled(kind):
    found = pickle.loads(pickle.dumps(kind("conv1", "kernel 9 x 9", hint="at most 7 x 7")))
    assert type(found) is kind and str(found) == "conv1: kernel 9 x 9; at most 7 x 7"
    assert (found.where, found.found, found.hint) == ("conv1", "kernel 9 x 9", "at most 7 x 7")


def test_several_at_once_pickled():
    problems = [ModelError("a", "b"), ModelError("c", "d", hint="e")]
    found = pickle.loads(pickle.dumps(ModelErrors(problems)))
    assert str(found) == "a: b (and 1 more)" and [str(other) for other in further(found)] == ["c: d; e"]
    with pytest.raises(ModelError) as raised:
        raise_all(problems)
    assert [str(other) for other in further(pickle.loads(pickle.dumps(raised.value)))] == ["c: d; e"]


def test_at_most_some_are_listed():
    def raised(count: int) -> FirelaneError:
        with pytest.raises(FirelaneError) as caught:
            raise_all([FirelaneError(f"node {number}", "bad") for number in range(count)])
        return caught.value
    assert [problem.where for problem in further(raised(LISTED_MAX))] == [f"node {n}" for n in range(1, LISTED_MAX)]
    *shown, rest = further(raised(15_000))
    assert len(shown) == LISTED_MAX - 1 and str(rest) == "14980 more problems: not listed; mend those above first"
