"""Compiled folders as a host reads them: the same input, result and classes as the compiler's, or a refusal."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from firelane.compiler.artefact import container
from firelane.compiler.artefact.reader import find_model, read_model
from firelane.compiler.frame_io.classes import best_classes
from firelane.compiler.frame_io.result import ResultFormat
from firelane.compiler.frame_io.stream import stream_bytes
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.marker import COMPILED, mark
from tests.boards.host.digits import CFG, compiled, compiled_folder, expected, image_file, pixels


@pytest.fixture
def folder(tmp_path):
    return compiled_folder("digits", tmp_path / "digits")


def test_a_model_is_what_was_compiled(folder, tmp_path):
    model, network = read_model(folder), compiled("digits")
    assert model.engine == CFG and model.result == network.result and model.classes == 10
    assert model.contents == network.program.contents and model.digest == network.program.contents.program[3]
    assert model.image_bytes(image_file(4, tmp_path)) == stream_bytes(pixels(4))
    result = expected("digits", pixels(4))
    assert model.guesses(result) == best_classes(network.graph, network.result.unpack(result))
    with pytest.raises(FirelaneError, match="the board's result has 9 bytes, this model's 10"):
        model.guesses(result[1:])
    with pytest.raises(FirelaneError, match="the network's output is a map of 2 x 3 pixels, not a class"):
        replace(model, result=ResultFormat(1, 2, 3, group_rows=2)).guesses(result)


def change(folder, **entries):
    """The marker is made anew if there is something to be read wrongly behind it."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))
    if "sha256" not in entries:
        mark(folder, COMPILED)


def within(folder, name, **entries):
    change(folder, **{name: {**json.loads((folder / "manifest.json").read_text())[name], **entries}})


def short(folder, words):
    contents = container.read_contents(folder / "program.bin")
    (folder / "program.bin").write_bytes(container.to_bytes(replace(contents, program=contents.program[:words])))
    mark(folder, COMPILED)


def test_the_folder_of_a_build(tmp_path):
    compiled_folder("digits", tmp_path / "net" / "program")
    with pytest.raises(FirelaneError, match=rf"is no compiled model .*; did you mean {tmp_path}/net/program\?$"):
        read_model(tmp_path / "net")


@pytest.mark.parametrize("spoil, text", [
    (lambda folder: (folder / "manifest.json").unlink(), "is no compiled model .*give the folder that"),
    (lambda folder: (folder / "manifest.json").write_text("{"), r"manifest\.json: is damaged"),
    (lambda folder: (folder / "manifest.json").write_text("[" * 100_000), r"is damaged \(is nested too deeply\)"),
    (lambda folder: (folder / "manifest.json").write_text("[]"), r"is damaged \(is no record\)"),
    (lambda folder: (folder / "manifest.json").write_bytes(b"\xff"), r"manifest\.json: is damaged"),
    (lambda folder: (folder / "program.bin").write_bytes(b"FIRELANE"), "not a Firelane program"),
    (lambda folder: (folder / "program.bin").unlink(), r"program\.bin: No such file"),
    (lambda folder: (folder / "firelane.json").unlink(), r"firelane\.json: No such file"),
    (lambda folder: (folder / "firelane.json").write_text("[" * 100_000), r"firelane\.json: is damaged"),
    (lambda folder: os.mkfifo(folder / "pipe") or (folder / "pipe").rename(folder / "manifest.json"),
     r"manifest\.json: is no regular file"),
    (lambda folder: change(folder, manifest_version=2), "of version 2; compile again"),
    (lambda folder: change(folder, sha256={}), r"is damaged \(is not the one that firelane\.json names\)"),
    (lambda folder: short(folder, 3), r"program\.bin: damaged \(its program has 3 words\)"),
    (lambda folder: change(folder, output={}), r"is damaged \(shape is no list of 3 numbers\); remove the folder and"),
    (lambda folder: change(folder, engine={"banks": 3}), r"is damaged \(banks must be"),
    (lambda folder: change(folder, engine={"banks": 4}),
     r"/digits: was compiled by another version of Firelane; compile it again$"),
    (lambda folder: change(folder, engine={"banks": 4}, engine_digest=1),
     r"manifest\.json: is damaged \(program\.bin is for another engine\)"),
    (lambda folder: within(folder, "output", scale="a"), "scale of the output is no positive number"),
    (lambda folder: within(folder, "output", scale=float("nan")), "scale of the output is no positive number"),
    (lambda folder: within(folder, "output", group_rows=[1]), "group_rows is no whole number from 1 to"),
    (lambda folder: within(folder, "input", zero_point=True), "zero_point is no whole number from 0 to 255"),
    (lambda folder: within(folder, "input", shape=[1 << 12, 1 << 12, 3]), r"is damaged \(50,331,648 values"),
    (lambda folder: within(folder, "metadata", **{"firelane.host_operators": 3}), "metadata are not texts"),
    (lambda folder: within(folder, "metadata", **{"firelane.host_operators": "HardSigmoid:x:1"}), "HardSigmoid:x:1"),
    (lambda folder: within(folder, "metadata", **{"firelane.input": "[" * 100_000}), r"manifest\.json: is damaged"),
    (lambda folder: within(folder, "metadata", **{"firelane.input": '{"channels": "RGB", "mean": 1' + "0" * 400 + "}"}),
     r"manifest\.json: is damaged"),
])
def test_what_is_no_model(folder, spoil, text):
    spoil(folder)
    with pytest.raises(FirelaneError, match=text):
        read_model(folder)


def test_a_model_is_found_by_its_digest(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    compiled_folder("digits", tmp_path / "one")
    built = compiled_folder("digits-bypass", tmp_path / "bitstream" / "ulx3s_25f-digits" / "model")
    assert find_model(read_model(built).digest).folder == built
    (tmp_path / "simulated").mkdir()
    built.rename(tmp_path / "simulated" / "digits-bypass")
    assert find_model(read_model(tmp_path / "simulated" / "digits-bypass").digest).folder.parent.name == "simulated"
    with pytest.raises(FirelaneError, match=r"^model: the board holds a model \(digest 0000002a\) that was not "):
        find_model(42)
