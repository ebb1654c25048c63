"""Errors, in the words of who typed a command and of who called a function."""

import pickle

import pytest

import firelane
from firelane.cli.main import main
from firelane.compiler.support.errors import ConfigError, FirelaneError


@pytest.mark.parametrize("where, argument", [
    ("--port", "port"), ("--input-size", "input_size"), ("--calib", "calibration"), ("a.onnx", "a.onnx"), ("-o", "-o")])
def test_an_option_has_the_name_that_it_has_in_python(where, argument):
    error = pickle.loads(pickle.dumps(FirelaneError(where, "'x'", hint="one of y, z")))
    assert str(error) == f"{argument}: 'x'; one of y, z"
    assert error.typed == f"{where}: 'x'; one of y, z"


def test_one_error_in_both_worlds(capsys):
    with pytest.raises(ConfigError, match="^board: unknown board 'ulx3s'; did you mean "):
        firelane.estimate("digits", "ulx3s")
    assert main(["estimate", "digits", "--board", "ulx3s"]) == 2
    assert capsys.readouterr().err.startswith("error: --board: unknown board 'ulx3s'; did you mean ")
