"""What a network by its name costs on the engine of the LFE5U-85F boards, dense or pruned.

Cycles and bytes are those of the compiler's own schedule and code. Only memories are larger than on the boards, where a
network needs more: so all networks have a figure, and `NetworkCost.lacking` says what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import onnx

from firelane.boards.board import DEVICES
from firelane.boards.engines import ENGINE_85F
from firelane.boards.explore.point import as_small_as_can_be
from firelane.boards.explore.space import ROOMY
from firelane.compiler.fit.energy import frame_energy
from firelane.compiler.fit.estimate import EngineEstimate, at_least, estimate
from firelane.compiler.fit.heavy_model import workload_of_model
from firelane.compiler.fit.thinned import thinned
from firelane.compiler.fit.workload import Workload
from firelane.compiler.ir.graph import Conv, Graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.passes import PIPELINE, run_passes
from firelane.compiler.support.files import build_root, digest, write_file
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.sources import source_digest
from firelane.compiler.tiles.slicing import whole_name
from firelane.hw.contract.config import EngineConfig
from firelane.models.catalogue import find
from firelane.models.comparison.networks import COMPARISON
from firelane.models.fire_graph import MAGNITUDES, fire_graph
from firelane.models.squeezenet import NETWORKS
from firelane.models.squeezenet_weights import DEEP_COMPRESSION_DENSITY

__all__ = ["DENSE", "DEVICE", "MEGAHERTZ", "MOST_SEARCHED", "NAMES", "OWN", "PRUNED", "TAPS", "NetworkCost", "Question",
           "compare", "pruned", "questions"]

DENSE, PRUNED, OWN = "dense", "pruned", "own"       #: random weights: all of them, an equal share, Deep Compression's
TAPS = (1, 2)
DEVICE, MEGAHERTZ = "LFE5U-85F", 100
SEED, SIZE = 1, 224
MADE_BY = ("firelane.hw.contract", "firelane.compiler", "firelane.models", "firelane.boards")
NAMES = ("squeezenet1.0", "squeezenet1.1", *COMPARISON)
MEMORIES = {"words": "activation_words", "weight_words": "weight_words", "program_words": "program_words"}
#: tables of values and runs that are full make a layer take its zeros, too, and cycles with them
LARGE_TABLES: dict[str, Any] = {"value_symbols": 1 << 12, "run_symbols": 1 << 12}
ATTEMPTS = 4            #: ways to take maps apart that are tried for networks that are deeper: more take minutes
MOST_SEARCHED = 100     #: convolutions; for deeper networks the least activation memory is a search of minutes
ROOM_FOR_ANY_ORDER = 4096       #: words, for those
STAGE = "comparing"


@dataclass(frozen=True)
class Question:
    """A network by its name, with weights that are `DENSE`, `PRUNED` or `OWN`, on an engine of so many taps a cycle."""

    network: str
    weights: str
    taps: int


@dataclass(frozen=True, kw_only=True)
class NetworkCost:
    """What one network costs.

    Parameters
    ----------
    network, weights, taps
        As asked.
    least : bool
        Whether figures are the least that it can be: the engine cannot compute it.
    size : int
        Rows and columns of the image.
    nonzero, parameters, macs : int
        Weights other than zero; all of them; multiplications of a frame, zero weights counted.
    cycles, bytes : int
        Of a frame, and of the ROM image.
    words, weight_words, program_words : int, optional
        Used of each memory; None where that is not known.
    use : float
        Multiplications of a frame for each multiplier and cycle, zero weights counted.
    depthwise_macs, depthwise_cycles : float
        Shares of the depthwise convolutions.
    millijoules : tuple of float
        Low, middle and high; modelled.
    problems : tuple of str
        What the engine cannot do, whatever its memories.
    """

    network: str
    weights: str
    taps: int
    least: bool
    size: int
    nonzero: int
    parameters: int
    macs: int
    cycles: int
    bytes: int
    words: int | None
    weight_words: int
    program_words: int | None
    use: float
    depthwise_macs: float
    depthwise_cycles: float
    millijoules: tuple[float, ...]
    problems: tuple[str, ...] = ()

    @property
    def question(self) -> Question:
        return Question(self.network, self.weights, self.taps)

    @property
    def frames_per_second(self) -> float:
        """Frames a second at `MEGAHERTZ`."""
        return MEGAHERTZ * 1e6 / self.cycles

    @property
    def milliseconds(self) -> float:
        """Time of a frame at `MEGAHERTZ`."""
        return 1e3 / self.frames_per_second

    @property
    def short(self) -> dict[str, tuple[int, int]]:
        """Memories of which the boards' engine has too few words: how many are needed, and how many there are."""
        needed = {memory: (getattr(self, name), getattr(ENGINE_85F, memory)) for name, memory in MEMORIES.items()}
        return {memory: (used, there) for memory, (used, there) in needed.items() if used is not None and used > there}

    @property
    def fits(self) -> bool:
        """Whether the engine of the boards computes it as it is."""
        return not (self.short or self.problems or self.least)


