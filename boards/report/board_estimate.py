"""What a network takes on each board, what is short there, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

from firelane.boards.board import Board
from firelane.boards.camera.planning import NO_PINS, CameraRate, rate_on_board
from firelane.boards.camera.sensor import Sensor
from firelane.boards.report.board_fit import shortage, shortage_of
from firelane.boards.report.end_to_end import EndToEnd, end_to_end, link_of, work_of
from firelane.compiler.fit import engine_fit
from firelane.compiler.fit.camera_rows import frame_of_plan
from firelane.compiler.fit.energy import FrameEnergy, frame_energy
from firelane.compiler.fit.estimate import EngineEstimate, at_least, estimate
from firelane.compiler.fit.report import MEMORIES, Report
from firelane.compiler.fit.workload import Workload, workload
from firelane.compiler.ir.graph import Conv, Graph
from firelane.compiler.schedule.remedies import least_banks, least_depth, resized
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.problems import first_of
from firelane.compiler.support.progress import Progress, silent
from firelane.compiler.support.typed_command import typed
from firelane.compiler.tiles.larger_engine import larger_engine, weight_bytes
from firelane.hw.contract.config import MAX_ACTIVATION_WORDS, MAX_BANKS, EngineConfig

KNOWN_BITS = 1.9            #: bits a weight at which SqueezeNet v1.0 lost 2.4 points of top-1 (docs/compression.md)
FEWEST_BITS = 1.0           #: below it nothing else is worth a try
#: an engine as large as there can be, for what no board computes
LARGEST = EngineConfig(banks=MAX_BANKS, activation_words=MAX_ACTIVATION_WORDS, **engine_fit.MEMORIES[-1])
LARGEST_NAME = "largest engine"
DEVICE = "device"           #: what a shortage is of, where the engine itself does not fit
NODES = "nodes"             #: what a shortage is of, where larger memories do not help
NO_BOARD = "board"          #: what a shortage is of, where no board has the engine


@dataclass(frozen=True)
class Shortage:
    """Something that a board does not have enough of: `found` in words, and the `ways` out that there are.

    `compressible`: it is of weights, and not so large that nothing but a smaller network helps.
    """

    what: str
    found: str
    ways: tuple[str, ...] = ()
    compressible: bool = False


@dataclass(frozen=True, eq=False)
class BoardEstimate:
    """A network on a board.

    Parameters
    ----------
    board : str
        Its name.
    clock_hz : float
    estimate : EngineEstimate
        All figures, of the network on the board's engine.
    shortages : tuple of Shortage
        Why the board does not hold it; empty if it does.
    end_to_end : EndToEnd, optional
        The time of a frame with the board's line; the least, where figures are bounds. None where nothing is known of
        the image.
    energy : FrameEnergy, optional
        Of a frame, modelled (docs/energy.md); the least, where figures are bounds. None where nothing is known of the
        device.
    camera : CameraRate, optional
        What a camera at its pins makes of it; None if none was asked for, or it cannot have one.
    camera_problem : str
        Why it cannot.
    """

    board: str
    clock_hz: float
    estimate: EngineEstimate
    shortages: tuple[Shortage, ...] = ()
    end_to_end: EndToEnd | None = None
    energy: FrameEnergy | None = None
    camera: CameraRate | None = None
    camera_problem: str = ""

    @property
    def fits(self) -> bool:
        return not self.shortages

    @property
    def report(self) -> Report | None:
        """All figures; a lower bound if the board's engine cannot compute the network, whatever its memories."""
        return self.estimate.report

    @property
    def lower_bound(self) -> bool:
        """Whether cycles and bytes are the least, and frames a second the most, that can be: there is no schedule."""
        return self.estimate.lower_bound

    @property
    def cycles(self) -> int | None:
        """Cycles of a frame; if the board does not hold the network, what they would be, or at least would be."""
        return self.report.cost.total if self.report else None

    @property
    def frames_per_second(self) -> float | None:
        """At the board's clock; if the board does not hold the network, what they would be, or at most would be."""
        return self.clock_hz / self.cycles if self.cycles and self.clock_hz else None

    @property
    def is_too_small(self) -> bool:
        """Whether not even the board's engine fits its device, by the estimate."""
        return any(one.what == DEVICE for one in self.shortages)

    @property
    def lacking(self) -> float:
        """How often what is there would be needed, of what is shortest; infinite where larger memories do not help."""
        computes = not self.lower_bound and {one.what for one in self.shortages} <= {*MEMORIES.values()}
        return max((usage.used / (usage.available or 1) for usage in self.estimate.memories),
                   default=float("inf")) if computes else float("inf")


