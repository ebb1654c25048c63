"""A float network becomes one of integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from firelane.api.arguments import check_choice, check_count, check_images
from firelane.api.check import check_quantized
from firelane.api.network import Network, load
from firelane.compiler.compress.rounding import rounded_again
from firelane.compiler.fit.possible import check_possible
from firelane.compiler.onnx_import.reader import Source
from firelane.compiler.quantize import quantize as quantization
from firelane.compiler.quantize.calibrated import read_calibrated
from firelane.compiler.quantize.calibration import METHODS, Method
from firelane.compiler.quantize.calibration_images import Images
from firelane.compiler.quantize.equalisation import equalised, on_grid
from firelane.compiler.quantize.partly_quantized import is_quantized
from firelane.compiler.support.counted import counted
from firelane.compiler.support.progress import Progress, silent
from firelane.sim.validate import Agreement


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class QuantizedNetwork(Network):
    """A network that was quantized here.

    Parameters
    ----------
    method : str
        How the ranges of activations were found.
    images : int
        How many it was calibrated with.
    takes_pixels : bool
        Whether its input takes pixels 0..255 as they are; else the host has to quantize its values.
    agreement : Agreement, optional
        With ONNX Runtime; None if it was not asked.
    """

    method: str
    images: int
    takes_pixels: bool
    agreement: Agreement | None = None

    def __str__(self) -> str:
        pixels = "raw pixels" if self.takes_pixels else "values that the host quantizes"
        return f"calibrated with {counted(self.images, 'image')} ({self.method}); the input takes {pixels}"

    def _facts(self) -> dict[str, object]:
        return {**super()._facts(), "made": str(self)}


def quantize(network: Network | Source, calibration: Images, *, method: str = "mse", limit: int = 256,
             preset: str | None = None, channels: str | None = None, mean: float | str | Sequence[float] | None = None,
             scale: float | str | Sequence[float] | None = None, resize: int | None = None,
             equalise: bool | None = None, compensate: bool | None = None, check: bool = True,
             progress: Progress = silent) -> QuantizedNetwork:
    """Quantize a float network: int8 weights, uint8 activations, a standard QDQ graph.

    Parameters
    ----------
    network : Network, str, Path or onnx.ModelProto
        A float network, as `load` takes it.
    calibration : str, Path or numpy.ndarray
        A folder of images, or an array or an .npy file, (N, C, H, W) or (N, H, W, C), whatever the network's own order
        is: uint8 pixels, or floats, values of the input.
    method : str
        How the range of an activation is found: "minmax", "mse" or "percentile".
    limit : int
        Use so many of the images at most, evenly spread.
    preset, channels, mean, scale, resize
        How images become the network's input, as for `load`.
    equalise : bool, optional
        Whether channels of a map are scaled to ranges that are more alike, by scales moved between layers. None: unless
        the network was trained to a few levels of weights, which would become many.
    compensate : bool, optional
        Whether weights are rounded so that others make good each one's error, zeros left zeros. None: as `equalise`.
        With fewer than 8 images it is not done.
    check : bool
        Whether the result is held against ONNX Runtime; without it a fault of the importer stays silent.
    progress : callable
        Told the name of a stage, images done, and images in all.

    Raises
    ------
    FirelaneError
        If the network is none, is quantized already, or is one that no engine does, or the images cannot be used.
    """
    check_choice("method", method, METHODS)
    check_count("limit", limit)
    check_images("calibration", calibration)
    given = load(network, progress=progress)
    record = {"preset": preset, "channels": channels, "mean": mean, "scale": scale, "resize": resize}
    with given.named():
        source = read_calibrated(given.source, calibration, limit, record)

    def told(stage: str, done: int) -> None:
        progress(stage, done, len(source.images))
    free = not is_quantized(source.model)
    wanted = free and not on_grid(source.model)
    if free and (wanted if equalise is None else equalise):
        source = replace(source, model=equalised(source.model, source.images, told))
    model = quantization.quantize(source.model, source.images, method=Method(method), progress=told)
    if free and (wanted if compensate is None else compensate):
        model = rounded_again(model, source.model, source.images, progress)
    made = QuantizedNetwork(name=given.name, model=model, method=method, images=len(source.images),
                            takes_pixels=source.takes_pixels)
    check_possible(made.graph)
    return replace(made, agreement=check_quantized(given, source, made, progress, rounded=True)) if check else made
