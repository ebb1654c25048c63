"""`firelane validate` with a board in Python whose engine is the reference, or one that is wrong in a value."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from firelane.boards.host.model_of_program import graph_of_program
from firelane.boards.host.validate import bitstream_digest, first_difference, validate
from firelane.boards.top.identity import Identity
from firelane.compiler.artefact.reader import read_model
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.support.errors import ConfigError, FirelaneError, MismatchError
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.link_protocol import Status
from firelane.hw.contract.registers import Register
from firelane.models.drawn_digits import drawn_digits
from firelane.sim.emulator import Emulator
from tests.boards.host.digits import CFG, compiled, compiled_folder, expected, image_file, pixels
from tests.boards.host.fake_board import FakeBoard, on_terminal

SIDE = pixels(0).shape[-1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    return compiled_folder("digits", tmp_path / "build" / "digits")


def right(image: bytes) -> bytes:
    return expected("digits", np.frombuffer(image, np.uint8).reshape(1, SIDE, SIDE))


def drawn(number: int) -> np.ndarray:
    """A digit of those that are taken if no images are named, uint8 (1, rows, columns)."""
    return drawn_digits(number + 1).images[number].transpose(2, 0, 1)


def a_board(folder, compute=right) -> FakeBoard:
    return FakeBoard(compute=compute, chunk=10, digest=read_model(folder).digest,
                     identity=Identity(board="fake", clock_hz=1000, engine=CFG))


def validated(board: FakeBoard, folder, **options):
    with on_terminal(board.answers) as path:
        return validate(folder, path, output=folder.parent.parent / "record.json", **options)


def record(folder) -> dict:
    return json.loads((folder.parent.parent / "record.json").read_text())


def test_every_value_is_equal(folder):
    found = validated(a_board(folder), folder, model="digits", limit=3)
    assert (found.passed, found.images, found.equal, found.expected_from) == (True, 3, 3, "reference")
    assert str(found).startswith("the simulated fake: every value of 3 images equals the reference; 1,000 cycles a ")
    said, engine = record(folder), compiled("digits")
    assert said["passed"] and said["images_equal"] == 3 and said["first_difference"] is said["stop"] is None
    assert said["board"]["board"] == "fake" and said["board"]["clock_hz"] == 1000 and said["board"]["simulated"]
    assert said["board"]["engine"]["banks"] == CFG.banks and said["board"]["engine_digest"] == f"{CFG.digest:08x}"
    assert said["program_digest"] == f"{engine.program.contents.program_digest:08x}"
    assert said["artefact_sha256"]["program.bin"] == hashlib.sha256((folder / "program.bin").read_bytes()).hexdigest()
    frame = Emulator(CFG, engine.program.contents).run_frame(pixels(0).transpose(1, 2, 0))
    assert said["frame_cycles"] == {"measured": {"least": 1000, "most": 1000}, "predicted": frame.total_cycles,
                                    "predicted_waiting": frame.waiting_cycles}
    assert 0 < frame.waiting_cycles < frame.total_cycles / 100
    assert said["inputs_sha256"] == hashlib.sha256(b"".join(stream_bytes(drawn(n)) for n in range(3))).hexdigest()
    assert said["link"]["image_bytes"] == 3 * SIDE * SIDE and said["link"]["result_bytes"] == 30
    assert said["link"]["sent_again"] == 0 and said["bitstream_sha256"] is None
    assert said["versions"].keys() == {"commit", "python", "firelane", "numpy", "pyserial"}


def test_the_record_names_no_file(folder, tmp_path):
    validated(a_board(folder), folder, images=[image_file(4, tmp_path)], model="digits")
    text = (tmp_path / "record.json").read_text()
    assert str(tmp_path) not in text and "/" not in text and "digit4" not in text


def test_images_and_the_emulator(folder, tmp_path):
    """Without the model: the program itself says what must come out."""
    for number in (5, 6, 7):
        image_file(number, tmp_path / "images")
    found = validated(a_board(folder), folder, images=[tmp_path / "images"], limit=2)
    assert (found.passed, found.images, found.expected_from) == (True, 2, "emulator")
    assert found.inputs_sha256 == hashlib.sha256(b"".join(stream_bytes(pixels(n)) for n in (5, 6))).hexdigest()


@pytest.mark.parametrize("model", ["digits", None])
def test_a_value_that_differs(folder, model):
    """One value of the second image, and two of the third, are wrong."""
    def wrong(image: bytes) -> bytes:
        result = bytearray(right(image))
        number = next(n for n in range(4) if stream_bytes(drawn(n)) == image)
        for place in {1: [7], 2: [2, 3]}.get(number, []):
            result[place] ^= 1
        return bytes(result)

    with pytest.raises(MismatchError, match=r"^the simulated fake: 2 of 4 images equal; the first: image 1, "
                                            r"channel 7, row 0, column 0: expected \d+, got \d+ \(1 of 10 values"):
        validated(a_board(folder, wrong), folder, model=model, limit=4)
    said, value = record(folder), expected("digits", drawn(1))[7]
    assert not said["passed"] and said["images_equal"] == 2
    assert said["first_difference"] == {"image": 1, "channel": 7, "row": 0, "column": 0, "expected": value,
                                        "got": value ^ 1, "differing": 1, "values": 10}


def test_an_engine_that_stops(folder):
    board = a_board(folder)

    def stopping(payload):
        board.registers[Register.ERROR] = ErrorCode.BAD_CODE | 0x123 << 16
        return Status.ENGINE_ERROR

    board.do_result = stopping
    with pytest.raises(MismatchError, match="0 of 2 images equal; the engine stopped at image 0: ENGINE_ERROR"):
        validated(board, folder, limit=2)
    assert record(folder)["stop"] == {"image": 0, "status": "ENGINE_ERROR", "program_word": 0x123,
                                      "error_code": int(ErrorCode.BAD_CODE)}
    assert record(folder)["frame_cycles"]["measured"] is None


def test_the_model_must_be_that_of_the_program(folder):
    model = read_model(folder)
    assert graph_of_program(model, "digits").name == compiled("digits").graph.name
    with pytest.raises(ConfigError, match=r"^MODEL: digits-bypass becomes another program \(digest \w+\) than "):
        graph_of_program(model, "digits-bypass")


def test_refusals(folder, tmp_path):
    board = a_board(folder)
    board.digest ^= 1
    with pytest.raises(FirelaneError, match="is not the model in the board"):
        validated(board, folder)
    with pytest.raises(ConfigError, match="missing: there is no such file"):
        validated(a_board(folder), folder, images=[tmp_path / "missing"])
    with pytest.raises(ConfigError, match=r"^bitstream: .*missing.bit: No such file"):
        validated(a_board(folder), folder, bitstream=tmp_path / "missing.bit", limit=1)
    assert not (tmp_path / "record.json").exists()


def test_the_bitstream_is_known_by_its_build(tmp_path):
    folder = tmp_path / "model"
    assert bitstream_digest(None, folder, "ulx3s_85f") is None
    (tmp_path / "build.json").write_text(json.dumps({"board": "ulx3s_85f", "bitstream_sha256": "abc"}))
    assert bitstream_digest(None, folder, "ulx3s_85f") == "abc"
    assert bitstream_digest(None, folder, "ulx3s_25f") is None
    (tmp_path / "my.bit").write_bytes(b"bits")
    assert bitstream_digest(tmp_path / "my.bit", folder, "x") == hashlib.sha256(b"bits").hexdigest()


def test_the_first_difference_is_by_channel_row_and_column():
    expected_map = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    got = expected_map.copy()
    got[1, 0, 3] = got[0, 2, 1] = 99
    found = first_difference(5, expected_map, got)
    assert (found.image, found.channel, found.row, found.column, found.expected, found.got) == (5, 0, 2, 1, 9, 99)
    assert (found.differing, found.values) == (2, 24) and first_difference(0, got, got) is None


def test_a_physical_board_is_not_called_simulated(folder):
    found = validated(a_board(folder), folder, limit=1)
    assert str(replace(found, simulated=False)).startswith("fake: every value of 1 image equals")
    unnamed = replace(found, identity=replace(found.identity, board="simulated"))
    assert str(unnamed).startswith("the simulated board: every value")
