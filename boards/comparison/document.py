"""docs/comparison.md: every figure is in what `compare` found, in docs/exploration.md or at the source it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import fill

from firelane.boards.comparison.cost import (
    DENSE,
    DEVICE,
    LARGE_TABLES,
    MEGAHERTZ,
    MOST_SEARCHED,
    OWN,
    PRUNED,
    NetworkCost,
    Question,
)
from firelane.boards.engines import ENGINE_85F
from firelane.models.comparison.accuracy import PUBLISHED
from firelane.models.squeezenet_weights import DEEP_COMPRESSION_DENSITY

__all__ = ["PICTURE", "best", "render"]

WIDTH = 100                 #: columns of text
PICTURE = "images/accuracy_latency.png"
STRATEGIES = {              # of the paper's section 3.1: heading of docs/exploration.md, and the paper on accuracy
    "1, 1x1 in place of 3x3": ("Share of 3x3 filters", "The paper gains no accuracy beyond half of them."),
    "2, squeeze": ("Squeeze ratio", "The paper gains 5.7 points of top-5 up to 0.75, none beyond."),
    "3, downsample late": ("Late or early downsampling", "The paper has no experiment for it."),
}
MEMORIES = {                # of an engine, and what the last table calls them
    "activation_words": "activation memory", "weight_words": "weight memory", "program_words": "program memory",
}
Costs = Mapping[Question, NetworkCost]



def number(value: int) -> str:
    """The number with a space between thousands."""
    return f"{value:,}".replace(",", " ")


THERE = number(ENGINE_85F.activation_words), number(ENGINE_85F.weight_words)
HEAD = f"""# Comparison

Written by `make compare`, which computes every figure of the tables; names are those that `firelane
estimate` takes. SqueezeNet beside the networks that it is compared with, on the engine that the
LFE5U-85F boards have: 8 banks, {THERE[0]} words of activation memory, {THERE[1]} of weight memory, {MEGAHERTZ} MHz;
with one tap a cycle, which is routed for that clock, and with two, of which 8 banks do not reach it
yet ([place_and_route.md](place_and_route.md)).
"""

TABLES = [number(size) for size in (LARGE_TABLES["run_symbols"], ENGINE_85F.value_symbols, ENGINE_85F.run_symbols)]
KNOWN = f"""## What is known and what is not

- Cycles, bytes and words are those of the compiler's own schedule and code. A network that does not
  fit has the figures of the same engine with larger memories. A weight memory has at most 262 144
  words; the compiler spends cycles to save bits where that is too small, so cycles of such rows (*)
  are too many.
- Tables of values and runs have {TABLES[0]} entries each, those of the boards {TABLES[1]} and {TABLES[2]}. Where one
  is full, layers take more bits or cycles, up to those of their zeros.
- Words of activation memory are the least that a search found; for networks of more than {MOST_SEARCHED}
  convolutions it would take minutes, and was left out.
- Weights are random, drawn with the same seed for all. *Dense*: all of them, in 8 bits. *Pruned*:
  {DEEP_COMPRESSION_DENSITY:.1%} of each layer's weights are left, the largest, in 31 levels. It is the share that
  Deep Compression left of all of SqueezeNet v1.0. That took most from the last layer and hardly
  anything from the first, where a weight costs the most cycles: the third table has the SqueezeNets
  with its share for each kind of layer.
