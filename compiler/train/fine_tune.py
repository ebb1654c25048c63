"""All layers of a network learn, in PyTorch: AdamW, a rate that rises for an epoch and falls by a cosine.

After each epoch all that is needed to go on is kept; an epoch follows from the seed and its number, so a run that was
interrupted ends as one that was not. What counts as the result are the weights with the least loss on held-out images.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch.nn import functional

from firelane.compiler.compress.workers import Workers, workers
from firelane.compiler.frame_io.preprocessing import Preprocessing
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.compiler.support.files import read_file, write_file
from firelane.compiler.support.progress import Progress
from firelane.compiler.train.curve import ALL, Step, best_step, loss_and_share, stops
from firelane.compiler.train.labelled import Labelled
from firelane.compiler.train.plan import Plan, rate_at
from firelane.compiler.train.split import batches
from firelane.compiler.train.torch_network import TorchNetwork
from firelane.compiler.train.views import Views

WEIGHT_DECAY = 1e-4
CHECKPOINT_BYTES = 1 << 31
LAYOUT = torch.channels_last        # SqueezeNet learns twice as fast as with whole maps, one after the other
STAGE = "training all layers"


@dataclass(frozen=True, eq=False)
class Material:
    """What is learnt from, and what it is judged by."""

    learnt: Labelled
    held: Labelled
    views: Views
    record: Preprocessing


def fine_tune(model: onnx.ModelProto, first: Step, material: Material, plan: Plan, checkpoint: Path,
              progress: Progress) -> tuple[onnx.ModelProto, tuple[Step, ...]]:
    """The network with all its weights trained, and the steps.

    Parameters
    ----------
    model : onnx.ModelProto
        With a last layer that fits the classes already.
    first : Step
        How good it is: it is taken as it is where nothing better is found.
    checkpoint : Path
        The file in which an epoch is kept, or was.

    Raises
    ------
    FirelaneError
        If a picture cannot be read, the loss is not finite, or there is not enough memory.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = _Run(TorchNetwork(model).to(device, memory_format=LAYOUT), material, plan, first, device, progress)
    run.go_on_from(checkpoint)
    with _deterministic(), workers() as threads, _memory(plan.batch):
        while run.epoch < plan.epochs and not stops([first, *run.steps], plan.patience):
            run.learn(threads)
            write_file(checkpoint, run.state(), "FIRELANE_BUILD")
    return run.best_model(), tuple(run.steps)


class _Run:
    """A network that learns, epoch by epoch."""

    def __init__(self, network: TorchNetwork, material: Material, plan: Plan, first: Step, device: torch.device,
                 progress: Progress):
        self._network, self._material, self._plan = network, material, plan
        self._device, self._progress, self._first = device, progress, first
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=WEIGHT_DECAY)
        self._best = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.steps: list[Step] = []

    @property
    def epoch(self) -> int:
        """How many are done."""
        return len(self.steps)

    def learn(self, threads: Workers) -> None:
        """An epoch, and how good the network is after it."""
        number = self.epoch + 1
        torch.manual_seed(int(np.random.SeedSequence([self._plan.seed, number]).generate_state(1)[0]))
        parts = batches(len(self._material.learnt), self._plan.batch, (self._plan.seed, number))
        losses, right = 0.0, 0
        self._network.train()
        for index, (images, labels) in enumerate(self._batches(threads, self._material.learnt, parts, number)):
            for group in self._optimizer.param_groups:
                group["lr"] = rate_at(self._plan, number - 1 + index / len(parts))
            scores = self._network(images)
            loss = functional.cross_entropy(scores, labels)
            if not torch.isfinite(loss):
                raise ConfigError("--rate", f"{self._plan.rate:g}: the loss is not finite in epoch {number}",
                                  hint="a smaller one; epochs that are finished are kept")
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            losses += float(loss.detach()) * len(labels)
            right += int((scores.argmax(1) == labels).sum())
            self._tell(number, (index + 1) / len(parts))
        self._judge(threads, number, losses / len(self._material.learnt), right / len(self._material.learnt))

    def _judge(self, threads: Workers, number: int, loss: float, share: float) -> None:
        """Note how good the network is, and its weights if it is the best so far."""
        held, found = self._material.held, []
        self._network.eval()
        parts = [np.arange(begin, min(begin + self._plan.batch, len(held)))
                 for begin in range(0, len(held), self._plan.batch)]
        with torch.no_grad():
            for images, _ in self._batches(threads, held, parts, 0):
                found.append(self._network(images).cpu().numpy())
        held_loss, held_share = loss_and_share(np.concatenate(found), np.array(held.labels))
        if not np.isfinite(held_loss):
            raise ConfigError("--rate", f"{self._plan.rate:g}: the loss is not finite after epoch {number}",
                              hint="a smaller one; epochs that are finished are kept")
        step = Step(ALL, number, rate_at(self._plan, number - 0.5), loss, held_loss, share, held_share)
        self.steps.append(step)
        if best_step([self._first, *self.steps]) is step:
            self._best = {name: value.detach().clone() for name, value in self._network.state_dict().items()}

    def _batches(self, threads: Workers, pictures: Labelled, parts: Sequence[np.ndarray],
                 view: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Images, and their classes; threads read ahead."""
        views, record = self._material.views, self._material.record

        def read(part: np.ndarray) -> np.ndarray:
            return np.stack([record.real(views.read(pictures.files[index], pictures.digests[index], view))
                             for index in part])
        labels = np.array(pictures.labels)
        for part, images in zip(parts, threads.map(read, parts)):
            yield (torch.from_numpy(images).to(self._device, memory_format=LAYOUT),
                   torch.from_numpy(labels[part]).to(self._device))

    def _tell(self, number: int, share: float) -> None:
        self._progress(f"{STAGE}, epoch {number} of {self._plan.epochs} at most", number - 1 + share, self._plan.epochs)

    def state(self) -> bytes:
        """All that is needed to go on, as bytes."""
        buffer = io.BytesIO()
        torch.save({"steps": [astuple(step) for step in self.steps], "weights": self._network.state_dict(),
                    "best": self._best, "optimizer": self._optimizer.state_dict()}, buffer)
        return buffer.getvalue()

    def go_on_from(self, checkpoint: Path) -> None:
        """Take what was kept, if there is anything."""
        if not checkpoint.exists():
            return
        try:
            kept: dict[str, Any] = torch.load(io.BytesIO(read_file(checkpoint, CHECKPOINT_BYTES)),
                                              map_location=self._device, weights_only=True)
            self._network.load_state_dict(kept["weights"])
            self._optimizer.load_state_dict(kept["optimizer"])
            self._best, self.steps = kept["best"], [Step(*step) for step in kept["steps"]]
        except Exception as error:      # torch has a class of its own for each kind of damage
            raise FirelaneError(str(checkpoint), "is damaged", hint="remove it, to begin again") from error

    def best_model(self) -> onnx.ModelProto:
        """The model with the best weights that were found."""
        self._network.load_state_dict(self._best)
        return self._network.written()


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    """The same numbers each time, on the same machine."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


@contextlib.contextmanager
def _memory(batch: int) -> Iterator[None]:
    """Say in one line that there is not enough of it."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise ConfigError("--batch", f"{batch}: there is not enough memory",
                          hint="a smaller one; epochs that are finished are kept") from None
