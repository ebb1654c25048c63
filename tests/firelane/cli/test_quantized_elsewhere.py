"""Models that somebody else quantized, which do not say how pixels become their input: the options do, everywhere.

What must come out is ONNX Runtime's result on the image, prepared by hand as the network's author did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from PIL import Image

import firelane
from firelane.boards.top.identity import Identity
from firelane.cli.main import main
from firelane.compiler.artefact.reader import find_model, read_model
from firelane.compiler.frame_io.preprocessing import INPUT_KEY, Preprocessing, preprocessing_of
from firelane.compiler.onnx_import import load_graph
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.support.errors import FirelaneError
from firelane.sim.reference import run
from tests.boards.host.fake_board import FakeBoard, on_terminal
from tests.float_models import small_squeezenet

SIDE, RESIZE, COUNT = 32, 36, 8
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
NEAR = 0.02             # of a probability, which ONNX Runtime has in steps of 1/255; layers may differ by a step


@dataclass(frozen=True)
class Given:
    """A model in `folder`, how its author prepares pixels (H, W, 3) in 0..1, and the options that say the same."""

    folder: Path
    options: tuple[str, ...]
    prepare: object
    keywords: dict

    @property
    def model(self) -> Path:
        return self.folder / "m.onnx"

    @property
    def images(self) -> list[Path]:
        return sorted((self.folder / "images").iterdir())

    def real(self, path: Path) -> np.ndarray:
        """The network's input, float32 (1, 3, H, W)."""
        with Image.open(path) as image:
            width, height = (round(side * RESIZE / min(image.size)) for side in image.size)
            scaled = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = (width - SIDE) // 2, (height - SIDE) // 2
        pixels = np.asarray(scaled.crop((left, top, left + SIDE, top + SIDE)), np.float64) / 255
        return self.prepare(pixels).transpose(2, 0, 1)[None].astype(np.float32)

    def theirs(self, path: Path, model: Path | None = None) -> np.ndarray:
        """ONNX Runtime's probabilities, of the model or of one that was made of it."""
        session = onnxruntime.InferenceSession(model or self.model, _plain(), providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: self.real(path)})[0].ravel()


def probabilities(model: Path, result: np.ndarray) -> np.ndarray:
    """What a stored result, uint8, means."""
    graph = load_graph(model)
    tensor = graph.tensors[graph.output]
    logits = (result.ravel().astype(float) - tensor.zero_point) * tensor.scale
    return np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()


def stored(image: bytes) -> np.ndarray:
    """The bytes of an image as uint8 (C, H, W)."""
    return np.frombuffer(image, np.uint8).reshape(SIDE, SIDE, 3).transpose(2, 0, 1)


def _plain() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


class _Reader:
    def __init__(self, feeds):
        self._feeds = iter(feeds)

    def get_next(self):
        return next(self._feeds, None)


KINDS = {
    "pixels/255": (("--mean", "0", "--scale", "0.00392157"), lambda pixels: pixels),
    "imagenet": (("--channels", "RGB", "--mean", "123.675,116.28,103.53", "--scale", "0.0171248,0.0175070,0.0174292"),
                 lambda pixels: (pixels - MEAN) / DEVIATION),
    "bgr": (("--channels", "BGR", "--mean", "103.939,116.779,123.68", "--scale", "1"),
            lambda pixels: (255 * pixels - (123.68, 116.779, 103.939))[:, :, ::-1]),
    "raw": (("--mean", "0", "--scale", "1"), lambda pixels: 255 * pixels),
}


@pytest.fixture(scope="module", params=KINDS)
def given(request, tmp_path_factory) -> Given:
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        coarse = Image.fromarray(rng.integers(0, 200, (6, 8, 3), dtype=np.uint8))       # so raw pixels have no scale 1
        coarse.resize((52, 44), Image.Resampling.BILINEAR).save(folder / "images" / f"{number}.png")
    options, prepare = KINDS[request.param]
    keywords = {name.removeprefix("--"): value for name, value in zip(options[::2], options[1::2])}
    found = Given(folder, (*options, "--resize", str(RESIZE)), prepare, {**keywords, "resize": RESIZE})
    network = small_squeezenet(SIDE)
    if request.param in ("bgr", "raw"):                  # of inputs a hundred times as large
        weight = network.graph.initializer[0]
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) / 100, weight.name))
    onnx.save(network, folder / "float.onnx")
    quantize_static(folder / "float.onnx", found.model, _Reader([{"image": found.real(path)} for path in found.images]),
                    quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8)
    assert INPUT_KEY not in metadata(onnx.load(found.model))
    return found