def compare(questions: Sequence[Question], progress: Progress = silent) -> list[NetworkCost]:
    """What is asked, in its order; what was found before is kept in build/comparison, by all that it follows from."""
    found = {}
    for done, question in enumerate(questions):
        progress(STAGE, done, len(questions))
        file = _file(question)
        known = _kept(file)
        if known is None:
            known = _cost(question)
            write_file(file, json.dumps(asdict(known)).encode(), "FIRELANE_BUILD")
        found[question] = known
    progress(STAGE, len(questions), len(questions))
    return [found[question] for question in questions]


def _file(question: Question) -> Path:
    """Where the answer is kept."""
    return build_root() / "comparison" / f"{digest([source_digest(*MADE_BY), json.dumps(asdict(question))])}.json"


def _kept(file: Path) -> NetworkCost | None:
    """What was found before; None if there is nothing, or a damaged file."""
    try:
        values = json.loads(file.read_bytes())
        return NetworkCost(**values | {name: tuple(values[name]) for name in ("millijoules", "problems")})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _cost(question: Question) -> NetworkCost:
    engine = replace(ENGINE_85F, taps_per_cycle=question.taps, **ROOMY, **LARGE_TABLES)
    if question.network in COMPARISON and COMPARISON[question.network].only_cost:
        return _least_cost(question, engine)
    plain = _plain_graph(question.network, question.weights)
    convolutions = [node for node in plain.nodes if isinstance(node, Conv)]
    unsearched = len(convolutions) > MOST_SEARCHED
    engine = replace(engine, activation_words=ROOM_FOR_ANY_ORDER) if unsearched else engine
    macs = {node.name: _macs(plain, node) for node in convolutions}
    depthwise = {node.name for node in convolutions if 1 < node.groups == len(node.weight)}
    found = estimate(run_passes(plain, PIPELINE), engine, attempts=None if question.network in NETWORKS else ATTEMPTS)
    assert found.report is not None, f"no engine of this size computes {question.network}"
    return NetworkCost(
        **asdict(question), least=False, size=plain.tensors[plain.input].height,
        nonzero=sum(int((node.weight != 0).sum()) for node in convolutions),
        parameters=sum(node.weight.size for node in convolutions), macs=sum(macs.values()),
        words=None if unsearched else found.used["activation_words"], program_words=found.used["program_words"],
        depthwise_macs=sum(macs[name] for name in depthwise) / sum(macs.values()),
        depthwise_cycles=sum(line.cycles for line in found.report.layers if whole_name(line.name) in depthwise)
        / found.report.cost.total, problems=tuple(f"{one.where}: {one.found}" for one in found.problems),
        **_measured(found))


def _least_cost(question: Question, engine: EngineConfig) -> NetworkCost:
    """The least that a network takes that the engine cannot compute."""
    network = COMPARISON[question.network]
    work = _workload(question.network, question.weights)
    return NetworkCost(
        **asdict(question), least=True, size=network.size, nonzero=work.nonzero, parameters=work.weights,
        macs=work.macs, words=None, program_words=None, depthwise_macs=0.0, depthwise_cycles=0.0,
        problems=(network.only_cost,), **_measured(at_least(work, engine, ())))


def _measured(found: EngineEstimate) -> dict[str, Any]:
    """Figures that an estimate has, whether or not it is a bound."""
    report = found.report
    assert report is not None
    tables = {name: getattr(ENGINE_85F, name) for name in LARGE_TABLES
              if found.used.get(name, 0) <= getattr(ENGINE_85F, name)}
    engine = replace(as_small_as_can_be(found, DEVICES[DEVICE]), **tables)
    energy = frame_energy(report, engine, MEGAHERTZ * 1e6, DEVICE)
    assert energy is not None
    return {"cycles": report.cost.total, "bytes": report.rom.bytes, "weight_words": found.used["weight_words"],
            "use": report.macs_per_lane_and_cycle, "millijoules": astuple(energy.total)}


def pruned(graph: Graph) -> Graph:
    """A pass that leaves the same share of weights in each layer of any network: what Deep Compression left of v1.0."""
    return thinned(graph, DEEP_COMPRESSION_DENSITY, MAGNITUDES)


@lru_cache(maxsize=1)
def _workload(network: str, weights: str) -> Workload:
    model = onnx.load(find(network, only_cost=True).path)
    return workload_of_model(model, DEEP_COMPRESSION_DENSITY if weights == PRUNED else None)


@lru_cache(maxsize=1)
def _plain_graph(network: str, weights: str) -> Graph:
    """The network before any pass, with the weights that are asked."""
    if weights == OWN:
        return fire_graph(NETWORKS[network], input_size=SIZE, seed=SEED)
    return load_graph(find(network, dense=True).path, [pruned] if weights == PRUNED else [])


def _macs(graph: Graph, node: Conv) -> int:
    output = graph.tensors[node.output]
    return node.weight.size * output.height * output.width


def questions(names: Sequence[str] = NAMES) -> Iterator[Question]:
    """Everything that docs/comparison.md says: each network dense and pruned, SqueezeNets with their own zeros, too."""
    for name in names:
        for weights in (DENSE, PRUNED, *[OWN] * (name in NETWORKS)):
            for taps in TAPS:
                yield Question(name, weights, taps)
