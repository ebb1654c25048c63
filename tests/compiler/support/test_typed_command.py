"""Commands to be copied: a shell reads the words again that were given."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from firelane.compiler.support.typed_command import typed


@pytest.mark.parametrize("words", [
    ("run", "IMAGE", "--port", "auto"),
    ("run", "my cat.jpg", "it's $HOME", "a;b", ""),
    ("board-sim", Path("out ü y/program")),
])
def test_a_shell_reads_the_words_again(words):
    assert shlex.split(typed(*words)) == ["firelane", *map(str, words)]


def test_plain_words_stay_as_they_are():
    assert typed("load", "build/net", "--port", "/dev/ttyUSB0") == "firelane load build/net --port /dev/ttyUSB0"