def test_evaluate(given, capsys):
    labels = given.folder / "labels.txt"
    labels.write_text("".join(f"{path.name} {given.theirs(path).argmax()}\n" for path in given.images))
    arguments = ["evaluate", str(given.model), "--images", str(given.folder / "images"), "--labels", str(labels),
                 "--workers", "0", "--onnxruntime", "--float", str(given.folder / "float.onnx")]
    assert main([*arguments, *given.options, "-o", str(given.folder / "found.json")]) == 0
    scores = {score["run"]: score for score in json.loads((given.folder / "found.json").read_text())["scores"]}
    assert scores["reference"]["top1"] >= 1 - 1 / COUNT and scores["float"]["top1"] >= 1 - 2 / COUNT
    assert scores["reference"]["divergence"] < 0.01
    assert "note" not in capsys.readouterr().err


def test_what_is_missing_is_named(given, capsys):
    arguments = ["evaluate", str(given.model), "--images", str(given.folder / "images"), "--workers", "0"]
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith("; give --preset, or --mean, --scale, --channels, --resize\n")


def test_compile_and_run(given, tmp_path, monkeypatch, capsys):
    """The manifest carries it: the board gets the bytes that ONNX Runtime's quantizer makes of the prepared image."""
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path / "build"))
    folder = tmp_path / "build" / "m"
    assert main(["compile", str(given.model), "-o", str(folder), *given.options]) == 0
    compiled, graph = read_model(folder), load_graph(given.model)

    def compute(image: bytes) -> bytes:
        return run(graph, stored(image))[graph.output].tobytes()

    board = FakeBoard(compute=compute, digest=compiled.digest,
                      identity=Identity(board="fake", clock_hz=1_000_000, engine=compiled.engine))
    capsys.readouterr()
    with on_terminal(board.answers) as port:
        assert main(["run", "--port", port, "--json", *map(str, given.images)]) == 0
    for path, line in zip(given.images, capsys.readouterr().out.splitlines(), strict=True):
        theirs = given.theirs(path)
        guesses = json.loads(line)["classes"]
        assert [guess["share"] for guess in guesses] == pytest.approx(
            [theirs[guess["index"]] for guess in guesses], abs=NEAR)


def test_compile_without_and_run_with_the_options(given, tmp_path, capsys):
    firelane.compile(given.model, check=False).save(tmp_path / "silent")
    silent, path = read_model(tmp_path / "silent"), given.images[0]
    with pytest.raises(FirelaneError, match="give --preset, or --mean, --scale, --channels, --resize$"):
        silent.image_bytes(path)
    firelane.compile(given.model, check=False, **given.keywords).save(tmp_path / "told")
    told = read_model(tmp_path / "told")
    assert silent.recording(given.keywords).image_bytes(path) == told.image_bytes(path)
    board = FakeBoard(compute=lambda image: bytes(10), digest=silent.digest,
                      identity=Identity(board="fake", clock_hz=1_000_000, engine=silent.engine))
    with on_terminal(board.answers) as port:
        arguments = ["run", "--port", port, "--compiled", str(tmp_path / "silent"), str(path)]
        assert main(arguments) == 2 and main([*arguments, *given.options]) == 0
        capsys.readouterr()
        assert main([*arguments[:4], str(tmp_path / "told"), str(path), "--resize", "40"]) == 0
    assert f"note: --resize 40 counts, in place of what the model records: resize {RESIZE}\n" in capsys.readouterr().out


def test_the_folder_that_knows_is_found(given, tmp_path, monkeypatch):
    monkeypatch.setenv("FIRELANE_BUILD", str(tmp_path))
    firelane.compile(given.model, check=False).save(tmp_path / "a")
    firelane.compile(given.model, check=False, **given.keywords).save(tmp_path / "b")
    digest = read_model(tmp_path / "a").digest
    assert find_model(digest).folder == tmp_path / "b"
    firelane.compile(given.model, check=False, **{**given.keywords, "resize": 50}).save(tmp_path / "c")
    with pytest.raises(FirelaneError, match=f"{tmp_path / 'b'} and {tmp_path / 'c'} hold the same program"):
        find_model(digest)


