"""The environment of the tests, and of the processes that they start."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
def test_no_terminal_decides_how_wide_tables_are(name):
    seen = subprocess.run([sys.executable, "-c", f"import os; print(os.environ.get({name!r}))"], capture_output=True,
                          text=True, check=True)
    assert name not in os.environ and seen.stdout == "None\n"
