"""`firelane import`: published files to ONNX."""

from __future__ import annotations

from pathlib import Path

import click

from firelane.cli.support import work
from firelane.cli.support.options import PATH
from firelane.compiler.support.outputs import check_file

INPUT_SIZES = ("224", "227")        #: those of `models.published_data`


@click.group(name="import")
def command() -> None:
    """Turn published weights into a float ONNX model."""


@command.command(name="deep-compression")
@click.argument("file", type=PATH)
@click.option("-o", "--output", type=PATH, default=Path("squeezenet1.0.onnx"), show_default=True,
              help="The float model to write.")
@click.option("--input-size", type=click.Choice(INPUT_SIZES), default="224", show_default=True,
              help="Rows and columns of the image.")
def deep_compression(file: Path, output: Path, input_size: str) -> None:
    """Read FILE, the published Deep Compression SqueezeNet v1.0 (compressed_SqueezeNet.net)."""
    check_file(output, "-o", inputs=(file,))
    click.echo(work.convert(file, output, input_size=int(input_size)))
    click.echo(f"written: {output}")
