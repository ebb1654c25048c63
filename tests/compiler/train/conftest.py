"""Every test of training keeps what it makes in a folder of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    """The folder, which FIRELANE_BUILD names."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    return tmp_path / "build"
