"""Drawn digits as image files, to show to a board: python -m firelane.models.digit_images FOLDER --count 5

The files are called 000_7.png: the first of them, a seven.
"""

from pathlib import Path

import click
from PIL import Image

from firelane.models.drawn_digits import COUNT, drawn_digits


def write_digit_images(folder: Path, count: int) -> list[Path]:
    """The first `count` drawn digits, 56 x 56 pixels, gray; returns the files."""
    if not 0 < count <= COUNT:
        raise ValueError(f"count must be 1 to {COUNT}, not {count!r}")
    digits = drawn_digits(count)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03}_{digits.labels[number]}.png" for number in range(count)]
    for path, image in zip(paths, digits.images):
        Image.fromarray(image[:, :, 0]).save(path)
    return paths


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--count", type=click.IntRange(1, COUNT), default=10, show_default=True)
def _main(folder: Path, count: int) -> None:
    """Write drawn digits to FOLDER."""
    click.echo(f"written: {len(write_digit_images(folder, count))} digits to {folder}")


if __name__ == "__main__":
    _main()
