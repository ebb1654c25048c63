"""`firelane compress`, from files to files."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

import firelane
from firelane.cli.commands.compress import parse_size
from firelane.cli.main import main
from firelane.compiler.coding.parameter_form import nearest_scales
from firelane.compiler.compress import run
from firelane.compiler.compress.compressor import Compressor
from firelane.compiler.compress.layer_solver import FAST
from firelane.compiler.compress.measure import measure
from firelane.compiler.compress.quality import Judge
from firelane.compiler.compress.quantized_graph import integer_layer, with_layers
from firelane.compiler.compress.workers import workers
from firelane.compiler.fit.engine_fit import compile_fitting
from firelane.compiler.ir.graph import Conv
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.program.rom_size import rom_size
from firelane.compiler.quantize.model_file import write_model
from firelane.compiler.support.errors import ConfigError
from firelane.hw.contract.config import EngineConfig
from firelane.models.digits import load_split
from firelane.models.made_images import made_images
from firelane.models.squeezenet import Bypass
from firelane.sim import reference
from tests.compiler.build import check_against_reference
from tests.compiler.small_networks import SIDE, small_model
from tests.float_models import small_squeezenet
from tests.published_data import IMAGES, NET_FILE, needs_images, needs_net

FLOAT_DIGITS = Path("models/digits_squeezenet_float.onnx")


def digits_job(calibration, **options) -> run.Job:
    return run.Job(FLOAT_DIGITS, calibration, record={"channels": "gray"}, thorough=False, **options)


def compress_file(job: run.Job, output: Path, **goal) -> None:
    write_model(run.compress(job, **goal).model, output)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder with calibration images, and the digits compressed to 20 000 bytes with them."""
    folder = tmp_path_factory.mktemp("digits")
    training, held_out = load_split()
    np.save(folder / "calibration.npy", training.images[:48])
    np.save(folder / "others.npy", held_out.images[:60])
    compress_file(digits_job(folder / "calibration.npy"), folder / "out.onnx", budget=20_000)
    return folder


def test_the_emitted_image_fits_and_fills_the_budget(digits):
    compiled = compile_fitting(load_graph(digits / "out.onnx"), EngineConfig())
    size = rom_size(compiled.program).bytes
    assert 19_000 <= size <= 20_000
    assert size == measure(compiled.graph, EngineConfig()).rom.bytes


def test_accuracy_is_kept(digits):
    _, held_out = load_split()
    scores = reference.run_batch(load_graph(digits / "out.onnx"), held_out.images.transpose(0, 3, 1, 2))
    assert (scores.reshape(len(scores), -1).argmax(axis=1) == held_out.labels).mean() >= 0.98


def test_compiling_is_lossless(digits):
    """The graph that was written == the emulator of what is compiled from it."""
    check_against_reference(compile_fitting(load_graph(digits / "out.onnx"), EngineConfig()))


def test_nearer_to_the_float_network_than_plain_rounding_of_that_size(digits):
    """On images that were not used."""
    material = digits_job(digits / "others.npy", limit=60).read()
    source = material.source
    plain = {}
    for node in load_graph(digits / "out.onnx").nodes:
        if node.name in source.weights:
            weights = source.weights[node.name]
            steps = np.abs(weights.taps).max() / 6
            multiplier, shift = nearest_scales(np.full(len(weights.taps), steps))
            levels = np.rint(weights.taps / (multiplier / np.exp2(shift))[:, None]).astype(np.int8)
            plain[node.name] = integer_layer(next(n for n in source.graph.nodes if n.name == node.name), levels,
                                             multiplier, shift, weights.bias)
    rounded = with_layers(source.graph, plain)
    assert measure(rounded, EngineConfig()).rom.bytes > 18_500
    with workers() as threads:
        judge = Judge(source.graph, source.weights, material.images, threads)
        assert judge.of(load_graph(digits / "out.onnx")).divergence < 0.5 * judge.of(rounded).divergence


def test_the_same_seed_gives_the_same_bytes_and_a_quantized_model_will_do(digits, tmp_path):
    job = digits_job(digits / "calibration.npy", limit=12)
    quantized = run.Job(digits / "out.onnx", digits / "calibration.npy", limit=12, thorough=False)
    for name, chosen in (("a", job), ("b", job), ("c", quantized)):
        compress_file(chosen, tmp_path / f"{name}.onnx", budget=19_000)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert measure(load_graph(tmp_path / "c.onnx"), EngineConfig()).rom.bytes <= 19_000


