"""Kinds of words that a user types: a network, a folder of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class Model(click.ParamType):
    """A network: an ONNX file, or the name of one that Firelane knows. What it is is found out where it is used."""

    name = "model"


class Folder(click.Path):
    """A folder of pictures; a count, which it was before, is answered with the option for that."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).isdecimal() and not Path(value).exists():
            self.fail(f"{value} is a count, and a folder of pictures is wanted; --limit {value}", param, ctx)
        return super().convert(value, param, ctx)
