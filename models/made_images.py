"""Images made from nothing, for networks whose own images are not at hand: to calibrate with and to look at.

Each is noise whose spectrum falls like that of photographs, with amplitude 1 / frequency (Field 1987, "Relations
between the statistics of natural images and the response properties of cortical cells"), mostly alike in all channels.
So it has large bright and dark areas and edges between them; white noise, which every filter averages away, has not.
"""

from __future__ import annotations

import numpy as np

__all__ = ["made_images"]

MIDDLE, SPREAD = 118.0, 62.0            # mean and standard deviation of the pixels of the photographs of ImageNet
COLOUR_SHARE = 0.35                     # a channel's own noise, as a share of what it shows


def made_images(count: int, shape: tuple[int, int, int], *, seed: int) -> np.ndarray:
    """uint8 (count, C, H, W) of `shape` (C, H, W); the first ones do not depend on `count`."""
    images = [_image(shape, np.random.default_rng(stream)) for stream in np.random.SeedSequence(seed).spawn(count)]
    return np.stack(images)


def _image(shape: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """One image, a channel after the other: none but what all show is kept in float64."""
    channels, height, width = shape
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    fall = 1 / np.maximum(frequency, 1 / max(height, width))
    fall[0, 0] = 0
    shared = np.sqrt(1 - COLOUR_SHARE ** 2) * _noise(fall, (height, width), rng)
    image = np.empty(shape, np.uint8)
    for channel in range(channels):
        mixed = shared + COLOUR_SHARE * _noise(fall, (height, width), rng)
        image[channel] = np.clip(np.rint(MIDDLE + SPREAD * mixed), 0, 255)
    return image


def _noise(fall: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Noise with that spectrum, float64 (H, W), of variance 1."""
    layer = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(size)) * fall, size)
    layer /= max(layer.std(), np.finfo(np.float64).tiny)
    return layer
