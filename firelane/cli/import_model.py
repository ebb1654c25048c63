"""`firelane import`: published files to ONNX."""

from __future__ import annotations

from pathlib import Path

import click

INPUT_SIZES = ("224", "227")


@click.group(name="import")
def import_group() -> None:
    """Turn published weights into a float ONNX model."""


@import_group.command(name="deep-compression")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("squeezenet1.0.onnx"), show_default=True,
              help="The float model to write.")
@click.option("--input-size", type=click.Choice(INPUT_SIZES), default="224", show_default=True,
              help="Rows and columns of the image.")
def deep_compression_command(file: Path, output: Path, input_size: str) -> None:
    """Read FILE, the published Deep Compression SqueezeNet v1.0 (compressed_SqueezeNet.net)."""
    from firelane.compiler.quantize.float_model import write_model
    from firelane.models.deep_compression import decode, network
    layers = decode(file)
    write_model(network(layers, input_size=int(input_size)), output)
    stored = sum(layer.entries for layer in layers.values())
    weights = sum(layer.weight.size for layer in layers.values())
    nonzero = sum(int((layer.weight != 0).sum()) for layer in layers.values())
    click.echo(f"{len(layers)} layers, {nonzero} of {weights} weights are not zero ({nonzero / weights:.1%}), "
               f"{stored} stored entries")
    click.echo(f"written: {output}")