def test_compress(given, tmp_path, capsys):
    arguments = ["compress", str(given.model), "--calib", str(given.folder / "images"), "--budget", "10KB", "--effort",
                 "fast", "-o", str(tmp_path / "c.onnx"), "--no-mirror"]
    assert main([*arguments, *given.options]) == 0
    found = preprocessing_of(metadata(onnx.load(tmp_path / "c.onnx")))
    assert found.resize == RESIZE and [float(number) for number in given.keywords["mean"].split(",")] in (
        list(found.mean), list(found.mean)[:1])
    path = given.images[0]
    firelane.compile(tmp_path / "c.onnx").save(tmp_path / "c")
    graph = load_graph(tmp_path / "c.onnx")
    result = run(graph, stored(read_model(tmp_path / "c").image_bytes(path)))[graph.output]
    theirs = given.theirs(path, tmp_path / "c.onnx")
    assert probabilities(tmp_path / "c.onnx", result) == pytest.approx(theirs, abs=NEAR)


def test_simulate(given, capsys):
    """The engine of `make sim` gets the same image, and every result byte is the reference's."""
    path = given.images[1]
    found = firelane.simulate(given.model, images=[path], **given.keywords)
    assert probabilities(given.model, found.results[0]) == pytest.approx(given.theirs(path), abs=NEAR)


class TestOverride:
    """Options go before what a model records, and a line says where they contradict it."""

    @pytest.fixture
    def recorded(self, given, tmp_path) -> Path:
        model = onnx.load(given.model)
        wrong = Preprocessing(channels="RGB", mean=(1.0,), scale=(0.001,), resize=99)
        onnx.helper.set_model_props(model, {INPUT_KEY: wrong.to_json()})
        onnx.save(model, tmp_path / "wrong.onnx")
        return tmp_path / "wrong.onnx"

    def test_metadata_that_are_wrong(self, given, recorded, tmp_path, capsys):
        assert main(["compile", str(recorded), "-o", str(tmp_path / "w"), "--no-check", *given.options]) == 0
        said = capsys.readouterr().err
        assert said.startswith("note: ") and said.count("\n") == 1
        assert "in place of what the model records: " in said and "mean 1, scale 0.001, resize 99\n" in said
        path = given.images[2]
        told = firelane.compile(given.model, check=False, **given.keywords).save(tmp_path / "told")
        assert read_model(tmp_path / "w").image_bytes(path) == read_model(told).image_bytes(path)

    def test_what_is_not_said_stays(self, recorded, given):
        loaded = firelane.load(recorded, **{**given.keywords, "resize": None})
        assert preprocessing_of(metadata(loaded.model)).resize == 99
        assert preprocessing_of(loaded.graph.metadata).resize == 99
        assert firelane.load(loaded) is loaded

    def test_nothing_is_noted_where_nothing_is_contradicted(self, recorded, tmp_path, capsys):
        assert main(["compile", str(recorded), "-o", str(tmp_path / "w"), "--no-check", "--resize", "99"]) in (0, 2)
        assert "note" not in capsys.readouterr().err


def test_options_of_the_float_original_are_refused_where_they_are_folded(tmp_path, capsys):
    """`quantize` moved mean and scale into the first layer; given again they would blacken every image."""
    onnx.save(small_squeezenet(SIDE), tmp_path / "f.onnx")
    calibration = np.random.default_rng(0).integers(0, 256, (2, 3, SIDE, SIDE), dtype=np.uint8)
    options = {"mean": "127.5", "scale": "0.00784314"}
    firelane.quantize(tmp_path / "f.onnx", calibration, **options, check=False).save(tmp_path / "q.onnx")
    assert firelane.load(tmp_path / "q.onnx").quantized
    with pytest.raises(FirelaneError, match="2 of its 256 values would be used; give the --mean and --scale that"):
        firelane.load(tmp_path / "q.onnx", **options)
    (tmp_path / "images").mkdir()
    Image.new("RGB", (SIDE, SIDE)).save(tmp_path / "images" / "a.png")
    arguments = ["evaluate", str(tmp_path / "q.onnx"), "--images", str(tmp_path / "images"), "--workers", "0", "--mean",
                 options["mean"], "--scale", options["scale"]]
    assert main(arguments) == 2
    assert main([*arguments, "--float", str(tmp_path / "f.onnx")]) == 0       # there they are the float model's
