"""What commands say of themselves: that an interrupted one goes on."""

from __future__ import annotations

import pytest

from firelane.cli.support.terminal import goes_on
from firelane.compiler.support.interrupts import Terminated


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Terminated])
def test_what_is_interrupted_says_that_it_goes_on(stop, capsys):
    with pytest.raises(stop), goes_on():
        raise stop
    assert capsys.readouterr().err == "what is finished is kept: the same command goes on from there\n"


def test_what_ends_or_fails_does_not(capsys):
    with goes_on():
        pass
    with pytest.raises(ValueError), goes_on():
        raise ValueError
    assert capsys.readouterr().err == ""
