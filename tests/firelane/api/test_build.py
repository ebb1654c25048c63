"""From a float network to a program in one call: what is kept, what is made again, and what stops it."""

from __future__ import annotations

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from PIL import Image
from rich.console import Console

import firelane
from firelane import boards
from firelane.api.build_job import COMPRESSED, QUANTIZED, STEPS
from firelane.boards import get_board
from firelane.boards.report.build_report import BuildReport, Step
from firelane.compiler.support.kept_steps import LOCK, RECORD
from firelane.compiler.support.marker import BUILD
from firelane.compiler.support.work_folder import replacing
from firelane.models.made_images import made_images
from tests.compiler.small_networks import SIDE, small_model, without_record
from tests.json_schemas import check

WORDS = 200                     #: of weights, two thirds of what the network needs as int8
IMAGES = made_images(12, (3, SIDE, SIDE), seed=5)
MADE = STEPS[:-1]


@pytest.fixture(scope="module")
def small_board():
    """A board whose weight memory is too small for the network as int8."""
    usual = get_board("ulx3s_25f")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(boards._BOARDS, "small", replace(usual, name="small",
                                                       engine=replace(usual.engine, weight_words=WORDS)))
        yield "small"


@pytest.fixture(scope="module")
def whole(small_board, tmp_path_factory):
    """The folder of a build that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    onnx.save(small_model(density=0.9), folder / "net.onnx")
    build(folder / "net.onnx", small_board, folder / "d")
    return folder / "d"


@pytest.fixture
def net(tmp_path):
    onnx.save(small_model(density=0.9), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def build(net, board, folder, **options):
    options = {"thorough": False} | options
    return firelane.build(net, board, options.pop("calibration", IMAGES), folder, **options)


def kept(built) -> list[str]:
    return [step.name for step in built.steps if step.kept]


def contents(folder) -> dict[str, bytes]:
    """Everything that was made, the record but for its keys."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in (RECORD, LOCK)}


class StopError(Exception):
    """Ctrl-C, as a test can tell it."""


