"""`firelane evaluate` as a user meets it."""

import json
import re

import numpy as np
import onnx
import pytest
from PIL import Image

from firelane.cli.main import main
from firelane.models.catalogue import EMBEDDED
from firelane.models.digits import load_split
from firelane.sim.evaluate.driver import carry_out
from firelane.sim.evaluate.report import share
from tests.compiler.small_networks import SIDE, small_model
from tests.published_data import IMAGES, NET_FILE, needs_images, needs_net

COUNT = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Held-out digits as files whose names begin with the digit, and a list of classes."""
    folder, held_out = tmp_path_factory.mktemp("digits"), load_split()[1]
    (folder / "images").mkdir()
    for index in range(COUNT):
        Image.fromarray(held_out.images[index, :, :, 0]).save(
            folder / "images" / f"{held_out.labels[index]}-{index}.png")
    (folder / "labels.txt").write_text("".join(f"{digit}\tdigit {digit}.\n" for digit in range(10)))
    return folder


@pytest.fixture
def run(folder, capsys):
    """Runs the command in this process on the digits; gives exit code and output, errors last."""
    def command(*arguments, model=EMBEDDED["digits"], images=folder / "images", workers="0") -> tuple[int, str]:
        code = main(["evaluate", str(model), "--images", str(images), *(["--workers", workers] if workers else []),
                     *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err
    return command


def test_accuracy_agreement_and_noise(run, folder):
    code, output = run("--labels", folder / "labels.txt", "--derive-float", "--onnxruntime", "-o",
                       folder / "made" / "result.json")
    assert code == 0, output
    words = " ".join(output.split())
    all_right = share(1.0, COUNT)
    assert f"{COUNT} images" in words and f"integer reference {all_right} {all_right} {all_right}" in words
    assert "float: the model's own, without quantization of activations" in words and "images/s" in words
    assert re.search(r"input no noise \S+", words) and re.search(r"fire7/expand3x3 \d+\.\d\d \S+", words)
    found = json.loads((folder / "made" / "result.json").read_text())
    assert [score["run"] for score in found["scores"]] == ["reference", "onnxruntime", "float"]
    assert found["scores"][0]["top1"] == found["scores"][0]["agreement"] == 1.0 and found["images"] == COUNT
    assert [path.name for path in (folder / "made").iterdir()] == ["result.json"]


def test_workers_change_nothing(run, folder):
    for name, workers in (("none.json", "0"), ("two.json", "2")):
        code, output = run("--labels", folder / "labels.txt", "-o", folder / name, workers=workers)
        assert code == 0 and "8787" not in output, output
    assert (folder / "none.json").read_bytes() == (folder / "two.json").read_bytes()


ACCURACY, AGREEMENT = "top-1 and top-5", "agreement with a float network, divergence"
NOISE = f"{AGREEMENT}, noise of each layer"


@pytest.mark.parametrize("labelled, options, said", [
    (False, (), f"measured: ties alone, and that the network runs\nnot measured: {ACCURACY}, for want of --labels\n"
                f"not measured: {NOISE}, for want of --float or --derive-float"),
    (True, (), f"measured: {ACCURACY}\nnot measured: {NOISE}, for want of --float or --derive-float"),
    (False, ("--derive-float",), f"measured: {NOISE}\nnot measured: {ACCURACY}, for want of --labels"),
    (False, ("--derive-float", "--no-reference", "--onnxruntime"),
     f"measured: {AGREEMENT}\nnot measured: {ACCURACY}, for want of --labels"),
    (True, ("--derive-float",), "")])
def test_what_is_not_measured_is_said_before_the_work(folder, capsys, monkeypatch, labelled, options, said):
    """On standard error, and there is no column for it."""
    heard = []

    def work(planned, pixels, **keywords):
        heard.append(capsys.readouterr().err)
        return carry_out(planned, pixels, **keywords)
    monkeypatch.setattr("firelane.api.evaluate.carry_out", work)
    labels = ["--labels", str(folder / "labels.txt")] if labelled else []
    assert main(["evaluate", str(EMBEDDED["digits"]), "--images", str(folder / "images"), "--workers", "0", "--limit",
                 "5", *labels, *options]) == 0
    assert heard == [f"{said}\n" if said else ""]
    found = capsys.readouterr().out
    assert ", 5 images" in found and ("top-1" in found) == labelled and ("KL, nats" in found) == bool(options)


@pytest.mark.parametrize("labelled", [False, True])
def test_images_of_one_class_are_warned_about(run, folder, tmp_path, labelled):
    """Unless labels say that they are: a digit, several times."""
    first = min((folder / "images").iterdir())
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(first.read_bytes())
    (tmp_path / "labels.txt").write_text("".join(f"{number}.png {first.name[0]}\n" for number in range(5)))
    code, output = run("--derive-float", *(["--labels", tmp_path / "labels.txt"] if labelled else []), images=tmp_path)
    assert code == 0, output
    said = f"warning: class {first.name[0]} is the answer to each of 5 images"
    assert (said in " ".join(output.split())) == (not labelled)


def test_a_float_model_has_nothing_to_derive(tmp_path, capsys):
    onnx.save(small_model(), tmp_path / "float.onnx")
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(tmp_path / "0.png")
    assert main(["evaluate", str(tmp_path / "float.onnx"), "--images", str(tmp_path), "--workers", "0"]) == 0
    assert f"not measured: {AGREEMENT}, for want of --float" in capsys.readouterr().err.splitlines()


def test_limit_takes_labels_along(run, folder):
    code, output = run("--limit", 5, "--labels", folder / "labels.txt")
    assert code == 0 and share(1.0, 5) in output


def test_folders_of_classes(run, folder, tmp_path):
    for path in (folder / "images").iterdir():
        place = tmp_path / path.name[0] / path.name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / ".thumbnails" / "a.png").write_bytes(b"junk")
    code, output = run(images=tmp_path)
    assert code == 0 and f"{COUNT} images" in output and share(1.0, COUNT) in output


class TestRefused:
    @pytest.mark.parametrize("arguments, message", [
        (["--labels", "none.txt"], "--labels: none.txt: no such file; a list of classes or of images"),
        (["--derive-float", "--float", "f.onnx"], "--derive-float: f.onnx is given as well; leave out one of them"),
        (["--float", "none.onnx"], "none.onnx: No such file or directory; give the path of an .onnx file"),
        (["-o", "."], ".: is a folder; name a file with -o"),
        (["--no-reference"], "--no-reference: nothing is left to run; add --onnxruntime")])
    def test_options(self, run, arguments, message):
        assert run(*arguments) == (2, f"error: {message}\n")

    def test_scheduler_and_workers(self, run):
        code, output = run("--scheduler", "tcp://x:1", workers="2")
        assert code == 2 and output.startswith("error: --workers: 2, but the workers of tcp://x:1 are to be used; ")
        code, output = run("--scheduler", "x", workers=None)
        assert code == 2 and output.startswith("error: --scheduler: x: not an address; the address of a Dask ")

    def test_images(self, run, tmp_path):
        assert run(images=tmp_path) == (
            2, f"error: {tmp_path}: no images in it; PNG, JPEG, BMP, GIF, TIFF, WebP, PPM, PGM and others "
               "are looked for\n")
        assert run(images=tmp_path / "none") == (
            2, f"error: {tmp_path}/none: no such folder; give a folder of images with --images\n")
        Image.fromarray(np.zeros((8, 9), np.uint8)).save(tmp_path / "0.png")
        assert run(images=tmp_path) == (
            2, f"error: {tmp_path}/0.png: 9 x 8 pixels; the network wants 56 x 56; give --resize or --preset (in "
               "Python: resize, preset), or resize the image\n")
        assert run(images=tmp_path / "0.png")[1].startswith(f"error: {tmp_path}/0.png: is no folder; give a folder")

    def test_wrong_labels(self, run, tmp_path):
        (tmp_path / "labels.txt").write_text("one\ntwo\n")
        assert run("--labels", tmp_path / "labels.txt")[1].startswith(
            f"error: --labels: {tmp_path}/labels.txt has 2 lines, the network 10 classes; ")

    def test_float_model_with_the_reference_wanted(self, run, tmp_path):
        onnx.save(small_model(), tmp_path / "f.onnx")
        code, output = run("--reference", model=tmp_path / "f.onnx")
        assert code == 2 and output == (f"error: {tmp_path}/f.onnx: a float model, the reference computes with "
                                        "integers; quantize it first: firelane quantize MODEL --calib IMAGES -o "
                                        "QUANTIZED\n")

    def test_what_is_no_model(self, run, tmp_path):
        (tmp_path / "m.onnx").write_bytes(b"junk")
        assert run(model=tmp_path / "m.onnx") == (
            2, f"error: {tmp_path}/m.onnx: not an ONNX file, or a damaged one; give the path of an .onnx file\n")

    def test_failure_leaves_an_older_result_alone(self, run, tmp_path, folder):
        (tmp_path / "r.json").write_text("older")
        (tmp_path / "images").mkdir()
        for path in (folder / "images").iterdir():
            (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
        last = max((tmp_path / "images").iterdir())
        last.write_bytes(last.read_bytes()[:90])
        code, output = run("-o", tmp_path / "r.json", images=tmp_path / "images")
        assert code == 2 and f"error: {last}: a damaged image; give the path of an image file\n" in output
        assert (tmp_path / "r.json").read_text() == "older"


@needs_net
@needs_images
def test_published_network_against_its_float_graph(run, tmp_path):
    """Five of the 100 photographs, and what `labels.txt` beside them says."""
    data = IMAGES[0].parents[1]
    assert main(["import", "deep-compression", str(NET_FILE), "-o", str(tmp_path / "f.onnx")]) == 0
    assert main(["quantize", str(tmp_path / "f.onnx"), "--calib", str(data / "images"), "--limit", "5", "-o",
                 str(tmp_path / "q.onnx")]) == 0
    code, output = run("--float", tmp_path / "f.onnx", "--labels", data / "labels.txt", "--limit", 5, "-o",
                       tmp_path / "r.json", model=tmp_path / "q.onnx", images=data / "images")
    assert code == 0, output
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["scores"][0]["top5"] >= 0.8 and found["scores"][0]["divergence"] < 0.2
    assert {layer["node"]: layer["snr_db"] for layer in found["layers"]}["conv1"] > 25
