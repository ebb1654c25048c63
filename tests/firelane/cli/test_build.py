"""`firelane build`: what is printed, what a second run keeps, and exit codes."""

from __future__ import annotations

import json
import re

import onnx
from PIL import Image

from firelane.cli.main import main
from firelane.models.made_images import made_images
from tests.compiler.small_networks import SIDE, small_model


def arguments(tmp_path, *more: str) -> list[str]:
    """A float network, a folder of twelve images, and where it goes."""
    (tmp_path / "photos").mkdir(exist_ok=True)
    for number, image in enumerate(made_images(12, (3, SIDE, SIDE), seed=5)):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "photos" / f"{number:02}.png")
    onnx.save(small_model(), tmp_path / "net.onnx")
    return ["build", str(tmp_path / "net.onnx"), "--board", "ulx3s_25f", "--calib", str(tmp_path / "photos"),
            "-o", str(tmp_path / "out"), "--workers", "0", *more]


def test_steps_then_the_answer(tmp_path, capsys):
    command = arguments(tmp_path)
    assert main(command) == 0
    out, steps = (text.splitlines() for text in capsys.readouterr())
    assert [line.partition(":")[0] for line in steps] == ["warning", "[1/5] check", "[2/5] quantize", "[3/5] compress",
                                                          "[4/5] evaluate", "[5/5] compile"]
    assert [line[:7].strip() for line in out] == ["lost:", "memory:", "speed:", "made:", "next:", ""]
    assert re.fullmatch(r"speed:  [\d.]+ frames/s end to end on ulx3s_25f, limited by the line; the engine alone: "
                        r"[\d,.]+ \([\d,]+ cycles at 75 MHz\)", out[2])
    assert out[4].endswith(f"firelane board-sim {tmp_path / 'out' / 'program'} --board ulx3s_25f")
    assert main(command) == 0
    again, steps = (text.splitlines() for text in capsys.readouterr())
    assert again == out and sum("kept (same inputs)" in line for line in steps) == 4    # compress was not needed


def test_json(tmp_path, capsys):
    assert main(arguments(tmp_path, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["board"] == "ulx3s_25f" and found["loss"]["images"] == 2 and len(found["steps"]) == 5


def test_a_line_for_each_problem(tmp_path, capsys):
    command = arguments(tmp_path)
    model = small_model()
    for node in [node for node in model.graph.node if node.op_type == "Relu"][:2]:
        node.op_type = "Tanh"
    onnx.save(model, tmp_path / "net.onnx")
    (tmp_path / "photos" / "03.png").write_bytes(b"")
    assert main(command) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning")]
    assert lines[0].startswith("error: ") and len(lines) == 3 and all(line.startswith("  also: ") for line in lines[1:])
    assert "03.png: not an image" in lines[2] and not (tmp_path / "out").exists()


def test_a_board_that_is_not_there(tmp_path, capsys):
    assert main(["build", "digits", "--board", "nexys", "-o", str(tmp_path / "out")]) == 2
    assert "unknown board 'nexys'" in capsys.readouterr().err
