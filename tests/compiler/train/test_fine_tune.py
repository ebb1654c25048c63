"""All layers learn, in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.progress import silent
from firelane.compiler.train.curve import ALL, LAST
from firelane.compiler.train.plan import Plan
from firelane.compiler.train.run import Trained, train
from tests.compiler.train.pictures import folder_of_stripes, network

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'firelane[train]'")
from firelane.compiler.train import fine_tune  # noqa: E402 (it imports torch)

PLAN = Plan(layers=ALL, views=1, epochs=4, batch=8, rate=2e-3)


@pytest.fixture
def folder(tmp_path):
    return folder_of_stripes(tmp_path / "images", 10)


def trained(folder, plan=PLAN, progress=silent) -> Trained:
    return train(network(), folder, None, {}, plan, say=print, progress=progress)


def content(found: Trained) -> bytes:
    return found.model.SerializeToString(deterministic=True)


def test_they_learn_more_than_the_last_layer_alone(folder):
    found = trained(folder)
    epochs = [step for step in found.steps if step.part == ALL]
    assert [step.number for step in epochs] == [1, 2, 3, 4]
    assert found.best.part == ALL and found.best.held_loss < min(
        step.held_loss for step in found.steps if step.part == LAST)
    assert found.best.held_share == found.judged.accuracy      # in PyTorch, and in ONNX Runtime from the model


def test_the_same_seed_gives_the_same_bytes_and_an_interruption_changes_nothing(folder, build, monkeypatch):
    first = trained(folder)
    kept = {path: path.read_bytes() for path in (build / "train").glob("*.pt")}
    assert len(kept) == 1 and content(trained(folder)) == content(first)
    [checkpoint] = kept
    checkpoint.unlink()

    def interrupt(stage, done=0, total=None):
        if "epoch 3" in stage:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        trained(folder, progress=interrupt)
    assert checkpoint.exists()
    told: list[str] = []
    again = trained(folder, progress=lambda stage, done=0, total=None: told.append(stage))
    assert not any("epoch 2" in stage for stage in told) and any("epoch 3" in stage for stage in told)
    assert content(again) == content(first) and again.steps == first.steps


def test_another_seed(folder):
    one, other = (trained(folder, Plan(layers=ALL, views=1, epochs=1, seed=seed)) for seed in (0, 1))
    assert content(one) != content(other)


def test_it_ends_early(folder):
    """With a rate that spoils everything the last layer's network is the best, and stays as it was."""
    found = trained(folder, Plan(layers=ALL, views=1, epochs=20, patience=2, rate=0.3, batch=30))
    epochs = [step for step in found.steps if step.part == ALL]
    assert len(epochs) < 20
    if found.best.part == LAST:
        assert content(found) == content(trained(folder, Plan(views=1)))


def test_a_loss_that_is_not_finite(folder):
    with pytest.raises(FirelaneError, match=r"^rate: 1e\+30: the loss is not finite"):
        trained(folder, Plan(layers=ALL, views=1, epochs=3, rate=1e30))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried")])
def test_too_little_memory(folder, error, monkeypatch):
    def forward(self, images):
        raise error
    monkeypatch.setattr(fine_tune.TorchNetwork, "forward", forward)
    with pytest.raises(FirelaneError, match="^batch: 8: there is not enough memory; a smaller one"):
        trained(folder)


def test_a_damaged_checkpoint(folder, build):
    trained(folder, Plan(layers=ALL, views=1, epochs=1))
    [checkpoint] = (build / "train").glob("*.pt")
    checkpoint.write_bytes(b"PK damaged")
    with pytest.raises(FirelaneError, match=r"\.pt: is damaged; remove it, to begin again"):
        trained(folder, Plan(layers=ALL, views=1, epochs=1))


def test_pictures_of_a_batch_are_in_the_order_of_their_labels(folder):
    """Every label comes with a picture of its class: what is learnt can be told apart by eye."""
    found = trained(folder, Plan(layers=ALL, views=1, epochs=6, rate=2e-3, batch=5))
    assert np.trace(found.judged.confusion) >= 5