class TestTooLargeForTheBoard:
    @pytest.fixture
    def built(self, net, small_board, whole, tmp_path):
        shutil.copytree(whole, tmp_path / "d")
        return build(net, small_board, tmp_path / "d")

    def test_figures(self, built, small_board, tmp_path):
        compiled = firelane.compile(built.model, small_board)
        assert compiled.fits and built.model == tmp_path / "d" / COMPRESSED
        assert built.cycles == compiled.cycles
        assert built.frames_per_second == compiled.frames_per_second
        assert built.end_to_end == firelane.estimate(built.model, small_board).boards[0].end_to_end
        assert 0.2 < built.memory_share <= 1 and built.rom_bytes == compiled.rom_bytes
        assert built.name == "net" and built.bitstream is None and [step.name for step in built.steps] == list(MADE)
        assert json.loads((built.program / "manifest.json").read_text())["network"] == "net"

    def test_what_is_lost_was_found_on_other_images(self, built, net):
        """One in five, and by the bits that the board computes against the network as it came."""
        held_out = [IMAGES[0], IMAGES[9]]          # one from each half
        score = firelane.evaluate(built.model, held_out, float_model=net).scores[0]
        assert built.loss.images == 2 and built.loss.agreement == score.agreement
        assert (built.loss.expected, built.loss.error) == (score.expected_loss, score.loss_error)
        assert built.loss.error > 0

    @pytest.mark.parametrize("width", [60, 80])
    def test_the_answer_fits_the_terminal(self, built, width):
        """Words are wrapped behind their label; a command goes on behind a backslash."""
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(built, crop=False)
        text = console.export_text()
        words = " ".join(" ".join(built.lines).split())
        assert " ".join(text.replace(" \\\n", " ").split()) == words and len(built.lines[0]) > width
        assert all(len(line) <= width or str(built.folder) in line for line in text.splitlines())

    def test_the_answer(self, built):
        lines = built.lines
        assert lines[0].startswith("lost:   ")
        assert re.search(r" of 2 images that nothing was made with, of others probably for \d+% or more "
                         r"\(50 or more would say more\)$", lines[0])
        assert lines[1] == (f"memory: {built.rom_bytes:,} bytes of ROM; the board's weight memory is "
                            f"{built.memory_share:.1%} full")
        assert f"{built.cycles:,} cycles at 75 MHz" in lines[2]
        assert lines[4] == f"next:   firelane board-sim {built.program} --board small"
        found = check("build", json.loads(built.to_json()))
        assert found["loss"]["images"] == 2 and found["cycles"] == built.cycles and found["next"][0] in lines[4]

    def test_everything_is_kept(self, built, net, small_board, tmp_path):
        before, said = contents(tmp_path / "d"), []
        again = build(net, small_board, tmp_path / "d", say=said.append,
                      progress=lambda stage, done, total: pytest.fail(stage))
        assert kept(again) == list(MADE) and contents(tmp_path / "d") == before
        assert str(again) == str(built) and said[3].startswith("[3/5] compress: kept (same inputs): ")

    def test_another_option_makes_only_what_depends_on_it(self, built, net, small_board, tmp_path):
        assert kept(build(net, small_board, tmp_path / "d", objective="size")) == ["check", "quantize"]
        assert kept(build(net, small_board, tmp_path / "d", objective="size", judge=IMAGES[:3],
                          calibration=IMAGES[3:])) == []
        judged = build(net, small_board, tmp_path / "d", objective="size", judge=IMAGES[3:6], calibration=IMAGES[3:])
        assert "quantize" in kept(judged) and "evaluate" not in kept(judged) and judged.loss.images == 3

    def test_what_somebody_damaged_is_not_taken_for_ours(self, built, net, small_board, tmp_path):
        (tmp_path / "d" / COMPRESSED).write_bytes(b"mine")
        with pytest.raises(firelane.FirelaneError, match=f"{COMPRESSED}: is there already, and Firelane did not"):
            build(net, small_board, tmp_path / "d")
        assert (tmp_path / "d" / COMPRESSED).read_bytes() == b"mine"
        (tmp_path / "d" / COMPRESSED).unlink()
        assert kept(build(net, small_board, tmp_path / "d")) == ["check", "quantize", "evaluate", "compile"]

    def test_on_a_larger_board_nothing_is_compressed(self, built, net, tmp_path):
        """And what was compressed for the smaller one is gone."""
        said = []
        again = build(net, "ulx3s_25f", tmp_path / "d", say=said.append)
        assert again.model == tmp_path / "d" / QUANTIZED and not (tmp_path / "d" / COMPRESSED).exists()
        assert "[3/5] compress: not needed" in said and again.loss.images == 2


def test_stopped_in_every_step(net, small_board, whole, tmp_path):
    """Each call goes on where the last one was stopped, and the end is what an undisturbed call gives."""
    stopped = tmp_path / "stopped"
    for number in range(1, len(MADE) + 1):
        said = []

        def stop(stage, done, total, number=number):
            if stage.startswith(f"[{number}/"):
                raise StopError
        with pytest.raises(StopError):
            build(net, small_board, stopped, say=said.append, progress=stop)
        told = [line for line in said if line.startswith("[")]
        assert len(told) == number - 1 and ["kept" in line for line in told] == [True] * (number - 2) + [False] * (
            number > 1)
        names = {path.name for path in stopped.iterdir()} if stopped.exists() else set()
        assert names <= {RECORD, LOCK, QUANTIZED, COMPRESSED}
    assert kept(build(net, small_board, stopped)) == list(MADE[:-1])
    assert contents(stopped) == contents(whole)


