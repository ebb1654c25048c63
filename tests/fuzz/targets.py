"""What mutated inputs are given to; each says how the case ended, and raises what no user should see."""

from __future__ import annotations

import enum
import json
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

import firelane
from firelane.boards.host.framing import Deframer, Frame
from firelane.boards.host.remote_board import RemoteBoard
from firelane.compiler.artefact import container
from firelane.compiler.artefact.reader import read_model
from firelane.compiler.compile import compile_graph
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.marker import COMPILED, MARKER, mark
from firelane.hw.contract.config import EngineConfig
from firelane.models.deep_compression import NETWORK, decode
from firelane.sim.emulator import Emulator
from firelane.sim.reference import run
from firelane.sim.validate import validate
from tests.boards.host.digits import compiled, compiled_folder
from tests.boards.host.fake_board import FakeBoard, Line
from tests.fuzz import mutations
from tests.fuzz.float_graphs import SIDE, float_model
from tests.models.test_deep_compression import made_up_file
from tests.networks import random_graph
from tests.onnx_models import qdq_model, qoperator_model

ENGINE = EngineConfig(banks=2, activation_words=4096, weight_words=1 << 14, program_words=1 << 12)
READS_MAX = 50_000                  #: of a line in one case: more is a hang
DIFFERENCES = ("differs from ONNX Runtime", "its results differ", "results became",
               "its result is another")     #: of `sim.validate`


class Ending(enum.Enum):
    """How a case ended."""

    REFUSED = "refused"
    EQUAL = "equal"
    WRONG = "wrong"


class Hang(Exception):
    """A case did more work than any should."""


def quantized_graph(rng: np.random.Generator, folder: Path) -> Ending:
    """A small quantized network, changed: refused, or as ONNX Runtime computes it, layer by layer, and compiled."""
    graph = random_graph(rng, size="tiny", without=["clamp"])
    write = qdq_model if rng.integers(0, 2) else qoperator_model
    model = mutations.model(rng, write(graph, signed=bool(rng.integers(0, 2))))
    path = folder / "net.onnx"
    content = model.SerializeToString()
    path.write_bytes(mutations.octets(rng, content) if rng.integers(0, 5) == 0 else content)
    try:
        read = load_graph(path)
        validate(read, path)
        compiled = compile_graph(read, ENGINE)
    except FirelaneError as error:
        return _told(error)
    return _emulated(compiled, rng)


def float_graph(rng: np.random.Generator, folder: Path) -> Ending:
    """A small float network, changed, then quantized: refused, or as ONNX Runtime computes it before and after."""
    model = mutations.model(rng, float_model(rng)) if rng.integers(0, 8) else float_model(rng)
    images = rng.normal(size=(8, 3, SIDE, SIDE)).astype(np.float32)
    try:
        made = firelane.quantize(model, images)
        compiled = compile_graph(made.graph, ENGINE)
    except FirelaneError as error:
        return _told(error)
    return _emulated(compiled, rng)


def _told(error: FirelaneError) -> Ending:
    """A refusal, unless what it tells is that a result was wrong: then a user is warned, but we have a fault."""
    return Ending.WRONG if any(text in str(error) for text in DIFFERENCES) else Ending.REFUSED


def _emulated(compiled: Compiled, rng: np.random.Generator) -> Ending:
    """Whether the program gives, on one image, what the reference gives."""
    graph = compiled.graph
    image = rng.integers(0, 256, graph.tensors[graph.input].shape, dtype=np.uint8)
    frame = Emulator(compiled.cfg, compiled.program.contents).run_frame(image.transpose(1, 2, 0))
    expected = compiled.result.pack(run(graph, image)[graph.output])
    return Ending.EQUAL if frame.result == expected else Ending.WRONG


def program_file(rng: np.random.Generator, folder: Path) -> Ending:
    """program.bin, changed, its CRC set right or not: refused, or exactly the words that are in it."""
    octets = mutations.octets(rng, _program())
    if rng.integers(0, 2):
        octets = octets[:-4] + zlib.crc32(octets[:-4]).to_bytes(4, "little")
    try:
        contents = container.from_bytes(octets, "program.bin")
    except FirelaneError:
        return Ending.REFUSED
    return Ending.EQUAL if container.to_bytes(contents) == octets else Ending.WRONG


