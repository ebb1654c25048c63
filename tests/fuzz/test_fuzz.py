"""Two thousand mutated inputs: refused in a line, or computed right."""

import os
import re

import numpy as np
import pytest

from firelane.compiler.artefact import container
from tests.boards.host.digits import compiled
from tests.fuzz import mutations
from tests.fuzz.run import COLUMNS, Tally, run, table, try_case
from tests.fuzz.targets import TARGETS, Ending, Hang

CASES = 2000
#: Shares of cases that a target must accept, else little is tried; about half of what was measured.
LEAST_EQUAL = {"quantized ONNX graph": 0.12, "float ONNX graph": 0.2, "program.bin": 0.02, "manifest.json": 0.1,
               "Deep Compression file": 0.05, "link frames": 0.4}


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs(tmp_path, name):
    cases = CASES * TARGETS[name][1] // sum(weight for _, weight in TARGETS.values())
    tally = run(cases, 2, tmp_path, only=name)[name]
    assert tally.sound, tally.faults
    counts = tally.counts
    assert counts["tried"] == cases == counts["refused"] + counts["equal"]
    assert counts["equal"] >= LEAST_EQUAL[name] * cases


def test_every_ending_is_counted(tmp_path):
    def ends(case):
        def target(rng, folder):
            match case:
                case 0:
                    raise Hang("work")
                case 1:
                    raise RecursionError("deep")
            return list(Ending)[case - 2]
        return target

    tally = Tally()
    for case in range(5):
        try_case(tally, ends(case), (1, 0, case), tmp_path, 0)
    assert tally.counts == {"tried": 5, "refused": 1, "equal": 1, "wrong": 1, "tracebacks": 1, "hangs": 1}
    assert not tally.sound and [case for case, _ in tally.faults] == [0, 1, 4]
    assert table({"x": tally})[-1] == "| all | 5 | 1 | 1 | 1 | 1 | 1 |" and table({})[0].count("|") == len(COLUMNS) + 2


def test_the_same_seed_makes_the_same_case():
    given = os.urandom(100)
    first, second, other = (mutations.octets(np.random.default_rng(seed), given) for seed in (1, 1, 2))
    assert first == second != other
    document = {"a": [1, {"b": 2}], "c": "d"}
    assert str(mutations.document(np.random.default_rng(1), document)) == str(
        mutations.document(np.random.default_rng(1), document)) and document == {"a": [1, {"b": 2}], "c": "d"}


def test_a_fault_is_found(tmp_path, monkeypatch):
    """A reader that takes damaged words for right ones is caught."""
    plain = container.from_bytes
    good = container.to_bytes(compiled("digits").program.contents)
    monkeypatch.setattr(container, "from_bytes",
                        lambda octets, where: plain(octets if len(octets) % 2 else good, where))
    tally = run(60, 2, tmp_path, only="program.bin")["program.bin"]
    assert tally.counts["wrong"] > 0 and re.match("wrong", tally.faults[0][1])
