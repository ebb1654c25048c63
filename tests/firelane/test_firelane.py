"""The Python API as `help(firelane)` shows it: its worked example, its names."""

from __future__ import annotations

import doctest
import inspect
import pydoc

import firelane


def test_the_worked_example():
    """On the digits network, the simulation included."""
    [example] = doctest.DocTestFinder(recurse=False).find(firelane, "firelane")
    assert len(example.examples) >= 7
    assert doctest.DocTestRunner().run(example).failed == 0


def test_help_has_every_name():
    text = pydoc.render_doc(firelane, renderer=pydoc.plaintext)
    for name in firelane.__all__:
        value = getattr(firelane, name)
        assert f"class {name}" in text or f"{name}(" in text, name
        assert inspect.getdoc(value), name


def test_every_argument_is_explained_and_typed():
    for name in firelane.__all__:
        function = getattr(firelane, name)
        if not inspect.isfunction(function):
            continue
        signature, text = inspect.signature(function), inspect.getdoc(function)
        for parameter in signature.parameters.values():
            assert parameter.annotation is not parameter.empty, (name, parameter.name)
            assert parameter.name in text.partition("Parameters")[2].partition("Raises")[0], (name, parameter.name)
        assert signature.return_annotation is not signature.empty and "FirelaneError" in text, name