def test_other_files_stay(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    firelane.build("digits", "ulx3s_25f", folder=folder)
    assert (folder / "notes.txt").read_text() == "mine" and (folder / QUANTIZED).exists()


@pytest.mark.parametrize("name", [QUANTIZED, "program", "build.json", "firelane.json"])
def test_a_foreign_file_in_the_way_is_refused_before_the_work(net, small_board, tmp_path, name):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_text("mine")
    with pytest.raises(firelane.FirelaneError, match="already|is no folder"):
        build(net, small_board, tmp_path / "d", progress=lambda stage, done, total: pytest.fail(stage))
    assert [path.name for path in (tmp_path / "d").iterdir()] == [name]


def test_everything_that_is_wrong_at_once_before_the_work(small_board, tmp_path):
    model = small_model()
    model.graph.node[1].op_type = "Tanh"
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(firelane.FirelaneError) as found:
        build(tmp_path / "net.onnx", small_board, tmp_path / "d", calibration=IMAGES[:9])
    assert "Tanh" in str(found.value) or "tanh" in str(found.value).lower()
    assert [problem.where for problem in found.value.further] == ["--calib"]
    assert not (tmp_path / "d").exists()


def test_every_damaged_image_is_named(net, small_board, tmp_path):
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    for number, image in enumerate(IMAGES):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "photos" / "cats" / f"{number:02}.png")
    for number in (3, 7):
        (tmp_path / "photos" / "cats" / f"{number:02}.png").write_bytes(b"no image")
    with pytest.raises(firelane.FirelaneError, match="not an image") as found:
        build(net, small_board, tmp_path / "d", calibration=tmp_path / "photos")
    named = [problem.where.rpartition("/")[2] for problem in (found.value, *found.value.further)]
    assert named == ["03.png", "07.png"]


def test_images_of_the_wrong_size_are_one_line(small_board, tmp_path):
    """The first in the folder is named, although others are held out, and how many there are."""
    (tmp_path / "photos").mkdir()
    for number in range(12):
        Image.fromarray(np.zeros((9, 8, 3), np.uint8)).save(tmp_path / "photos" / f"{number:02}.png")
    onnx.save(without_record(small_model()), tmp_path / "net.onnx")
    with pytest.raises(firelane.FirelaneError) as found:
        build(tmp_path / "net.onnx", small_board, tmp_path / "d", calibration=tmp_path / "photos", channels="RGB")
    assert str(found.value).startswith(f"{tmp_path}/photos/00.png and 11 more: 8 x 9 pixels; the network wants ")
    assert found.value.further == ()


@pytest.mark.parametrize("options, message", [
    ({"calibration": None}, "^calibration: is missing; a float network is quantized with images"),
    ({"compress": False}, r"^small: weight memory: [\d,]+ bytes of 900; "),
    ({"calibration": IMAGES[:9]}, "^calibration: 9 images; at least 10 are needed"),
    ({"calibration": IMAGES.astype(np.float32)}, "float32 of shape .*; uint8 pixels of shape"),
    ({"calibration": "nowhere"}, "^nowhere: no such file or folder; give a folder of images, or an .npy file with "),
    ({"method": "best"}, "^method: 'best'; one of minmax"), ({"limit": 0}, "^limit: 0; a whole number from 1")])
def test_what_cannot_be_built(net, small_board, tmp_path, options, message):
    with pytest.raises(firelane.FirelaneError, match=message):
        build(net, small_board, tmp_path / "d", **options)
    assert not (tmp_path / "d").exists()


def test_how_it_takes_pixels_must_be_known(small_board, tmp_path):
    onnx.save(without_record(small_model(density=0.9)), tmp_path / "net.onnx")
    with pytest.raises(firelane.FirelaneError, match="how it takes pixels is not recorded in it; say it with --preset"):
        build(tmp_path / "net.onnx", small_board, tmp_path / "d")
    with pytest.raises(firelane.FirelaneError, match="how it takes pixels is not recorded in it") as told:
        firelane.build(tmp_path / "net.onnx", str(small_board), tmp_path / "none", tmp_path / "d")
    assert [problem.found for problem in told.value.further] == ["no such file or folder"]
    built = build(tmp_path / "net.onnx", "ulx3s_25f", tmp_path / "d", preset="imagenet")
    assert firelane.load(built.model).quantized and built.loss.images == 2


def test_a_quantized_network_that_fits_needs_no_images(tmp_path):
    built = firelane.build("digits", "ulx3s_25f", folder=tmp_path / "d")
    assert built.loss is None and built.steps[1].text.startswith("not needed, digits is quantized")
    assert built.lines[0] == "lost:   nothing: the network is computed as it was given"
    assert built.cycles == firelane.compile("digits", "ulx3s_25f").cycles


