"""Names of the values of signals, opcodes and states, which the engine's Verilog has as attributes."""

from __future__ import annotations

import re
from pathlib import Path

_MODULE = re.compile(r"^module \\?(\S+?)(?: |\()")
_VALUE = re.compile(r'^\s*\(\* enum_value_([01]+) = "([^"]*)" \*\)')
_SIGNAL = re.compile(r"^\s*(?:wire|reg|input|output)(?: reg| wire)?(?: \[\d+:\d+\])? \\?(\S+?)(?: |;|$)")
_NUMBER = re.compile(r"\$\d+$")

Names = dict[int, str]


def enum_names(verilog: Path) -> dict[tuple[str, ...], Names]:
    """Path of a signal, from the engine's module on -> names of its values."""
    found: dict[tuple[str, ...], Names] = {}
    module: tuple[str, ...] = ()
    names: Names = {}
    for line in verilog.read_text().splitlines():
        if match := _MODULE.match(line):
            module = tuple(_NUMBER.sub("", part) for part in match[1].split("."))
        elif match := _VALUE.match(line):
            names[int(match[1], 2)] = match[2]
        elif match := _SIGNAL.match(line):
            if names:
                found.setdefault((*module, match[1]), names)
            names = {}
    return found
