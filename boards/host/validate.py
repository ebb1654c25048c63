"""A board held against the integer reference, every value of every result: what `firelane validate` does.

The folder that `firelane compile` writes has the program, and not the network that it was made from. So the reference
needs the model: it is compiled again, and must give the very program of the folder. Without it the emulator says what
must come out, from the words of the program alone; that it equals the reference is what the test suite shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from firelane.boards.host.connection import StatusError
from firelane.boards.host.discovery import BAUDS
from firelane.boards.host.run import BoardSession, image_files
from firelane.boards.host.validation_record import (
    FirstDifference,
    LinkStatistics,
    PredictedCycles,
    Stop,
    Validation,
)
from firelane.compiler.artefact.file_names import MANIFEST, PROGRAM
from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.ir.graph import Graph
from firelane.compiler.support.errors import ConfigError, MismatchError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.files import read_file, write_file
from firelane.compiler.support.outputs import check_file
from firelane.compiler.support.progress import Progress, silent
from firelane.hw.contract.link_protocol import Status
from firelane.sim import reference
from firelane.sim.benchmark.builds import RECORD_FILE
from firelane.sim.emulator import Emulator, FrameResult
from firelane.sim.judge.images import choose_images

OPTION = "-o"
BITSTREAM_BYTES = 1 << 28        #: more than any bitstream
STOPPED = (Status.ENGINE_ERROR, Status.TIMEOUT)     #: the engine's fault, which belongs into the record


@dataclass(frozen=True)
class Truth:
    """What a compiled network must compute: by the reference of its graph, or by the emulator if there is none."""

    model: HostModel
    graph: Graph | None

    @property
    def name(self) -> str:
        return "reference" if self.graph else "emulator"

    def expected(self, image: np.ndarray) -> np.ndarray:
        """The result, uint8 (C', H', W'), of an image, uint8 (C, H, W)."""
        if self.graph:
            return reference.run_batch(self.graph, image[None])[0]
        return self.model.result.unpack(self._emulated(image).result)

    def predicted_cycles(self, image: np.ndarray) -> PredictedCycles:
        """Cycles of a frame; they are the same for every image."""
        frame = self._emulated(image)
        return PredictedCycles(frame.total_cycles, frame.waiting_cycles)

    def _emulated(self, image: np.ndarray) -> FrameResult:
        return Emulator(self.model.engine, self.model.contents).run_frame(image.transpose(1, 2, 0))


@dataclass
class Tally:
    """What has been found so far."""

    equal: int = 0
    difference: FirstDifference | None = None
    stop: Stop | None = None
    cycles: list[int] = field(default_factory=list)
    image_seconds: float = 0.0
    result_seconds: float = 0.0
    result_bytes: int = 0


def validate(folder: Path, port: str, baud: int = BAUDS[0], *,  # noqa: PLR0913 (all but three have a default)
             images: Sequence[Path] | None = None, limit: int | None = None, model: str | None = None,
             bitstream: Path | None = None, record: Options | None = None, output: Path,
             progress: Progress = silent) -> Validation:
    """Have the board at `port` compute images, compare every value, and write the record to `output`.

    Parameters
    ----------
    folder : Path
        What `firelane compile` wrote, and the board holds.
    images : sequence of Path, optional
        Image files, and folders of them; if not given, drawn digits, or a made image for other networks.
    limit : int, optional
        How many images are taken at most.
    model : str, optional
        The network, by name or as an ONNX file, that `folder` was compiled from, for the reference.
    bitstream : Path, optional
        The one in the board, for its digest; if not given, the one that `firelane bitstream` wrote beside `folder`.
    record : mapping, optional
        How images become the network's input, in place of what `folder` records.

    Raises
    ------
    FirelaneError
        If model, images or board cannot be used, or the board holds another model.
    MismatchError
        If a value differs, or the engine stops. The record is written.
    """
    check_file(output, OPTION, inputs=(bitstream,))
    files = image_files(images or ())[:limit]
    network = from_extra("firelane.boards.host.model_of_program", "compile", "MODEL") if model else None
    with BoardSession.open(port, baud, folder, None, record) as session:
        graph = network.graph_of_program(session.model, str(model), progress) if network else None
        truth = Truth(session.model, graph)
        pixels = choose_images(session.model.graph, files, limit).pixels
        digest = bitstream_digest(bitstream, folder, session.board.identity.board)
        progress("emulating a frame", 0, None)
        predicted = truth.predicted_cycles(pixels[0])
        tally = _compare(session, truth, pixels, progress)
        found = _validation(session, truth, pixels, tally, predicted, digest, baud)
    write_file(output, found.to_json().encode(), OPTION)
    if not found.passed:
        raise MismatchError(f"{found}; record: {output}")
    return found


def bitstream_digest(bitstream: Path | None, folder: Path, board: str) -> str | None:
    """SHA-256 of a bitstream; if none is named, of the one that was built for this board with `folder` in it."""
    if bitstream is not None:
        try:
            return hashlib.sha256(read_file(bitstream, BITSTREAM_BYTES)).hexdigest()
        except OSError as error:
            raise ConfigError("--bitstream", f"{bitstream}: {error.strerror or 'cannot be read'}",
                              hint="give the file that the board was programmed with") from None
    try:
        build = json.loads((folder.resolve().parent / RECORD_FILE).read_text())
        found = build["bitstream_sha256"] if build["board"] == board else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _compare(session: BoardSession, truth: Truth, images: np.ndarray, progress: Progress) -> Tally:
    tally = Tally()
    for number, image in enumerate(images):
        progress(f"comparing with the {truth.name} (images)", number, len(images))
        try:
            frame = session.board.run(stream_bytes(image), session.model.digest)
        except StatusError as error:
            if error.status not in STOPPED:
                raise
            tally.stop = Stop(number, error.status.name, error.error_code, error.error_place)
            return tally
        tally.cycles.append(frame.cycles)
        tally.image_seconds += frame.image_seconds
        tally.result_seconds += frame.result_seconds
        tally.result_bytes += len(frame.result)
        difference = first_difference(number, truth.expected(image), session.model.output(frame.result))
        tally.equal += difference is None
        tally.difference = tally.difference or difference
    return tally


def first_difference(image: int, expected: np.ndarray, got: np.ndarray) -> FirstDifference | None:
    """The first value, by channels, rows and columns, that differs between two results, uint8 (C, H, W)."""
    wrong = np.argwhere(expected != got)
    if not len(wrong):
        return None
    channel, row, column = place = tuple(int(axis) for axis in wrong[0])
    return FirstDifference(image, channel, row, column, int(expected[place]), int(got[place]), len(wrong),
                           expected.size)


def _validation(session: BoardSession, truth: Truth, images: np.ndarray, tally: Tally,
                predicted: PredictedCycles, bitstream: str | None, baud: int) -> Validation:
    board, folder = session.board, session.model.folder
    link = LinkStatistics(baud=baud, sent_again=board.connection.sent_again, payload_bytes=board.connection.size.now,
                          image_bytes=len(tally.cycles) * images[0].size, image_seconds=round(tally.image_seconds, 3),
                          result_bytes=tally.result_bytes, result_seconds=round(tally.result_seconds, 3))
    artefact = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (MANIFEST, PROGRAM)}
    inputs = hashlib.sha256(b"".join(stream_bytes(image) for image in images)).hexdigest()
    return Validation(identity=board.identity, simulated=board.connection.port.simulated,
                      engine_digest=board.engine_digest, program_digest=session.model.digest, artefact=artefact,
                      bitstream_sha256=bitstream, expected_from=truth.name, images=len(images), inputs_sha256=inputs,
                      equal=tally.equal, difference=tally.difference, stop=tally.stop, cycles=tuple(tally.cycles),
                      predicted=predicted, link=link)
