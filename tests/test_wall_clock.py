"""No test knows how fast the machine is: none reads a clock, sleeps, or waits for so many seconds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
WAITING = {"wait", "join", "result", "acquire", "communicate"}      #: methods whose first argument is seconds


def is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line, and what is wrong with it."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(name.name == "time" for name in names):
                yield node.lineno, "the module `time`"
            case ast.ImportFrom(module="time"):
                yield node.lineno, "the module `time`"
            case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep")):
                yield node.lineno, "a sleep"
            case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]) if name in WAITING and is_number(first):
                yield node.lineno, f"{name}() for so many seconds"
            case ast.keyword(arg="timeout" | "deadline", value=value) if not is_none(value):
                yield node.value.lineno, f"{node.arg}="


def test_no_test_knows_the_time():
    found = [f"{path.relative_to(TESTS.parent)}:{line}: {fault}" for path in sorted(TESTS.rglob("*.py"))
             for line, fault in faults(ast.parse(path.read_text()))]
    assert not found, ("\n".join(found) + "\nWait for what happens, count cycles or calls, or give what you test a "
                       "clock of your own; a hang is the runner's affair (faulthandler_timeout in pyproject.toml).")


@pytest.mark.parametrize("source, fault", [
    ("import os, time", "the module `time`"), ("from time import monotonic as now", "the module `time`"),
    ("await asyncio.sleep(1)", "a sleep"), ("process.wait(300)", "wait() for so many seconds"),
    ("future.result(0.5)", "result() for so many seconds"), ("subprocess.run(command, timeout=LONG)", "timeout="),
    ("@settings(deadline=200)\ndef f(): pass", "deadline="),
])
def test_what_is_found(source, fault):
    assert [text for _, text in faults(ast.parse(source))] == [fault]


@pytest.mark.parametrize("source", [
    "process.wait()", "host.wait(cycles + 100)", "', '.join(words)", "lock.acquire(False)", "f(timeout_cycles=9)",
    "event.wait(timeout=None)", "@settings(deadline=None)\ndef f(): pass", "link.seconds == 3",
])
def test_what_is_no_fault(source):
    assert not list(faults(ast.parse(source)))


def test_random_tests_have_no_deadline():
    assert settings().deadline is None and HealthCheck.too_slow in settings().suppress_health_check


def test_the_runner_ends_a_hang(pytestconfig):
    assert float(pytestconfig.getini("faulthandler_timeout")) >= 3600
    assert pytestconfig.getini("faulthandler_exit_on_timeout")