@dataclass(frozen=True, eq=False)
class _Network:
    """What can be tried with a network.

    `graph` is None if it is too large for any; `model` is how commands name it; `smaller_input` looks for a size.
    """

    graph: Graph | None
    model: str
    smaller_input: Callable[[EngineConfig], tuple[int, int] | None]
    weights: int


def estimate_boards(boards: Sequence[Board], network: Graph | Workload, model: str,
                    smaller_input: Callable[[EngineConfig], tuple[int, int] | None],
                    progress: Progress = silent, sensor: Sensor | None = None) -> list[BoardEstimate]:
    """The network on each board, and on the largest engine that there can be if no board's computes it.

    Parameters
    ----------
    boards : sequence of Board
        Those with equal engines are estimated once.
    network : Graph or Workload
        A workload if there are so many weights that there is no graph: then all figures are lower bounds.
    model : str
        How commands that are recommended name the network.
    smaller_input : callable
        Rows and columns of the largest input that an engine computes, None if there is none.
    sensor : Sensor, optional
        A camera whose rate is wanted on each board.
    """
    known = estimates([board.engine for board in boards], network, progress)
    if isinstance(network, Graph) and all(one.lower_bound for one in known.values()):
        largest = estimate(network, LARGEST)
        known |= {LARGEST: largest} if largest.report else {}
    graph, weights = (network, weight_count(network)) if isinstance(network, Graph) else (None, network.weights)
    tried = _Network(graph, model, cache(smaller_input), weights)
    found = []
    for number, board in enumerate(boards):
        progress("looking for ways out", number, len(boards))
        one = known[board.engine]
        found.append(BoardEstimate(board.name, board.clock_hz, one, tuple(_shortages(board, one, tried)),
                                   _end_to_end(board, one, tried), _energy(board, one),
                                   *(_camera(board, one, tried, sensor) if sensor else ())))
    if LARGEST in known:
        found.append(BoardEstimate(LARGEST_NAME, 0, known[LARGEST], (Shortage(NO_BOARD, "no board has it"),)))
    return found


def _end_to_end(board: Board, found: EngineEstimate, network: _Network) -> EndToEnd | None:
    return end_to_end(link_of(board), work_of(network.graph, found.report)) if network.graph and found.report else None


def _camera(board: Board, found: EngineEstimate, network: _Network, sensor: Sensor) -> tuple[CameraRate | None, str]:
    """The rate of a camera at the board, or why there is none."""
    if network.graph is None or found.plan is None:
        return None, NO_PINS if board.camera is None else "there is no schedule"
    frame_of = partial(frame_of_plan, found.plan, found.engine, found.encoded)
    try:
        return rate_on_board(board, network.graph, frame_of, sensor), ""
    except FirelaneError as problem:
        return None, problem.found


def estimates(engines: Iterable[EngineConfig], network: Graph | Workload,
              progress: Progress = silent) -> dict[EngineConfig, EngineEstimate]:
    """The network on each engine; the least that it takes on those that cannot compute it."""
    engines, work = list(dict.fromkeys(engines)), network if isinstance(network, Workload) else None
    known = {}
    for number, engine in enumerate(engines):
        progress("estimating for each engine", number, len(engines))
        if isinstance(network, Workload):
            known[engine] = at_least(network, engine, network.too_wide(engine))
            continue
        known[engine] = estimate(network, engine)
        if known[engine].report is None:
            work = work or workload(network, engine)
            known[engine] = at_least(work, engine, known[engine].problems)
    return known


def _energy(board: Board, found: EngineEstimate) -> FrameEnergy | None:
    """What a frame takes of energy on the board, with the memories that it has."""
    if found.report is None:
        return None
    return frame_energy(found.report, board.engine, board.clock_hz, board.device.name)


