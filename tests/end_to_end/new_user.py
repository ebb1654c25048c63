"""A new user: torchvision's SqueezeNet, its default export, random images, and four commands; no step by hand.

    python -m tests.end_to_end.new_user build/journey                       what `make journey` runs
    python -m tests.end_to_end.new_user FOLDER --model net.onnx             with a float network that is there already

Everything is typed in FOLDER, as a user would, and what is printed is what he sees. Ends with exit code 1 if a command
does, or does not say what it should.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.exporters.environment import python_of

EXTRA = "journey"                   #: of pyproject.toml: what the export needs, in an environment of its own
EXPORT = """\
import os

import numpy as np
import torch
import torchvision
from PIL import Image

torch.manual_seed(0)
net = torchvision.models.squeezenet1_1(weights=None, num_classes=10).eval()
torch.onnx.export(net, (torch.randn(1, 3, {side}, {side}),), "net.onnx")

os.makedirs("photos", exist_ok=True)
rng = np.random.default_rng(0)
for number in range({images}):
    small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
    small.resize((320, 240), Image.Resampling.BICUBIC).save(f"photos/{{number:03}}.jpg")
"""
PORT = re.compile(r"^port: (\S+)$")
ANSWER = re.compile(r"^ +[\d.e-]+ +\d+$", re.MULTILINE)                 #: a probability and a class
FIGURES = ("lost:", "memory:", "speed:", "made:", "next:")


class JourneyError(Exception):
    """The journey ends here; says why."""


class Terminal:
    """Where the user types: commands run in `folder`, with `firelane` and `python` as he has them."""

    def __init__(self, folder: Path, python: Path):
        self.folder = folder
        self._words = {"firelane": [sys.executable, "-m", "firelane"], "python": [str(python)]}

    def run(self, *typed: str) -> str:
        """Run a command to its end; returns what it printed."""
        lines = []
        with self.start(*typed) as process:
            assert process.stdout is not None, "it is a pipe"
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode:
            raise JourneyError(f"{typed[0]} {typed[1]}: exit code {process.returncode}")
        return "".join(lines)

    def start(self, *typed: str) -> subprocess.Popen[str]:
        """Begin a command, with its output in a pipe."""
        print(f"$ {shlex.join(typed)}", flush=True)
        return subprocess.Popen([*self._words[typed[0]], *typed[1:]], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)


def journey(terminal: Terminal, board: str, *, export: bool, more: Sequence[str], simulation: Sequence[str]) -> None:
    """From an export to a classified image.

    Parameters
    ----------
    export : whether the network is exported and images are made, or there already
    more, simulation : more options for `build` and for `board-sim`

    Raises
    ------
    JourneyError
        If a command fails, or does not say what it should.
    """
    if export:
        terminal.run("python", "export.py")
    said = terminal.run("firelane", "build", "net.onnx", "--board", board, "--calib", "photos", "--preset", "imagenet",
                        "--report", "report.html", "-o", "build/net", *more)
    if missing := [word for word in FIGURES if f"\n{word} " not in said]:
        raise JourneyError(f"firelane build does not say {missing[0]}")
    if not (terminal.folder / "report.html").is_file():
        raise JourneyError("firelane build leaves no report.html")
    with terminal.start("firelane", "board-sim", "build/net/program", *simulation) as simulated:
        try:
            _classify(terminal, simulated)
        finally:
            simulated.send_signal(signal.SIGINT)        # Ctrl-C
            print(simulated.communicate()[0], end="", flush=True)
    if simulated.returncode:
        raise JourneyError(f"firelane board-sim: exit code {simulated.returncode}")


def _classify(terminal: Terminal, simulated: subprocess.Popen[str]) -> None:
    """Have the simulated board classify an image, when it is there."""
    assert simulated.stdout is not None, "it is a pipe"
    port = None
    for line in simulated.stdout:
        print(line, end="", flush=True)
        if port := PORT.match(line):
            break
    if not port:
        raise JourneyError("firelane board-sim names no port")
    answer = terminal.run("firelane", "run", "photos/000.jpg", "--compiled", "build/net/program", "--port", port[1])
    if len(ANSWER.findall(answer)) != 5 or " cycles, " not in answer:
        raise JourneyError("firelane run does not name five classes and the cycles")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--board", default="ulx3s_85f")
    parser.add_argument("--side", type=int, default=224, help="rows and columns of the network's input")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--model", action="store_true", help="net.onnx and photos are in the folder already")
    parser.add_argument("--build", action="append", default=[], metavar="OPTION", help="one more for firelane build")
    parser.add_argument("--board-sim", action="append", metavar="OPTION", help="in place of --board=BOARD")
    given = parser.parse_args(argv)
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.model:
        (given.folder / "export.py").write_text(EXPORT.format(side=given.side, images=given.images))
    signal.signal(signal.SIGINT, signal.default_int_handler)            # ignored behind a shell's &, and so by commands
    python = Path(sys.executable) if given.model else python_of(EXTRA)
    if build := os.environ.get("FIRELANE_BUILD"):
        os.environ["FIRELANE_BUILD"] = str(Path(build).resolve())       # commands are typed in another folder
    try:
        journey(Terminal(given.folder, python), given.board, export=not given.model, more=given.build,
                simulation=given.board_sim or [f"--board={given.board}"])
    except JourneyError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
