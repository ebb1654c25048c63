"""docs/exploration.md: `python -m firelane.boards.explore.document > docs/exploration.md`.

The sweeps of section 5 of the SqueezeNet paper (arXiv 1602.07360) and its bypasses (section 6, table 3), on what they
cost here. Accuracies are those that the paper's text and table state, and none are ours; its figures, whose points one
would have to measure on paper, are not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

from firelane.boards.explore.point import Question
from firelane.boards.explore.run import Pool, explore, in_process
from firelane.boards.explore.space import Space
from firelane.compiler.fit.report import MEMORIES
from firelane.compiler.support.progress import Progress, silent

__all__ = ["SWEEPS", "Sweep", "render"]

WIDTH = 100             #: columns of text
WORDS = 4096            #: of activation memory: enough for every point, so that what is used is what is needed


@dataclass(frozen=True)
class Sweep:
    """One table: the `axis` that changes, and what is `fixed` beside the defaults.

    `stated` is what the paper states: top-5 of ImageNet in percent, by value of the axis.
    """

    title: str
    axis: str
    values: tuple[Any, ...]
    fixed: Mapping[str, Any]
    text: str
    stated: Mapping[Any, str] = field(default_factory=dict)

    @property
    def space(self) -> Space:
        return Space({self.axis: self.values, **{name: [value] for name, value in self.fixed.items()},
                      "taps": [1, 2], "activation_words": [WORDS]})


SWEEPS = (
    Sweep("Squeeze ratio", "squeeze_ratio", (0.125, 0.25, 0.5, 0.75, 1.0), {},
          "Squeeze filters for each expand filter; section 5.2 of the paper. Between 0.125 and 0.75 the paper gains "
          "5.7 points of top-5, beyond that none.",
          # 5.3 says that the network of SR = 0.5 is the one with half of its filters 3x3 in the other sweep.
          {0.125: "80.3", 0.5: "85.6", 0.75: "86.0", 1.0: "86.0 (no more)"}),
    Sweep("Share of 3x3 filters", "pct_3x3", (0.01, 0.25, 0.5, 0.75, 0.99), {"squeeze_ratio": 0.5},
          "Share of the expand filters that are 3x3, at SR = 0.5; section 5.3. The paper gains nothing beyond 50 %.",
          {0.5: "85.6", 0.75: "85.6 (no more)", 0.99: "85.6 (no more)"}),
    Sweep("Late or early downsampling", "pools", ("late", "early"), {},
          "Pools after conv1, fire4, fire8, as v1.0 has them, or after conv1, fire3, fire5, as v1.1. The paper's third "
          "strategy is to downsample late; it has no experiment for it. The authors' README of "
          "v1.1, which differs in conv1 as well, aims at no loss of accuracy, and torchvision's documentation "
          "says that it loses none.", {"late": "80.3"}),
    Sweep("The same with the first layer of v1.1", "pools", ("late", "early"), {"stem": "3x3"},
          "conv1 of 64 filters of 3x3 in place of 96 of 7x7: early pools with it are v1.1."),
    Sweep("Bypass", "bypass", ("none", "simple", "complex"), {},
          "Section 6, table 3 of the paper: top-1 57.5, 60.4, 58.8 %.",
          {"none": "80.3", "simple": "82.5", "complex": "82.0"}),
)
HEADS = ("weights", "multiplications, million", "bytes of ROM", "words used, of 4096", "cycles, one tap",
         "cycles, two taps", "frames/s, two taps", "top-5 in the paper, %")

HEAD = """# Exploration

Written by `python -m firelane.boards.explore.document > docs/exploration.md`, which computes every
figure; `firelane explore` asks the same of any other combination ([commands.md](commands.md)).

The paper of SqueezeNet ([arXiv 1602.07360](https://arxiv.org/abs/1602.07360)) holds its design
strategies against accuracy and the size of the file. Here are its own sweeps on what each network
costs on this engine: 8 banks, 224 x 224 pixels, 100 MHz, all members of the family with
base_e = 128, incr_e = 128, freq = 2, eight fire modules.

## What is known and what is not

- Cycles, bytes and words are those of the compiler's own schedule and code, which simulation
  confirms to the cycle for whole networks ([benchmarks.md](benchmarks.md)). The memories are as
  large as each network needs: no board holds the larger ones. An engine has 4096 words of
  activation memory at most; where more stand here, cycles are as if there were so many. With so
  much room the order of fewest cycles is taken: most networks can do with fewer words.
- *: more than the 262 144 words that a weight memory has at most. The compiler then spends cycles
  to save bits, so cycles of these rows are too many.
- Weights are random. Of each kind of layer as many are zero as in the published Deep Compression
  network, and the others have 31 levels. Bytes of a network that was trained and compressed differ:
  v1.0 takes 302 462 to 335 692 bytes after `firelane compress`.
- **No network of these was trained here.** Top-5 accuracies are the paper's, for dense float
  networks: sections 5.2 and 5.3, and table 3 of section 6. An empty field means that its text does
  not state one; points that it only draws are not used. Whether the wider networks can be pruned to
  the same densities is not known, and neither is how accuracy depends on the downsampling: the
  paper states that as a strategy, without an experiment.
- So nothing here says which network is best. It says what the accuracy that the paper reports
  costs in cycles and bytes on this engine.
"""


def render(work: Pool = in_process, sweeps: Sequence[Sweep] = SWEEPS, progress: Progress = silent) -> str:
    """The document."""
    question = Question()
    tables = [_table(sweep, explore(sweep.space, question, work, progress)) for sweep in sweeps]
    return "\n".join([HEAD, *tables])


def _table(sweep: Sweep, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"## {sweep.title}\n", _wrapped(sweep.text), "",
             f"| {' | '.join((sweep.axis.replace('_', ' '), *HEADS))} |", f"|---{'|---:' * len(HEADS)}|"]
    for value in sweep.values:
        one, two = (next(row for row in rows if row[sweep.axis] == value and row["taps"] == taps) for taps in (1, 2))
        mark = "*" if MEMORIES["weight_words"] in one["why"] else ""
        lines.append(f"| {value}{mark} | {' | '.join(_cells(one, two))} | {sweep.stated.get(value, '')} |"
                     if one["cycles"] and two["cycles"] else f"| {value} | {one['why']} |")
    return "\n".join([*lines, "", _said(sweep, rows)])


def _cells(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """The figures of a network on the engine with one tap and with two."""
    figures = (one["weights"], round(one["macs"] / 1e6), one["bytes"], one["words"], one["cycles"], two["cycles"])
    return [*(f"{figure:,}".replace(",", " ") for figure in figures), f"{two['frames_per_second']:.1f}"]


def _said(sweep: Sweep, rows: Sequence[Mapping[str, Any]]) -> str:
    """What the table shows, in a sentence that is computed from it."""
    pairs = [row for row in rows if row["taps"] == 2 and row["cycles"]]
    first, last = pairs[0], pairs[-1]
    sentence = (f"From {sweep.axis.replace('_', ' ')} {first[sweep.axis]} to {last[sweep.axis]}: "
                f"{last['cycles'] / first['cycles']:.2f} times the cycles, {last['bytes'] / first['bytes']:.2f} times "
                "the bytes (two taps a cycle).")
    return f"{_wrapped(sentence)}\n"


def _wrapped(text: str) -> str:
    return fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    print(render(), end="")
