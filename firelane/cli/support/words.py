"""Kinds of words that a user types, and how a shell completes them: networks, boards, ports, folders of pictures.

Completion must be quick, so the names stand here; a test compares them with those of the rooms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

MODELS = ("digits", "digits-bypass", "squeezenet1.0", "squeezenet1.0-torchvision", "squeezenet1.1",
          "squeezenet1.0-simple-bypass", "squeezenet1.0-complex-bypass", "light_squeezenet",
          "mobilenet_v1_0.25", "mobilenet_v1_0.5", "mobilenet_v1_0.75", "mobilenet_v1_1.0",
          "mobilenet_v2_0.25", "mobilenet_v2_0.5", "mobilenet_v2_0.75", "mobilenet_v2_1.0",
          "shufflenet_v1_0.25", "shufflenet_v1_0.5", "shufflenet_v1_1.0", "shufflenet_v2_0.5", "shufflenet_v2_1.0",
          "resnet18", "squeezenext_1.0", "alexnet")                                             #: `models.catalogue`'s
BOARDS = ("ulx3s_12f", "ulx3s_25f", "ulx3s_45f", "ulx3s_85f", "ecpix5_85f", "orangecrab_85f", "butterstick_85f",
          "icepi_zero", "arty_a7_100")                                                          #: those of `boards`
PORTS = ("ttyUSB*", "ttyACM*", "cu.usb*")           #: in /dev, on Linux and on a Mac


class Named(click.ParamType):
    """A name that Firelane knows, or a file; which of them is found out where it is used.

    A shell is offered the names, then files of the kind in this folder, and any file where none of these begins so.
    """

    def __init__(self, kind: str, names: Sequence[str], files: str = ""):
        self.name, self.names, self.files = kind, names, files

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("it is empty; a variable of the shell that is not set?", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        here = sorted(path.name for path in Path().glob(self.files)) if self.files else []
        any_file = [CompletionItem(incomplete, type="file")] if self.files else []
        return any_file + [CompletionItem(word) for word in (*self.names, *here) if word.startswith(incomplete)]


class Port(click.ParamType):
    """A serial port, or "auto"."""

    name = "port"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        there = sorted(str(path) for pattern in PORTS for path in Path("/dev").glob(pattern))
        return [CompletionItem(word) for word in ("auto", *there) if word.startswith(incomplete)]


class Folder(click.Path):
    """A folder of pictures; a count, which it was before, is answered with the option for that."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).isdecimal() and not Path(value).exists():
            self.fail(f"{value} is a count, and a folder of pictures is wanted; --limit {value}", param, ctx)
        return super().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="dir")]


MODEL = Named("model", MODELS, "*.onnx")
BOARD = Named("board", BOARDS, "*.toml")
KNOWN_BOARD = Named("board", BOARDS)
PORT, FOLDER = Port(), Folder()
