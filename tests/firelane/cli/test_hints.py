"""What messages tell a user to do can be done: options and commands exist, and no inner name is offered."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache

import click
import numpy as np
import pytest

import firelane as firelane_api
from firelane.cli.main import COMMANDS, firelane
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.config import EngineConfig
from tests.compiler.small_networks import SIDE, small_model
from tests.imports import MODULES

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
COMMAND = re.compile(r"(?<![\w./-])firelane ([a-z][a-z-]*)")
NAME = re.compile(r"(?<![\w./-])([a-z]+(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+)(?![\w/])")
SIZE = re.compile(rf"\b({'|'.join(field.name for field in fields(EngineConfig))})=")
INNER = ("row group", "row class", "descriptor", "kernel table", "space to depth", "quantize_input")
ONNX = {"channels_last"}                        #: attributes of its operators that are names of ours, too
TOOLS = {"firelane.boards.flow.bitstream"}      #: talks to nextpnr


def commands() -> Iterator[click.Command]:
    context = click.Context(firelane, **firelane.context_settings)
    for name in COMMANDS:
        command = firelane.get_command(context, name)
        yield command
        if isinstance(command, click.Group):
            yield from command.commands.values()


def options() -> set[str]:
    return {option for command in commands() for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "--version"}


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    return tuple((module, ast.parse(path.read_text())) for module, path in MODULES.items())


def texts() -> Iterator[tuple[str, str]]:
    """Where, and each text of several words that is no docstring; a NUL for what is put into it."""
    for module, tree in trees():
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
        documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | documents:
                text = node.value
            if " " in text:
                yield f"{module}:{node.lineno}", text


def hints() -> Iterator[tuple[str, str]]:
    """Where, and each text in a call that makes an error: by the name of what is called, or by its `hint`."""
    for module, tree in trees():
        for call in ast.walk(tree):
            name = getattr(getattr(call, "func", None), "id", getattr(getattr(call, "func", None), "attr", ""))
            keywords = {keyword.arg for keyword in getattr(call, "keywords", ())}
            told = name.endswith(("Error", "problem")) and name not in ("ValueError", "InvariantError", "EngineError")
            if isinstance(call, ast.Call) and (told or "hint" in keywords):
                for part in ast.walk(call):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield f"{module}:{part.lineno}", part.value


def test_the_walk_sees_messages():
    assert any("give --preset, or --mean, --scale, --channels, --resize" in text for _, text in hints())
    assert any("an AveragePool of 2 x 2 with stride 2 before it" in text for _, text in texts())
    assert len(list(hints())) > 700 and len(list(texts())) > 1500


def test_options_exist():
    known = options()
    assert {"--mean", "--average-bits", "--no-check", "--help"} <= known
    wrong = [(where, option) for where, text in texts() if where.partition(":")[0] not in TOOLS
             for option in OPTION.findall(text) if option not in known]
    assert wrong == []


def test_commands_exist():
    assert [(where, name) for where, text in texts() for name in COMMAND.findall(text) if name not in COMMANDS] == []


def test_no_function_of_ours_is_a_way_out():
    """Names of functions, methods and classes, where they cannot be taken for a word or for an attribute of ONNX."""
    ours = {node.name for _, tree in trees() for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert {"quantize_input", "read_image"} <= ours
    assert [(where, name) for where, text in hints() for name in NAME.findall(text) if name in ours - ONNX] == []
    assert [(where, text) for where, text in hints() if re.search(r"\bfirelane\.\w+\.\w+\.", text)] == []


def test_sizes_are_offered_by_their_options():
    assert [(where, text) for where, text in texts() if SIZE.search(text)] == []
    assert [(where, text) for where, text in hints() if any(words in text for words in INNER)] == []


def test_the_budget_that_is_offered_fits(tmp_path):
    """A network whose weights are too large, told how many bytes it may have, compressed to them, and compiled."""
    images = np.random.default_rng(0).integers(0, 256, (8, 3, SIDE, SIDE), dtype=np.uint8)
    network = firelane_api.quantize(small_model(density=0.9), images)
    words = len(firelane_api.compile(network).compiled.program.contents.weights)
    with pytest.raises(FirelaneError, match="^weight_words: ") as caught:
        firelane_api.compile(network, weight_words=words * 2 // 3)
    budget = int(re.search(r"--budget (\d+) ", caught.value.hint)[1])
    smaller = firelane_api.compress(network, images, budget=budget, thorough=False)
    fitting = firelane_api.compile(smaller, weight_words=words * 2 // 3)
    assert words // 4 < len(fitting.compiled.program.contents.weights) <= words * 2 // 3
