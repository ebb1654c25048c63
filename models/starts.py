"""Float networks that training may begin with: by name, from an ONNX file, or from torchvision's weights."""

from __future__ import annotations

from pathlib import Path

import onnx

from firelane.compiler.onnx_import.kind import is_quantized
from firelane.compiler.onnx_import.reader import Source, read_source
from firelane.compiler.support.errors import ConfigError, ModelError
from firelane.compiler.support.extras import from_extra
from firelane.compiler.support.near import hint
from firelane.models.catalogue import HERE, NAMES, SIZE, is_name
from firelane.models.deep_compression import decode, network
from firelane.models.published_data import net_file

FLOAT = {"digits": HERE / "digits_squeezenet_float.onnx", "digits-bypass": HERE / "digits_squeezenet_bypass_float.onnx"}
PUBLISHED = "squeezenet1.0"             #: whose weights were published, and are used where they are there
STATE_DICTS = (".pth", ".pt")
OPTION = "--from"


def start_of(source: Source, input_size: int | None = None) -> Source:
    """The float model, or its file.

    Parameters
    ----------
    source : a name, the path of an ONNX file or of a state dict of torchvision's, or a model
    input_size : rows and columns of the images, of a name or a state dict; 224 if not given

    Raises
    ------
    FirelaneError
        If there is no such network, its weights are not there, or it is quantized.
    """
    if not isinstance(source, onnx.ModelProto):
        if is_name(source):
            return _by_name(str(source), input_size)
        if Path(source).suffix in STATE_DICTS:
            reader = from_extra("firelane.models.torchvision_weights", "train", f"{OPTION} {source}")
            return reader.read_state_dict(Path(source), input_size or SIZE)
    if input_size is not None:
        raise ConfigError("--input-size", "an ONNX model has one size only", hint="export it again with another one")
    model, path = read_source(source)
    if is_quantized(model.graph):
        raise ModelError(str(path), "is quantized, and training begins with a float network",
                         hint="give the one that it was made of")
    return source


def _by_name(name: str, input_size: int | None) -> Source:
    if name in FLOAT and input_size is not None:
        raise ConfigError("--input-size", f"{name} has one size only", hint="leave it out")
    if name in FLOAT:
        return FLOAT[name]
    if name not in NAMES:
        raise ConfigError(OPTION, f"{name}: no such network", hint=hint(name, [*FLOAT, PUBLISHED], "a float ONNX file"))
    weights = net_file() if name == PUBLISHED else None
    if weights is None:
        raise ConfigError(OPTION, f"{name}: its trained weights are not here",
                          hint=f"a float ONNX file, a {STATE_DICTS[0]} of torchvision's, or one of {', '.join(FLOAT)}")
    return network(decode(weights), input_size=input_size or SIZE)