def manifest(rng: np.random.Generator, folder: Path) -> Ending:
    """manifest.json, changed. Under the old digest nothing but the same may be read; under a new one all is usable."""
    there = _artefact(folder / "artefact")
    path, before = there / "manifest.json", (there / "manifest.json").read_bytes()
    marker = (there / MARKER).read_bytes()
    changed = (json.dumps(mutations.document(rng, json.loads(before))).encode() if rng.integers(0, 3)
               else mutations.octets(rng, before))
    renewed = bool(rng.integers(0, 2))
    try:
        path.write_bytes(changed)
        if renewed:
            mark(there, COMPILED)
        model = read_model(there)
        if model.result.size == model.result.channels:
            model.guesses(bytes(model.result.size))
        return Ending.EQUAL if renewed or changed == before else Ending.WRONG
    except FirelaneError:
        return Ending.REFUSED
    finally:
        path.write_bytes(before)
        (there / MARKER).write_bytes(marker)


def deep_compression(rng: np.random.Generator, folder: Path) -> Ending:
    """The published format, changed: refused, or the weights that the bytes say."""
    octets = mutations.octets(rng, _published())
    path = folder / "published.net"
    path.write_bytes(octets)
    try:
        layers = decode(path)
    except FirelaneError:
        return Ending.REFUSED
    at, counts = 104, np.frombuffer(octets, "<u4", 26)
    for conv, count in zip(NETWORK.convolutions, map(int, counts)):
        codebook = np.frombuffer(octets, "<f4", 256, at)
        at += 1024 + 4 * conv.outputs
        indices, pairs = octets[at:at + count], octets[at + count:at + count + (count + 1) // 2]
        at += count + (count + 1) // 2
        steps = np.repeat(np.frombuffer(pairs, "u1"), 2)
        steps[0::2] %= 16
        steps[1::2] //= 16
        places = np.add.accumulate(steps[:count].astype(int) + 1)
        weight = np.zeros(int(np.prod(conv.weight_shape)) + 1, np.float32)
        weight[places] = codebook[list(indices)]
        if not np.array_equal(layers[conv.name].weight.reshape(-1), weight[1:]):
            return Ending.WRONG
    return Ending.EQUAL


def frames(rng: np.random.Generator, folder: Path) -> Ending:
    """A line that changes what goes over it: a frame that is found was sent or has a right CRC; a result is right."""
    sent = [Frame(*map(int, rng.integers(0, 256, 2)), rng.bytes(int(rng.integers(0, 40)))) for _ in range(4)]
    line = mutations.octets(rng, b"".join(frame.to_bytes() for frame in sent))
    cut = int(rng.integers(0, len(line) + 1))
    deframer = Deframer()
    found = [frame for part in (line[:cut], line[cut:]) for frame in deframer.feed(part)]
    if not all(frame.to_bytes().strip(b"\x7e") in line for frame in found if frame not in sent):
        return Ending.WRONG
    return _session(rng)


def _session(rng: np.random.Generator) -> Ending:
    """An image to a board over a bad line."""
    board, rate = FakeBoard(digest=7), rng.choice((0.0, 0.02, 0.1, 0.5))

    def spoil(octets: bytes, to_board: bool) -> bytes:
        return mutations.octets(rng, octets) if octets and rng.random() < rate else octets

    image = rng.bytes(200)
    try:
        result = RemoteBoard(_CountedLine(board, spoil)).run(image, 7).result
    except FirelaneError:
        return Ending.REFUSED
    return Ending.EQUAL if result == board.compute(image) else Ending.WRONG


class _CountedLine(Line):
    """A line that knows how often it was read."""

    reads = 0

    def read(self) -> bytes:
        self.reads += 1
        if self.reads > READS_MAX:
            raise Hang(f"{READS_MAX} reads")
        return super().read()


@cache
def _program() -> bytes:
    return container.to_bytes(compiled("digits").program.contents)


@cache
def _artefact(folder: Path) -> Path:
    return compiled_folder("digits", folder)


@cache
def _published() -> bytes:
    return made_up_file()[0]


Target = Callable[[np.random.Generator, Path], Ending]
#: What is tried, and how many of 16 cases.
TARGETS: dict[str, tuple[Target, int]] = {
    "quantized ONNX graph": (quantized_graph, 3), "float ONNX graph": (float_graph, 1),
    "program.bin": (program_file, 4), "manifest.json": (manifest, 3), "Deep Compression file": (deep_compression, 1),
    "link frames": (frames, 4)}
