"""Networks: by name, from a file, or in memory."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx

from firelane.api.arguments import check_count, check_source
from firelane.api.predict import Pictures, Prediction, prediction, stored_images
from firelane.compiler.frame_io import record_options
from firelane.compiler.frame_io.classes import class_names, recorded_names
from firelane.compiler.frame_io.preprocessing import preprocessing_of, record_of
from firelane.compiler.frame_io.record_options import Options
from firelane.compiler.frame_io.recorded_model import with_record
from firelane.compiler.ir.graph import Graph
from firelane.compiler.ir.limits import ESTIMATED_BYTES_MAX, FILE_BYTES_MAX
from firelane.compiler.onnx_import import graph_of
from firelane.compiler.onnx_import.kind import is_quantized
from firelane.compiler.onnx_import.reader import Source, read_input, read_source
from firelane.compiler.quantize.fold_preprocessing import metadata
from firelane.compiler.quantize.model_file import write_model
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.compiler.support.html_tables import html_block
from firelane.compiler.support.progress import Progress, silent
from firelane.models.catalogue import CatalogueEntry, find, is_name
from firelane.sim import reference

IN_MEMORY = "model"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Network:
    """A network as an ONNX model, float or quantized.

    Parameters
    ----------
    name : str
        As it was asked for: its name, or the path of its file.
    model : onnx.ModelProto
    path : Path, optional
        The file, if it comes from one.
    origin : str
        Where weights and ranges come from, if it was made here.
    photographs : tuple of Path
        Images that it knows.
    labels : Path, optional
        A file with the names of its classes.
    """

    name: str
    model: onnx.ModelProto
    path: Path | None = None
    origin: str = ""
    photographs: tuple[Path, ...] = ()
    labels: Path | None = None

    @property
    def quantized(self) -> bool:
        """Whether it computes with integers: only then it can be compiled and simulated."""
        return is_quantized(self.model.graph)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return read_input(self.model.graph, limited=False).dims

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the result of a quantized network: classes, 1, 1 if it is a classifier."""
        return self.graph.tensors[self.graph.output].shape

    @property
    def classes(self) -> int:
        """Values of a quantized network's result."""
        return math.prod(self.output_shape)

    @cached_property
    def graph(self) -> Graph:
        """What the compiler makes of a quantized network.

        Raises
        ------
        FirelaneError
            If it is a float network, or has something that the engine cannot do: each such node is named. Or if images
            cannot become what it records.
        """
        return record_options.checked_record(graph_of(self.model, self.path or Path(self.name)), {})

    @property
    def source(self) -> Source:
        """The file if there is one, so that messages name it; else the model."""
        return self.path or self.model

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Errors about the file of a network by name are about the name, which is all that its user has of it."""
        try:
            yield
        except ModelError as error:
            if type(error) is not ModelError or error.where != str(self.path):
                raise
            raise ModelError(self.name, error.found, hint=error.hint) from None

    def recording(self, options: Options) -> Network:
        """The same network, whose images become its input as the options say: see `load`; itself if they say nothing.

        Raises
        ------
        FirelaneError
            If they are none, or images cannot become the input of a quantized network so.
        """
        model = with_record(self.model, options)
        if model is self.model:
            return self
        changed = replace(self, model=model, path=None)
        if changed.quantized:
            record_of(changed.graph)
        return changed

    def predict(self, images: Pictures) -> Prediction | tuple[Prediction, ...]:
        """What a quantized network says of images, by the integer reference, to which every engine is equal.

        >>> import firelane, numpy
        >>> blank = numpy.zeros((56, 56), numpy.uint8)
        >>> firelane.load("digits").predict(blank).best
        3

        Parameters
        ----------
        images
            The path of a file, bytes of one, an image of Pillow's, or uint8 (rows, columns, channels): of the network's
            size, or fitted as its metadata say. A list of these, or a folder: then a tuple is returned. So it is for
            uint8 (N, C, H, W), the stored values of the input as they are; (C, H, W) is one image of these.

        Raises
        ------
        FirelaneError
            If it is a float network, or an image cannot become its input.
        """
        given = stored_images(self.graph, images)
        results = reference.run_batch(self.graph, np.stack(given.pixels)) if given.pixels else ()
        found = tuple(prediction(self.graph, name, result, labels=self.class_names)
                      for name, result in zip(given.names, results))
        return found[0] if given.single else found

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The names of its classes, if there is a file that has them, or it records them."""
        if not self.quantized and not self.labels:
            return recorded_names(metadata(self.model))
        return class_names(self.labels, self.graph.metadata, self.classes)

    def save(self, path: str | Path) -> Path:
        """Write the ONNX file, all of it or nothing.

        Raises
        ------
        FirelaneError
            If it cannot be written.
        """
        write_model(self.model, path)
        return Path(path)

    def __repr__(self) -> str:
        kind = "quantized" if self.quantized else "float"
        return f"<{type(self).__name__} {self.name!r}, {kind}, images of {' x '.join(map(str, self.input_shape))}>"

    def _repr_html_(self) -> str:
        return html_block(self.name, self._facts())

    def _facts(self) -> dict[str, object]:
        """What a notebook shows of it."""
        record = preprocessing_of(metadata(self.model))
        return {"numbers": "integers, quantized" if self.quantized else "float",
                "images": f"{' x '.join(map(str, self.input_shape))} (channels, rows, columns)",
                "taken as": record and f"{record.channels}, (pixel - {_short(record.mean)}) x {_short(record.scale)}",
                "classes": self.classes if self.quantized else None,
                "weights": sum(math.prod(one.dims) for one in self.model.graph.initializer if len(one.dims) > 1),
                "from": self.origin or self.path}


