"""Float digits network -> QDQ ONNX, by the same code as `firelane quantize`.

    python -m firelane.models.making.digits_quantize        quantizes the committed float networks again
"""

from __future__ import annotations

import onnx

from firelane.compiler.frame_io.preprocessing import Preprocessing, record_preprocessing
from firelane.compiler.quantize.quantize import quantize as quantize_model
from firelane.models.digits import load_split, to_network_input
from firelane.models.drawn_digits import Digits
from firelane.models.making.variants import FOLDER, VARIANTS

__all__ = ["main", "quantize", "recorded"]


def recorded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The float network, saying that it takes gray pixels as they are."""
    return record_preprocessing(model, Preprocessing(channels="gray"))


def quantize(model: onnx.ModelProto, data: Digits) -> onnx.ModelProto:
    """Per-channel symmetric int8 weights, uint8 activations with the ranges seen on `data`.

    The input takes raw pixels (scale 1, zero point 0); the parts of a concatenation share one scale.
    """
    return quantize_model(recorded(model), list(to_network_input(data.images)))


def main() -> None:
    training = load_split()[0]
    for variant in VARIANTS:
        onnx.save(quantize(onnx.load(FOLDER / variant.float_file), training), FOLDER / variant.file)


if __name__ == "__main__":
    main()
