"""What people read."""

import io

import pytest
from rich.console import Console

from firelane.sim.evaluate.report import print_evaluation, share
from firelane.sim.evaluate.result import Evaluation, LayerNoise, Score


def printed(evaluation: Evaluation) -> list[str]:
    console = Console(width=120, record=True, file=io.StringIO())
    print_evaluation(console, evaluation)
    lines = console.export_text().splitlines()
    return [" ".join(line.split()) for line in lines if line.strip(" ─")]


def score(run: str, **values) -> Score:
    return Score(**dict.fromkeys(("top1", "top5", "agreement", "divergence", "lost", "gained")) | {
        "run": run, "tied": 0} | values)


@pytest.mark.parametrize("value, images, text", [
    (None, 5, ""), (1.0, 5, "100.00 ± 8.33"), (0.5, 100, "50.00 ± 4.98"), (0.71, 100, "71.00 ± 4.52")])
def test_standard_error_of_a_share(value, images, text):
    assert share(value, images) == text


def test_everything():
    evaluation = Evaluation(
        network="net", images=4, float_graph="f.onnx",
        scores=(score("reference", top1=0.5, top5=0.75, agreement=0.75, divergence=0.0123456, lost=1, gained=0, tied=2),
                score("float", top1=0.75, top5=1.0)),
        layers=(LayerNoise(node="", tensor="i", original="image", snr_db=None),
                LayerNoise(node="conv", tensor="c", original="conv_out", snr_db=31.4159)))
    assert printed(evaluation) == [
        "net, 4 images", "run top-1, % top-5, % like float, % KL, nats lost gained tied",
        "integer reference 50.00 ± 22.36 75.00 ± 20.00 75.00 ± 20.00 0.01235 1 0 2",
        "float 75.00 ± 20.00 100.00 ± 10.00 0", "float: f.onnx", "layer signal to noise, dB float tensor",
        "input no noise image", "conv 31.42 conv_out"]


def test_what_is_lost_is_estimated_where_there_are_no_labels():
    found = score("reference", agreement=1.0, divergence=0.5, expected_loss=0.0125, loss_error=0.003)
    evaluation = Evaluation(network="n", images=4, float_graph="f", scores=(found,), layers=())
    assert printed(evaluation)[1:3] == ["run like float, % expected loss, points KL, nats tied",
                                        "integer reference 100.00 ± 10.00 1.25 ± 0.30 0.50000 0"]


def test_only_what_is_known():
    evaluation = Evaluation(network="n", images=1, float_graph="", scores=(score("onnxruntime", tied=1),), layers=())
    assert printed(evaluation) == ["n, 1 image", "run tied", "ONNX Runtime 1"]


def test_names_are_no_markup():
    evaluation = Evaluation(network="[/n]", images=1, float_graph="[red]f", scores=(score("float", tied=1),),
                            layers=(LayerNoise(node="[/a]", tensor="t", original="[red]x", snr_db=1.0),))
    assert printed(evaluation) == ["[/n], 1 image", "run tied", "float 1", "float: [red]f",
                                   "layer signal to noise, dB float tensor", "[/a] 1.00 [red]x"]