def test_a_quantized_network_that_does_not_fit(net, small_board, tmp_path):
    """It is compressed as it is, and what is lost is told from itself."""
    firelane.quantize(net, IMAGES).save(tmp_path / "q.onnx")
    with pytest.raises(firelane.FirelaneError, match="^calibration: is missing, and small has too little room: "):
        firelane.build(tmp_path / "q.onnx", small_board, folder=tmp_path / "d")
    built = build(tmp_path / "q.onnx", small_board, tmp_path / "d")
    assert built.loss.images == 2 and built.memory_share <= 1 and "quantized" in built.steps[0].text


def test_two_at_a_time_in_one_folder(net, small_board, tmp_path):
    def begin_another(stage, done, total):
        with pytest.raises(firelane.FirelaneError, match="another command is at work in it"):
            build(net, small_board, tmp_path / "d")
        raise StopError
    with pytest.raises(StopError):
        build(net, small_board, tmp_path / "d", progress=begin_another)


class TestBitstream:
    @pytest.fixture
    def routed(self, monkeypatch):
        """The networks that were placed and routed, by name: in place of minutes of work."""
        calls = []

        def build_model(board, model, folder, *, seeds, say, name, progress):
            progress("seed 1: routing", 0.5, 1.0)
            calls.append((name, model.name, list(seeds)))
            with replacing(folder, BUILD) as fresh:
                (fresh / "top.bit").write_bytes(model.read_bytes()[:10])
            report = BuildReport({}, 81e6, 75e6, (Step("routing", 12.3, "a", "b"),))
            return SimpleNamespace(build=SimpleNamespace(seed=seeds[0], report=report))
        monkeypatch.setattr("firelane.boards.flow.model_build.build_model", build_model)
        return calls

    def test_it_is_made_last_and_kept(self, routed, tmp_path):
        built = firelane.build("digits", "ulx3s_25f", folder=tmp_path / "d", bitstream=True)
        assert built.bitstream == tmp_path / "d" / "bitstream" / "top.bit" and built.bitstream.exists()
        assert built.steps[-1].name == "bitstream" and "81.0 MHz possible, 75 used" in built.steps[-1].text
        assert built.next_commands[0] == f"firelane program --board ulx3s_25f --bitstream {built.bitstream}"
        elsewhere = replace(built, program=Path("my nets/program"), bitstream=None)
        assert elsewhere.next_commands[0] == "firelane board-sim 'my nets/program' --board ulx3s_25f"
        again = firelane.build("digits", "ulx3s_25f", folder=tmp_path / "d", bitstream=True)
        assert kept(again) == ["check", "quantize", "evaluate", "compile", "bitstream"] and len(routed) == 1
        assert routed[0][:2] == ("digits", QUANTIZED)
        firelane.build("digits", "ulx3s_25f", folder=tmp_path / "d", bitstream=True, seed=5, seeds=2)
        assert routed[1][2] == [5, 6]

    def test_stopped_while_it_is_routed(self, routed, tmp_path):
        def stop(stage, done, total):
            if stage == "[6/6] seed 1: routing":
                raise StopError
        with pytest.raises(StopError):
            firelane.build("digits", "ulx3s_25f", folder=tmp_path / "d", bitstream=True, progress=stop)
        assert not (tmp_path / "d" / "bitstream").exists()
        again = firelane.build("digits", "ulx3s_25f", folder=tmp_path / "d", bitstream=True)
        assert kept(again) == ["check", "quantize", "evaluate", "compile"] and len(routed) == 1

    def test_a_device_without_place_and_route_is_refused_before_the_work(self, routed, tmp_path):
        with pytest.raises(firelane.FirelaneError, match="no place and route for the XC7A100T; `firelane vivado-proj"):
            firelane.build("digits", "arty_a7_100", folder=tmp_path / "d", bitstream=True)
        assert not (tmp_path / "d").exists() and not routed