- **No network was trained here.** Accuracies are of dense networks in floating point, as others
  published them. Only SqueezeNet v1.0 is known to lose nothing at this density
  ([arXiv 1602.07360](https://arxiv.org/abs/1602.07360), table 2). How much a MobileNet, with few
  weights to spare, would lose is not said here, nor what 8 bits cost it.
- Millijoules are modelled, not measured ([energy.md](energy.md)), with block RAM as large as each
  network needs (262 144 words of weights at most).
- Multiplier use is multiplications of a frame, zero weights counted, for each multiplier and cycle;
  an engine of two taps has twice as many multipliers.
"""


def render(costs: Iterable[NetworkCost], exploration: str) -> str:
    """The page.

    Parameters
    ----------
    exploration : str
        docs/exploration.md, of which sentences are taken.
    """
    found = {cost.question: cost for cost in costs}
    parts = [HEAD, _answers(found, exploration), KNOWN, _networks(found), _table("Dense", found, DENSE),
             _table(f"Pruned to {DEEP_COMPRESSION_DENSITY:.1%} of each layer", found, PRUNED),
             _table("SqueezeNets with Deep Compression's share for each kind of layer", found, OWN),
             _picture(found), _lacking(found)]
    return "\n".join(parts)


def _names(found: Costs, weights: str) -> list[str]:
    """The networks of which figures with these weights are known, in their order."""
    return list(dict.fromkeys(question.network for question in found if question.weights == weights))


def _pair(found: Costs, name: str, weights: str) -> tuple[NetworkCost, NetworkCost]:
    return found[Question(name, weights, 1)], found[Question(name, weights, 2)]


def _networks(found: Costs) -> str:
    rows = []
    for name in _names(found, DENSE):
        cost, published = found[Question(name, DENSE, 1)], PUBLISHED.get(name)
        rows.append((f"`{name}`", f"{cost.size}", number(cost.parameters), number(round(cost.macs / 1e6)),
                     f"{cost.depthwise_macs:.1%}" if cost.depthwise_macs else "",
                     f"{published.top1:g}" if published else "", published.source if published else "none found"))
    heads = ("network", "pixels", "weights", "multiplications, million", "of them depthwise",
             "top-1 as published, %", "source")
    return f"## Networks\n\n{_rows(heads, rows, words=('network', 'source'))}"


def _table(title: str, found: Costs, weights: str) -> str:
    if not _names(found, weights):
        return ""
    heads = ("network", "bytes of ROM", "words of activation memory", "words of weight memory", "cycles, one tap",
             "two taps", "multiplier use", "depthwise, of the cycles", "frames/s", "mJ a frame")
    rows = []
    for name in _names(found, weights):
        one, two = _pair(found, name, weights)
        least, most = ("at least ", "at most ") if one.least else ("", "")
        mark = "*" if one.weight_words > 1 << 18 and not one.least else ""
        rows.append((
            f"`{name}`{mark}", f"{least}{number(one.bytes)}", "" if one.words is None else number(one.words),
            f"{least}{number(one.weight_words)}", f"{least}{number(one.cycles)}", f"{least}{number(two.cycles)}",
            f"{most}{one.use:.2f} / {two.use:.2f}",
            f"{one.depthwise_cycles:.0%} / {two.depthwise_cycles:.0%}" if one.depthwise_cycles else "",
            f"{most}{one.frames_per_second:.1f} / {two.frames_per_second:.1f}",
            f"{least}{one.millijoules[1]:.1f} / {two.millijoules[1]:.1f}"))
    measured = [cost for question, cost in found.items() if question.weights == weights]
    low, high = ([cost.millijoules[end] / cost.millijoules[1] for cost in measured] for end in (0, 2))
    text = (f"One tap a cycle / two; bytes and words are those with one. Millijoules are the middle of the model; its "
            f"low end is {min(low):.2f} to {max(low):.2f} times that, its high end {min(high):.2f} to "
            f"{max(high):.2f} times.")
    return f"## {title}\n\n{_wrapped(text)}\n\n{_rows(heads, rows)}"


def _picture(found: Costs) -> str:
    names = [f"`{cost.network}`" for cost in best(found.values(), DENSE, 2)]
    text = (f"Of the dense networks no other is both faster and more accurate than {_listed(names)}. The distance from "
            "a hollow mark to the filled one is what skipping zeros gains; it is not known how far down a network "
            "goes on the way, but for SqueezeNet v1.0.")
    return (f"## Accuracy against latency\n\n![Published top-1 against milliseconds a frame, two taps a cycle]"
            f"({PICTURE})\n\n{_wrapped(text)}\n")


def best(costs: Iterable[NetworkCost], weights: str, taps: int) -> list[NetworkCost]:
    """The networks that no other beats in time of a frame and in published accuracy, the fastest first."""
    known = sorted((cost for cost in costs if (cost.weights, cost.taps) == (weights, taps)
                    and cost.network in PUBLISHED), key=lambda cost: cost.cycles)
    front: list[NetworkCost] = []
    for cost in known:
        if not front or PUBLISHED[cost.network].top1 > PUBLISHED[front[-1].network].top1:
            front.append(cost)
    return front


def _lacking(found: Costs) -> str:
    rows = [(f"`{name}`", *("; ".join(_missing(found[Question(name, weights, 2)])) for weights in (DENSE, PRUNED)))
            for name in _names(found, DENSE)]
    text = (f"What the engine of the {DEVICE} boards lacks, with two taps a cycle. Its block RAM is all taken: more "
            "of one memory is less of another. A network of your own: `firelane estimate net.onnx`, which also says "
            "for which smaller image it would fit; `firelane compress` brings weights into a budget of bytes.")
    heads = ("network", "dense", "pruned")
    return f"## What cannot run, and why\n\n{_wrapped(text)}\n\n{_rows(heads, rows, words=heads)}"


def _missing(cost: NetworkCost) -> Iterator[str]:
    yield from cost.problems
    for memory, (used, there) in cost.short.items():
        yield f"{MEMORIES[memory]}: {'at least ' * cost.least}{number(used)} words of {number(there)}"
    if cost.fits:
        yield "nothing: it fits"


def _answers(found: Costs, exploration: str) -> str:
    rows = [(question, answer, source) for question, answer, source in _asked(found, exploration) if answer]
    text = "What is asked of SqueezeNet, of others like it and of this engine, and where the answer is from."
    heads = ("question", "answer", "from")
    return f"## Questions\n\n{text}\n\n{_rows(heads, rows, words=heads)}"


def _asked(found: Costs, exploration: str) -> Iterator[tuple[str, str, str]]:
    """Question, answer and source; the answer is empty where networks that it is about were not compared."""
    here = "this page, `make compare`"
    yield ("How fast is it on an FPGA, and what energy does a frame take?", _speed(found),
           f"{here}, third table; energy is modelled: [energy.md](energy.md)")
    yield ("Were whole frames simulated?", "v1.0 and v1.1 of 224 x 224: every value right, every layer as predicted",
           "[benchmarks.md](benchmarks.md), `make bench`")
    yield ("Were the others?", "`mobilenet_v2_0.25` and `shufflenet_v1_0.25`, all layers, of 64 x 64 and pruned alike: "
           "every value right, cycles of each convolution within 1 % of the predicted ones",
           "`tests/end_to_end/test_comparison_networks.py`")
    yield ("How do MobileNets and ShuffleNets compare, pruned alike?",
           _each(found, ("squeezenet1.1", "mobilenet_v1_0.5", "mobilenet_v2_0.5", "shufflenet_v1_0.5",
                         "shufflenet_v2_0.5", "squeezenext_1.0")), here)
    yield "Which of them fit the boards?", _fitting(found), f"{here}, last table"
    yield "What do depthwise convolutions cost here?", _depthwise(found), here
    yield ("Which network is the most accurate one for a latency?",
           "; ".join(f"{PUBLISHED[cost.network].top1:g} % in {cost.milliseconds:.1f} ms ({cost.network})"
                     for cost in best(found.values(), DENSE, 2)),
           f"{here}, dense, two taps; the picture below")
    for strategy, (heading, accuracy) in STRATEGIES.items():
        cost = _sentence(exploration, heading)
        yield (f"Does design strategy {strategy}, pay on hardware?", f"{cost} {accuracy}" if cost else "",
               f"[exploration.md](exploration.md), {heading.lower()}")
    yield ("What of AlexNet, which it is as accurate as?", _alexnet(found), here)
    yield ("Does compression cost accuracy?", "302 462 bytes: 2.4 points of top-1; 335 692: 1.9",
           "[compression.md](compression.md), `firelane compress`")
    yield ("Will my network fit?", "answered in seconds, for all boards, with what to change", "`firelane estimate`")


def _speed(found: Costs) -> str:
    """Frames a second and energy of the SqueezeNets, with one tap a cycle and with two."""
    parts = []
    for name in _names(found, OWN):
        one, two = (f"{cost.frames_per_second:.1f} frames/s and {low:.1f} to {high:.1f} mJ"
                    for cost in _pair(found, name, OWN) for low, _, high in [cost.millijoules])
        parts.append(f"`{name}`: {one} with one tap a cycle, {two} with two")
    return "; ".join([*parts, "no board was measured"]) if parts else ""


def _each(found: Costs, names: Sequence[str]) -> str:
    """The figures of some networks, pruned alike, with two taps a cycle."""
    costs = [found[question] for name in names if (question := Question(name, PRUNED, 2)) in found]
    parts = [f"`{cost.network}` {cost.frames_per_second:.0f} frames/s, {cost.millijoules[1]:.1f} mJ, "
             f"{PUBLISHED[cost.network].top1:g} %" for cost in costs]
    return "; ".join(parts) + " (two taps; accuracy as published of the dense one)" if parts else ""


def _fitting(found: Costs) -> str:
    there = [f"`{name}`" for name in _names(found, PRUNED) if found[Question(name, PRUNED, 2)].fits]
    weights = [f"`{name}`" for name in _names(found, PRUNED)
               if "weight_words" not in found[Question(name, PRUNED, 2)].short]
    return (f"pruned alike: {_listed(there) or 'none'} as it is, only the weights of {_listed(weights) or 'none'}; "
            "SqueezeNet v1.0 after `firelane compress`")


def _depthwise(found: Costs) -> str:
    parts = []
    for name in ("mobilenet_v1_1.0", "mobilenet_v2_1.0", "shufflenet_v2_1.0"):
        cost = found.get(Question(name, PRUNED, 2))
        if cost is not None:
            parts.append(f"`{name}`: {cost.depthwise_macs:.1%} of the multiplications, {cost.depthwise_cycles:.0%} of "
                         "the cycles")
    return "; ".join(parts) + " (pruned, two taps)" if parts else ""


def _alexnet(found: Costs) -> str:
    dense, pruned = (found.get(Question("alexnet", weights, 2)) for weights in (DENSE, PRUNED))
    if dense is None or pruned is None:
        return ""
    return (f"at least {number(dense.bytes)} bytes and {number(dense.cycles)} cycles dense, {number(pruned.bytes)} "
            f"and {number(pruned.cycles)} pruned alike (two taps); the engine cannot compute it")


def _sentence(page: str, heading: str) -> str:
    """What docs/exploration.md concludes below a heading, on one line."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    last = [paragraph for paragraph in section.split("\n\n") if paragraph.startswith("From ")]
    return " ".join(last[0].split()) if last else ""


def _rows(heads: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[str] = ("network",)) -> str:
    """A table in Markdown; columns that are no words are aligned to the right."""
    rule = "|".join("---" if head in words else "---:" for head in heads)
    return "\n".join([f"| {' | '.join(heads)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows), ""])


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _wrapped(text: str) -> str:
    return fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