def load(source: Network | Source, *, input_size: int | None = None, preset: str | None = None,
         channels: str | None = None, mean: float | str | Sequence[float] | None = None,
         scale: float | str | Sequence[float] | None = None,
         resize: int | None = None, progress: Progress = silent) -> Network:
    """A network by its name, from an ONNX file, or from a model in memory.

    Parameters
    ----------
    source : str, Path, onnx.ModelProto or Network
        A name: digits and digits-bypass are part of the project; squeezenet1.0, squeezenet1.0-torchvision,
        squeezenet1.1, squeezenet1.0-simple-bypass, squeezenet1.0-complex-bypass and light_squeezenet are built and
        quantized at the first use, and kept in build/models; so are networks to compare with, such as
        mobilenet_v2_0.25 (`models/comparison`). Or a file, or a `Network` that was loaded.
    input_size : int, optional
        Rows and columns of the images of a network by name; 224 if not given.
    preset, channels, mean, scale, resize
        How images become the network's input, in place of what its metadata say. The preset is "imagenet" or
        "torchvision" (which are the same), "caffe", "gray" or "raw"; what is given beside it counts before it: "gray",
        "RGB" or "BGR"; what is subtracted from pixels 0..255, and what they are multiplied by then, a number or one for
        each channel; the shorter side of an image before its centre is cut out.
    progress : callable
        Told the name of a stage, how much is done, and of how much.

    Raises
    ------
    FirelaneError
        If there is no such network or file, or it is not an ONNX model.
    """
    check_count("input_size", input_size)
    found = source if isinstance(source, Network) else _found(source, input_size, progress)
    return found.recording({"preset": preset, "channels": channels, "mean": mean, "scale": scale, "resize": resize})


def overridden(source: Network | Source, options: Options) -> str:
    """What the options contradict in a network's metadata, in words; empty if there is nothing."""
    if all(value is None for value in options.values()):
        return ""
    network = load(source)
    return record_options.overridden(metadata(network.model), network.input_shape, options)


def load_of_any_size(source: Network | Source, progress: Progress, *, dense: bool = False) -> Network:
    """A network to be estimated: its file may be as large as there can be any, and no engine need compute it.

    With `dense` the random weights of a network by name are not pruned.
    """
    if isinstance(source, Network):
        return source
    check_source(source)
    if not isinstance(source, onnx.ModelProto) and is_name(source):
        return _of_entry(str(source), find(str(source), dense=dense, only_cost=True, progress=progress),
                         ESTIMATED_BYTES_MAX)
    return _found(source, None, progress, ESTIMATED_BYTES_MAX)


def _found(source: Source, input_size: int | None, progress: Progress, most: int = FILE_BYTES_MAX) -> Network:
    check_source(source)
    if not isinstance(source, onnx.ModelProto) and is_name(source):
        return _of_entry(str(source), find(str(source), input_size=input_size, progress=progress), most)
    if input_size is not None:
        where = IN_MEMORY if isinstance(source, onnx.ModelProto) else source
        raise ConfigError("--input-size", f"{where} has one size only", hint="export it again with another one")
    if isinstance(source, onnx.ModelProto):
        return Network(name=source.graph.name or IN_MEMORY, model=read_source(source)[0])
    return Network(name=str(source), model=read_source(source, most)[0], path=Path(source))


def _of_entry(name: str, entry: CatalogueEntry, most: int) -> Network:
    return Network(name=name, model=read_source(entry.path, most)[0], path=entry.path, origin=entry.origin,
                   photographs=tuple(entry.photographs), labels=entry.labels)


def _short(values: Sequence[float]) -> str:
    """Numbers, one if all are equal."""
    return " ".join(f"{value:.4g}" for value in (values if len(set(values)) > 1 else values[:1]))
