"""Reads the published Deep Compression file of SqueezeNet v1.0 (Han et al., arXiv 1510.00149, BSD).

    compressed_SqueezeNet.net of github.com/songhan/SqueezeNet-Deep-Compression; its decode.py is the only description.

Little-endian, no padding:

1. 26 x uint32: stored entries of each layer: conv1; squeeze1x1, expand1x1, expand3x3 of fire2 .. fire9; conv10.
2. For each layer in that order: 256 x float32 codebook; one float32 bias per output channel; one uint8 codebook
   index per entry; 4-bit runs, two per byte, low nibble first, ceil(entries / 2) bytes.

Entry i is the weight at place cumsum(run + 1)[i] - 1 of the flattened OIHW weights; all other places are 0. A gap of
more than 15 zeros is bridged by entries whose codebook value is 0.

The network takes Caffe's input: BGR, 0..255, mean (104, 117, 123) subtracted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from firelane.compiler.frame_io.preprocessing import Preprocessing, record_preprocessing
from firelane.compiler.frame_io.presets import preset_record
from firelane.compiler.quantize.fold_preprocessing import fold_preprocessing
from firelane.compiler.quantize.model_file import write_model
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.compiler.support.files import read_file
from firelane.models.published_data import INPUT_SIZES
from firelane.models.squeezenet import NETWORKS, ConvSpec
from firelane.models.squeezenet_graph import float_onnx

__all__ = ["CAFFE_INPUT", "DecodedLayer", "NETWORK", "convert", "decode", "network"]

NETWORK = NETWORKS["squeezenet1.0"]
CODEBOOK = 256
RUN_BITS = 4
CAFFE_INPUT = Preprocessing(channels="BGR", mean=(104.0, 117.0, 123.0), resize=256)
FILE_BYTES = 1 << 24            #: twenty times the published file
HINT = "wanted: compressed_SqueezeNet.net, 675,763 bytes, as published"


@dataclass(frozen=True, eq=False)
class DecodedLayer:
    """One convolution as the file has it.

    Parameters
    ----------
    weight : float32 OIHW
    bias : float32 (O,)
    entries : int
        Stored in the file, those with the value 0 included.
    """

    weight: np.ndarray
    bias: np.ndarray
    entries: int


def convert(file: Path, output: Path, *, input_size: int = 224) -> str:
    """Write the published `file` as float ONNX; in words, what is in it.

    Raises
    ------
    FirelaneError
        If the file is not the published one, or `output` cannot be written.
    """
    layers = decode(file)
    if input_size not in INPUT_SIZES:
        raise ConfigError("--input-size", f"{input_size}", hint=f"{' and '.join(map(str, INPUT_SIZES))} are possible")
    write_model(network(layers, input_size=input_size), output)
    stored = sum(layer.entries for layer in layers.values())
    weights = sum(layer.weight.size for layer in layers.values())
    nonzero = sum(int(np.count_nonzero(layer.weight)) for layer in layers.values())
    return (f"{len(layers)} layers, {nonzero:,} of {weights:,} weights are not zero ({nonzero / weights:.1%}), "
            f"{stored:,} stored entries")


def network(layers: Mapping[str, DecodedLayer], *, input_size: int = 224) -> onnx.ModelProto:
    """The float network with exactly these weights; it takes RGB pixels 0..255 (see `fold_preprocessing`).

    Sizes other than `INPUT_SIZES` are for training: of images that are scaled down likewise.
    """
    record = CAFFE_INPUT if input_size in INPUT_SIZES else preset_record("caffe", (3, input_size, input_size))
    model = float_onnx(NETWORK, {name: layer.weight for name, layer in layers.items()},
                       {name: layer.bias for name, layer in layers.items()}, input_size=input_size)
    return fold_preprocessing(record_preprocessing(model, record))


def decode(path: str | Path) -> dict[str, DecodedLayer]:
    """Every convolution of the file, by name.

    Raises
    ------
    ModelError
        If the file cannot be read, is truncated, too long or inconsistent.
    """
    try:
        octets = read_file(path, FILE_BYTES)
    except OSError as error:
        raise ModelError(str(path), error.strerror or "cannot be read",
                         hint="give the path of compressed_SqueezeNet.net") from None
    reader = _Reader(str(path), octets)
    convolutions = NETWORK.convolutions
    counts = reader.take("the table of entries", np.dtype("<u4"), len(convolutions)).tolist()
    for conv, count in zip(convolutions, counts):
        if not 0 < count <= np.prod(conv.weight_shape):
            raise reader.problem(f"{conv.name}: {count:,} entries for {np.prod(conv.weight_shape):,} weights")
    layers = {conv.name: _layer(reader, conv, count) for conv, count in zip(convolutions, counts)}
    reader.finish()
    return layers


@dataclass
class _Reader:
    """Takes the file's parts from front to back."""

    where: str
    octets: bytes
    at: int = 0

    def take(self, what: str, dtype: np.dtype, count: int) -> np.ndarray:
        size = count * dtype.itemsize
        if self.at + size > len(self.octets):
            raise self.problem(f"ends after {len(self.octets)} bytes, within {what}")
        found = np.frombuffer(self.octets, dtype, count, self.at)
        self.at += size
        return found

    def finish(self) -> None:
        left = len(self.octets) - self.at
        if left:
            raise self.problem(f"{left} bytes are left over after the last layer")

    def problem(self, found: str) -> ModelError:
        return ModelError(self.where, found, hint=HINT)


def _layer(reader: _Reader, conv: ConvSpec, count: int) -> DecodedLayer:
    codebook = reader.take(f"the codebook of {conv.name}", np.dtype("<f4"), CODEBOOK)
    bias = reader.take(f"the biases of {conv.name}", np.dtype("<f4"), conv.outputs)
    indices = reader.take(f"the indices of {conv.name}", np.dtype("u1"), count)
    pairs = reader.take(f"the runs of {conv.name}", np.dtype("u1"), -(-count // 2))
    values = codebook[indices]
    if not (np.all(np.isfinite(values)) and np.all(np.isfinite(bias))):
        raise reader.problem(f"{conv.name}: a weight or bias is not a finite number")
    places = np.cumsum(_runs(pairs, count).astype(np.int64) + 1) - 1
    weight = np.zeros(conv.weight_shape, np.float32)
    if places[-1] >= weight.size:
        raise reader.problem(f"{conv.name}: an entry at place {places[-1]:,} of {weight.size:,} weights")
    weight.reshape(-1)[places] = values
    return DecodedLayer(weight, bias.astype(np.float32), count)


def _runs(pairs: np.ndarray, count: int) -> np.ndarray:
    """Two 4-bit numbers a byte, low nibble first -> uint8 (count,)."""
    mask = (1 << RUN_BITS) - 1
    return np.stack([pairs & mask, pairs >> RUN_BITS], axis=1).reshape(-1)[:count]