def weight_count(graph: Graph) -> int:
    """The number of weights of all convolutions, zeros included."""
    return sum(node.weight.size for node in graph.nodes if isinstance(node, Conv))


def _shortages(board: Board, found: EngineEstimate, network: _Network) -> Iterator[Shortage]:
    """All that the board lacks; where nothing but another network or board helps, no ways out of the rest are tried."""
    lacking, words = shortage(board), found.used["weight_words"]
    if lacking:
        yield Shortage(DEVICE, f"the engine needs {lacking}", ("a larger board",))
    bits = weight_bytes(board.engine.weight_words) * 8 / max(network.weights, 1)
    hopeless = bool(lacking) or (words > board.engine.weight_words and bits < FEWEST_BITS)
    if words > board.engine.weight_words:
        alone = not found.problems and all(usage.name == MEMORIES["weight_words"] for usage in found.short)
        short = _weight_shortage(board, words, bits, network, alone)
        yield Shortage(short.what, short.found) if lacking else short
    others = {usage.name: usage for usage in found.short if usage.name != MEMORIES["weight_words"]}
    smaller = _smaller(network, board.engine) if (found.problems or others) and not hopeless else []
    if found.problems:
        ways = [] if hopeless else [*_wider(board, network), *smaller]
        yield _node_shortage(found, ways, hopeless)
    for name, usage in others.items():
        deeper = [] if hopeless else (
            _deeper(board, found, network) + _wider(board, network) if name == MEMORIES["activation_words"]
            else _option(board, program_words=found.used["program_words"]))
        yield Shortage(name, f"{usage.used:,} words of {usage.available:,}", (*deeper, *smaller))


def _node_shortage(found: EngineEstimate, ways: Sequence[str], hopeless: bool) -> Shortage:
    """The shortage of what the engine cannot compute: rows that are too wide, numbers that are too large."""
    hint = found.problems[0].hint
    return Shortage(NODES, first_of(found.problems), tuple(ways) or ((hint,) if hint and not hopeless else ()))


def _weight_shortage(board: Board, words: int, bits: float, network: _Network, alone: bool) -> Shortage:
    """The shortage of `words` words of weights where there is room for `bits` bits a weight; the only one, or not."""
    budget = weight_bytes(board.engine.weight_words)
    text = f"{weight_bytes(words):,} bytes of {budget:,}"
    if bits < FEWEST_BITS:
        way = (f"fewer weights, or a larger board: this one has room for {bits:.2f} bits a weight; at {KNOWN_BITS}, "
               f"SqueezeNet v1.0 loses 2.4 points of top-1, see docs/compression.md")
        return Shortage(MEMORIES["weight_words"], text, (way,))
    goal = ("--board", board.name) if alone else ("--budget", f"{budget}")
    compress = typed("compress", network.model, "--calib", "IMAGES", *goal, "-o", "SMALLER.onnx")
    return Shortage(MEMORIES["weight_words"], text, (*_option(board, weight_words=words), compress), compressible=True)


def _option(board: Board, **sizes: int) -> list[str]:
    """The options that give the board's engine these sizes, if its device has room for them."""
    return larger_engine(board.engine, **sizes) if _engine(board, **sizes) else []


def _engine(board: Board, **sizes: int) -> EngineConfig | None:
    """The board's engine with other sizes, if there is such an engine and the device has room for it."""
    engine = resized(board.engine, **sizes)
    return engine if engine and not shortage_of(engine, board) else None


def _deeper(board: Board, found: EngineEstimate, network: _Network) -> list[str]:
    """The least depth of activation memory that is enough of some that the device has room for."""
    if network.graph is None:
        return []
    engine = least_depth(network.graph, found.used["activation_words"], partial(_engine, board))
    return _option(board, activation_words=engine.activation_words) if engine else []


def _wider(board: Board, network: _Network) -> list[str]:
    """The least number of banks above the engine's that is enough, if the device has room for them."""
    if network.graph is None:
        return []
    engine = least_banks(network.graph, board.engine, partial(_engine, board))
    return _option(board, banks=engine.banks) if engine else []


def _smaller(network: _Network, engine: EngineConfig) -> list[str]:
    size = network.smaller_input(engine)
    return [f"an input of {size[0]} x {size[1]} pixels, or less"] if size else []
