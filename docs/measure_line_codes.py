"""What a lossless code would save on a serial line: a simple predictor, then a prefix code for each image.

    python docs/measure_line_codes.py FOLDER

Each image is resized so that its shorter side has 256 pixels, and the middle 224 x 224 are taken. Each byte is
predicted from the one to the left, the one above, their mean, or by Paeth's rule (PNG, RFC 2083, 6.6), the best of them
for the whole image; what is left gets a Huffman code of its own image, whose 256 code lengths are sent before it.
"""

from __future__ import annotations

import heapq
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from firelane.boards.host.run import image_files

SIDE, SHORTER = 224, 256
TABLE_BITS = 256 * 4            # a code length each, of at most 15
LINE_BYTES = 300_000            # a second at 3 Mbaud
ON_THE_LINE = 1 + 2 / 256 + 14 / 2044       # escapes and frames


def picture(path: Path) -> np.ndarray:
    """int (224, 224, 3)."""
    with Image.open(path) as image:
        scale = SHORTER / min(image.size)
        small = image.convert("RGB").resize([max(SHORTER, round(scale * side)) for side in image.size],
                                            Image.Resampling.BILINEAR)
    left, top = ((side - SIDE) // 2 for side in small.size)
    return np.asarray(small.crop((left, top, left + SIDE, top + SIDE)), int)


def residuals(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """What each predictor leaves, 0 .. 255."""
    left, above, corner = (np.zeros_like(pixels) for _ in range(3))
    left[:, 1:], above[1:], corner[1:, 1:] = pixels[:, :-1], pixels[:-1], pixels[:-1, :-1]
    distances = np.stack([abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)])
    paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
    found = {"none": 0 * left, "left": left, "above": above, "mean": (left + above) // 2, "Paeth": paeth}
    return {name: (pixels - predicted) % 256 for name, predicted in found.items()}


def coded_bytes(values: np.ndarray) -> float:
    """Of a Huffman code and its table: the sum of all inner nodes of its tree are its bits."""
    heap = [int(count) for count in np.bincount(values.reshape(-1), minlength=256) if count]
    heapq.heapify(heap)
    bits = 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        bits += both
        heapq.heappush(heap, both)
    return (bits + TABLE_BITS) / 8


def main(folder: Path) -> None:
    files = image_files([folder])
    sizes = [{name: coded_bytes(left) for name, left in residuals(picture(path)).items()} for path in files]
    rows = {name: np.array([size[name] for size in sizes]) for name in sizes[0]}
    rows["the best"] = np.min(list(rows.values()), axis=0)
    print(f"{len(files)} images of {SIDE} x {SIDE} x 3, {SIDE * SIDE * 3:,} bytes")
    for name, found in rows.items():
        rates = LINE_BYTES / (found * ON_THE_LINE)
        print(f"{name:8} {found.mean():9,.0f} bytes on average; frames/s at 3 Mbaud: {1 / (1 / rates).mean():.2f} on "
              f"average, {rates.min():.2f} to {rates.max():.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