def test_cycles_are_bought_with_a_few_bytes(digits, tmp_path):
    costs = {}
    for objective in ("size", "cycles"):
        job = digits_job(digits / "calibration.npy", limit=16, objective=objective)
        compress_file(job, tmp_path / "out.onnx", budget=20_000)
        costs[objective] = measure(load_graph(tmp_path / "out.onnx"), EngineConfig()).cycles
    assert costs["cycles"] < costs["size"]


def test_the_least_size_for_a_drop(digits, tmp_path):
    told = []
    job = digits_job(digits / "calibration.npy", limit=20, progress=lambda *words: told.append(words))
    compress_file(job, tmp_path / "out.onnx", max_drop=0.01)
    assert measure(load_graph(tmp_path / "out.onnx"), EngineConfig()).rom.bytes < 27_000
    stages = list(dict.fromkeys(stage for stage, _, _ in told if stage.startswith("compressing, a")))
    assert stages == [f"compressing, attempt {number} of 6" for number in range(1, 7)]
    assert told[-1][0] == "compressing, with all images" and told[-1][1] == pytest.approx(told[-1][2])


def test_the_expected_loss_is_found_on_images_that_were_not_used(digits):
    """One in five; of a network made alike, so the one that is written is the same as if nobody judged."""
    calibration, others = digits / "calibration.npy", digits / "others.npy"
    told = []
    found = run.compress(digits_job(calibration, limit=20, progress=lambda *words: told.append(words)), budget=19_000)
    assert "compressing, attempt 2 of at most 8" in dict.fromkeys(stage for stage, _, _ in told)
    assert told[-1][0] == "compressing, estimating the loss" and told[-1][1] == pytest.approx(told[-1][2])
    assert (found.estimate.used, found.estimate.quality.images) == (16, 4) and found.estimate.quality.error > 0
    given = run.compress(digits_job(calibration, limit=20, judge=others), budget=19_000)
    assert (given.estimate.used, given.estimate.quality.images) == (None, 60)
    assert given.model.SerializeToString() == found.model.SerializeToString()


@pytest.mark.parametrize("options, found, few", [
    (("--calib", "calibration.npy", "--limit", 12), "2 of the images, by a network compressed alike with the other 10",
     True),
    (("--calib", "others.npy", "--judge", "calibration.npy"), "48 images that were given to judge it", False)])
def test_it_is_printed_and_few_images_are_warned_about(digits, tmp_path, capsys, monkeypatch, options, found, few):
    model = FLOAT_DIGITS.resolve()
    monkeypatch.chdir(digits)
    assert main(command(model, *options, "-o", tmp_path / "out.onnx", "--max-drop", 5)) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert re.fullmatch(r"expected loss of top-1: -?\d+\.\d\d ± \d+\.\d\d points; divergence \d\.\d{3} nats", lines[2])
    assert re.fullmatch(r"same class as the float network: \d+\.\d%; of other images probably \d+% or more", lines[3])
    assert lines[4] == f"(found on {found})"
    assert ("warning: 12 images are few, to compress with and to tell what is lost; 50 at " in printed.err) == few


