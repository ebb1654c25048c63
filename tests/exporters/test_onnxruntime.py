"""The part of the exporters' matrix that needs no other environment: ONNX Runtime's own quantizer."""

from __future__ import annotations

import pytest

from tests.exporters.from_onnxruntime import recipes
from tests.exporters.judge import judge
from tests.exporters.recipe import NO_EXPORT, save, saved

RECIPES = recipes()


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.variant for recipe in RECIPES])
def test_is_what_is_expected(recipe, tmp_path):
    if recipe.expect == NO_EXPORT:
        with pytest.raises(ValueError, match="ONNXRuntime quantization doesn't support data format"):
            recipe.make()
        return
    save(recipe.make(), tmp_path)
    verdict = judge(saved(tmp_path), tmp_path / "model.onnx", complete=recipe.complete)
    assert verdict.outcome == recipe.expect, verdict.said
