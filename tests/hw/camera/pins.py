"""A camera at the pins of a simulated design: frames with what can go wrong with them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np

from firelane.hw.contract.camera import CameraInput


@dataclass(frozen=True, kw_only=True)
class SentFrame:
    """A frame as it is sent.

    Parameters
    ----------
    lines : tuple of bytes
    """

    lines: tuple[bytes, ...]

    def without_line(self, number: int) -> SentFrame:
        return replace(self, lines=self.lines[:number] + self.lines[number + 1:])

    def cut(self, number: int, count: int) -> SentFrame:
        """Line `number` with `count` bytes at most."""
        lines = list(self.lines)
        lines[number] = lines[number][:count]
        return replace(self, lines=tuple(lines))

    def with_line_more(self) -> SentFrame:
        return replace(self, lines=(*self.lines, self.lines[-1]))


def random_frame(wanted: CameraInput, rng: np.random.Generator) -> tuple[np.ndarray, SentFrame]:
    """Noise, as an array and as it is sent."""
    frame = rng.integers(0, 256, (wanted.lines, wanted.line_bytes), dtype=np.uint8)
    return frame, SentFrame(lines=tuple(row.tobytes() for row in frame))


@dataclass
class Camera:
    """Drives pins in cycles of the simulated clock, with halves of its own clock of `halves` cycles each, drawn anew.

    `blank`: cycles between lines; `porch`: before and behind a pulse of `vsync`.
    """

    pins: object
    halves: tuple[int, ...] = (2,)
    blank: int = 12
    porch: int = 40
    seed: int = 1

    def __post_init__(self):
        self._rng = random.Random(self.seed)

    def _half(self) -> int:
        return self._rng.choice(self.halves)

    async def pulse(self, ctx) -> None:
        """The time between two frames."""
        await ctx.tick().repeat(self.porch)
        ctx.set(self.pins.vsync, 1)
        await ctx.tick().repeat(self.porch)
        ctx.set(self.pins.vsync, 0)
        await ctx.tick().repeat(self.porch)

    async def line(self, ctx, octets: bytes) -> None:
        ctx.set(self.pins.href, 1)
        for octet in octets:
            ctx.set(self.pins.data, octet)
            await ctx.tick().repeat(self._half())
            ctx.set(self.pins.pclk, 1)
            await ctx.tick().repeat(self._half())
            ctx.set(self.pins.pclk, 0)
        ctx.set(self.pins.href, 0)
        ctx.set(self.pins.data, 0)
        await ctx.tick().repeat(self.blank)

    async def frame(self, ctx, sent: SentFrame) -> None:
        for line in sent.lines:
            await self.line(ctx, line)