def test_a_sweep_is_judged_by_labelled_images(digits, tmp_path, monkeypatch):
    _, held_out = load_split()
    folder = tmp_path / "images"
    folder.mkdir()
    for number, (image, label) in enumerate(zip(held_out.images[:40], held_out.labels)):
        Image.fromarray(image[:, :, 0]).save(folder / f"{label}_{number}.png")
    (tmp_path / "labels.txt").write_text("".join(f"{digit}\tclass{digit}\n" for digit in range(10)))
    monkeypatch.setattr(run, "SWEEP_SLOPES", (1e-8, 1e-5))
    goal = ["--sweep", "-o", tmp_path / "sweep", "--judge", folder, "--labels", tmp_path / "labels.txt"]
    assert main(command(FLOAT_DIGITS, "--calib", digits / "calibration.npy", "--limit", 16, *goal)) == 0
    with open(tmp_path / "sweep/frontier.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [float(row["top1"]) * 40 % 1 for row in rows] == [0, 0]
    assert float(rows[0]["top1"]) < 0.95 <= float(rows[-1]["top1"])


def test_a_sweep_is_drawn(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SWEEP_SLOPES", (1e-6, 1e-5))
    text = run.sweep(digits_job(digits / "calibration.npy", limit=16), tmp_path / "sweep")
    rows = (tmp_path / "sweep/frontier.csv").read_text().splitlines()
    assert len(rows) == 3 and re.match(r"2 sizes from [\d,]+ to [\d,]+ bytes", text)
    assert (tmp_path / "sweep/frontier.png").read_bytes().startswith(b"\x89PNG")


def command(*arguments) -> list[str]:
    return ["compress", *map(str, arguments), "--channels", "gray", "--effort", "fast"]


@pytest.mark.parametrize("goal, message", [
    ((), "error: firelane compress: one goal is needed; give --budget, --max-drop, --board or --sweep"),
    (("--budget", "1MB", "--max-drop", 1), "error: --budget and --max-drop: one goal is needed; give .*"),
    (("--budget", "many"), "error: --budget: 'many'; a number of bytes, with B, KB, KiB, MB or MiB behind it or not"),
    (("--board", "ulx3s_25f", "--budget", "1MB"), "error: --budget and --board: one goal is needed; give .*"),
    (("--board", "ulx3s_25f", "--max-drop", 1), "error: --max-drop and --board: one goal is needed; give .*"),
    (("--board", "ulx3s_25f", "--sweep"), "error: --board and --sweep: one goal is needed; give .*"),
    (("--board", "ulx3s_25f", "--weight-words", 200), "error: --board: 900 bytes cannot be reached; .*; choose a "
                                                      "larger board, or prune the network first"),
    (("--max-drop", 1, "--labels", "x"), "error: --labels: only a sweep shows top-1; leave it out, or give --sweep"),
    (("--sweep", "--labels", "x"), "error: --labels: labels of no images; name the folder of images .*"),
    (("--budget", "900"), "error: --budget: 900 bytes cannot be reached; [0-9,]+ bytes was the smallest; .*"),
])
def test_refusals_leave_no_file(goal, message, digits, tmp_path, capsys):
    out = tmp_path / "out.onnx"
    arguments = ["--calib", digits / "calibration.npy", "--limit", 8, "-o", out]
    assert main(command(FLOAT_DIGITS, *arguments, *goal)) == 2
    assert re.fullmatch(message, capsys.readouterr().err.splitlines()[-1])
    assert not list(tmp_path.iterdir())


def test_too_few_images(digits, tmp_path, capsys):
    arguments = ["--calib", digits / "calibration.npy", "--limit", 3, "-o", tmp_path / "out.onnx", "--budget", "20KB"]
    assert main(command(FLOAT_DIGITS, *arguments)) == 2
    assert re.fullmatch(r"error: --calib: 3 images in .*; at least 8 are needed, 100 or more are better",
                        capsys.readouterr().err.strip())


def test_images_of_the_wrong_form(tmp_path, capsys):
    np.save(tmp_path / "wrong.npy", np.zeros((9, 3, 10, 10), np.float32))
    assert main(command(FLOAT_DIGITS, "--calib", tmp_path / "wrong.npy", "-o", tmp_path / "o.onnx", "--budget", 1)) == 2
    assert "float32 of shape (9, 3, 10, 10)" in capsys.readouterr().err


def test_weights_that_are_not_finite(digits, tmp_path, capsys):
    model = onnx.load(FLOAT_DIGITS)
    weight = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 4)
    values = onnx.numpy_helper.to_array(weight).copy()
    values.flat[5] = np.nan
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, tmp_path / "nan.onnx")
    arguments = ["--calib", digits / "calibration.npy", "-o", tmp_path / "o.onnx", "--budget", "20KB"]
    assert main(command(tmp_path / "nan.onnx", *arguments)) == 2
    assert re.search(r"initializer .*: 1 of \d+ values are not finite numbers; ", capsys.readouterr().err)


def test_a_layer_that_the_engine_cannot_do_is_named(digits, tmp_path, capsys):
    model = onnx.load(FLOAT_DIGITS)
    node = next(node for node in model.graph.node if node.op_type == "Relu")
    node.op_type = "Tanh"
    onnx.save(model, tmp_path / "tanh.onnx")
    arguments = ["--calib", digits / "calibration.npy", "-o", tmp_path / "o.onnx", "--budget", "20KB"]
    assert main(command(tmp_path / "tanh.onnx", *arguments)) == 2
    assert "Tanh" in capsys.readouterr().err


