"""Signatures of the port groups: equal if their members are, and readable in messages."""

import pytest
from amaranth.lib.wiring import Out, Signature

from firelane.hw.blocks.ports import CsrBus, LoadRegisters, MemoryReadPort, PeekPort, TracePort
from firelane.hw.contract.config import EngineConfig

SMALL, LARGE = EngineConfig(banks=1, activation_words=16), EngineConfig(banks=8)


def test_equal_members_of_one_class_are_equal():
    assert CsrBus() == CsrBus() and PeekPort(SMALL) == PeekPort(SMALL)
    assert PeekPort(SMALL) != PeekPort(LARGE) and MemoryReadPort(10) != MemoryReadPort(11)
    assert CsrBus() != LoadRegisters() and CsrBus() != Signature(CsrBus().members)
    assert Signature({"bus": Out(CsrBus())}) == Signature({"bus": Out(CsrBus())})


@pytest.mark.parametrize("signature, text", [
    (CsrBus(), "CsrBus()"), (MemoryReadPort(18), "MemoryReadPort(18)"), (TracePort(SMALL), f"TracePort({SMALL!r})")])
def test_repr_makes_it_again(signature, text):
    assert repr(signature) == text
