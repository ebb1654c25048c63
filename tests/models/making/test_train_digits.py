"""Training, as far as it needs no torch."""

from __future__ import annotations

import sys

from firelane.models.making.train_digits import main as train_main


def test_training_without_torch_is_one_line_and_exit_code_2(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "firelane.models.making.digits_torch", raising=False)
    assert train_main([]) == 2
    assert capsys.readouterr().err == "error: training needs torch, which is not installed; pip install torch\n"