def test_interrupting_leaves_the_old_file(digits, tmp_path, monkeypatch):
    (tmp_path / "out.onnx").write_bytes(b"old")

    def interrupted(self, slope):
        raise KeyboardInterrupt
    monkeypatch.setattr("firelane.compiler.compress.compressor.Compressor.at", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compress_file(digits_job(digits / "calibration.npy", limit=8), tmp_path / "out.onnx", budget=1)
    assert [file.name for file in tmp_path.iterdir()] == ["out.onnx"]
    assert (tmp_path / "out.onnx").read_bytes() == b"old"


@pytest.mark.parametrize("text, size", [("336KB", 336_000), ("300000", 300_000), ("0.5 MiB", 524_288), ("1.5kb", 1500)])
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KB", "-3", "0", "3 GB", "1e5"])
def test_no_sizes(text):
    with pytest.raises(ConfigError, match=r"^budget: .*; a number of bytes, .*$"):
        parse_size(text)


def test_networks_with_a_bypass_and_padding(tmp_path):
    """Additions, an average and a padded last layer."""
    onnx.save(small_model(bypass=Bypass.COMPLEX, pad=1), tmp_path / "small.onnx")
    np.save(tmp_path / "images.npy", made_images(10, (3, SIDE, SIDE), seed=0))
    job = run.Job(tmp_path / "small.onnx", tmp_path / "images.npy", thorough=False)
    material = job.read()
    before = measure(material.source.graph, EngineConfig()).rom.bytes
    compress_file(job, tmp_path / "out.onnx", budget=before * 9 // 10)
    check_against_reference(compile_fitting(load_graph(tmp_path / "out.onnx"), EngineConfig(banks=2)))


def dilated_model() -> onnx.ModelProto:
    """Its first layer and a padded one dilated, the second by more rows than columns."""
    model = small_squeezenet(SIDE, fires=1)
    nodes = {node.name: node for node in model.graph.node}
    for name, dilations, pads in (("conv1", [2, 2], [0] * 4), ("fire2/expand3x3", [3, 2], [3, 2, 3, 2])):
        kept = [each for each in nodes[name].attribute if each.name != "pads"]
        del nodes[name].attribute[:]
        nodes[name].attribute.extend([*kept, onnx.helper.make_attribute("dilations", dilations),
                                      onnx.helper.make_attribute("pads", pads)])
    return model


def test_a_dilated_network_stays_dilated(tmp_path):
    """Places between those of a kernel stay zero, and what is written is what was counted, float or quantized."""
    model, images = dilated_model(), made_images(10, (3, SIDE, SIDE), seed=0)
    made = firelane.quantize(model, images, channels="RGB", mean=0, scale=1)
    for source in (model, made):
        found = firelane.compress(source, images, budget=5_000, thorough=False, channels="RGB", mean=0, scale=1)
        assert found.rom_bytes <= 5_000 and found.agreement.images and found.agreement.whole_lsb == 0
        nodes = {node.name: node for node in found.graph.nodes if isinstance(node, Conv)}
        for name, rows, columns in (("conv1", 2, 2), ("fire2/expand3x3", 3, 2)):
            kernels = nodes[name].weight
            assert kernels.shape[2:] == (2 * rows + 1, 2 * columns + 1)
            inside = np.count_nonzero(kernels[:, :, ::rows, ::columns])
            assert inside == np.count_nonzero(kernels) > 0.2 * len(kernels) * kernels.shape[1] * 9


@needs_net
@needs_images
def test_the_published_network(tmp_path):
    """Few images, so little is asked of the accuracy; the size is asked for, and depends on which images they are."""
    assert main(["import", "deep-compression", str(NET_FILE), "-o", str(tmp_path / "float.onnx")]) == 0
    images = tmp_path / "images"
    images.mkdir()
    for index in range(8):
        shutil.copy(IMAGES[index * len(IMAGES) // 8], images)
    material = run.Job(tmp_path / "float.onnx", images).read()
    with workers() as threads:
        attempt = Compressor(material.source, material.images, EngineConfig(), threads, multiples=FAST).at(2.5e-7)
        quality = Judge(material.source.graph, material.source.weights, material.images, threads).of(attempt.graph)
    assert attempt.bytes < 345_000 and attempt.cost.cycles < 3_700_000
    assert quality.divergence < 0.05 and quality.agreement >= 0.75
