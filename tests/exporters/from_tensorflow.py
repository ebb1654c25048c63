"""Keras and TFLite through tf2onnx: channels last, weights transposed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from tests.exporters.recipe import REFUSED, Made, Recipe, hand_over

SIDE, IMAGES, CLASSES, OPSET = 24, 6, 10, 15
layers = keras.layers


def images(kind: str = "normal") -> np.ndarray:
    """Random images, channels last: of a normal distribution, or bytes as floats."""
    rng, shape = np.random.default_rng(1), (IMAGES, SIDE, SIDE, 3)
    values = rng.normal(0, 1, shape) if kind == "normal" else rng.integers(0, 256, shape)
    return values.astype(np.float32)


def small_squeezenet(*, end: str | None = None) -> keras.Model:
    """A small SqueezeNet as Keras users write it."""
    def fire(x: Any) -> Any:
        x = layers.Conv2D(8, 1, activation="relu")(x)
        return layers.Concatenate()([layers.Conv2D(16, 1, activation="relu")(x),
                                     layers.Conv2D(16, 3, padding="same", activation="relu")(x)])

    image = keras.Input((SIDE, SIDE, 3), batch_size=1)
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D(3, 2)(x)
    x = fire(x)
    x = layers.Add()([x, fire(x)])
    x = layers.Conv2D(CLASSES, 1)(layers.Dropout(0.5)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, x if end is None else layers.Activation(end)(x))


def sequence(*middle: Any, before: tuple = (), end: tuple | None = None) -> keras.Model:
    """A convolution, some layers, a classifier."""
    image = keras.Input((SIDE, SIDE, 3), batch_size=1)
    x: Any = image
    dense = (layers.GlobalAveragePooling2D(), layers.Dense(CLASSES))
    for layer in (*before, layers.Conv2D(16, 3, strides=2), *middle, *(dense if end is None else end)):
        x = layer(x)
    return keras.Model(image, x)


def seeded(model: Callable[[], keras.Model]) -> keras.Model:
    """The model with random weights, always the same, those of batch normalizations included."""
    keras.utils.set_random_seed(0)
    made, rng = model(), np.random.default_rng(3)
    for layer in made.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(low, high, weight.shape) for (low, high), weight in
                               zip(((0.5, 1.5), (-0.5, 0.5), (-0.5, 0.5), (0.5, 2)), layer.get_weights())])
    return made


def _outputs(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([np.asarray(model(image[None], training=False)) for image in pixels])


def _first(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(0, 3, 1, 2)


def from_keras(model: Callable[[], keras.Model], kind: str = "normal", **options: Any) -> Made:
    """`tf2onnx.convert.from_keras`, or `from_function` where that does not know this Keras."""
    made, pixels = seeded(model), images(kind)
    signature = [tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32, name="image")]
    function = tf.function(lambda image: made(image, training=False), input_signature=signature)
    graph, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET, **options)
    return Made(graph, _first(pixels), _outputs(made, pixels))


def by_keras(model: Callable[[], keras.Model]) -> Made:
    """Keras' own `model.export(..., format="onnx")`."""
    made, pixels = seeded(model), images()
    made(pixels[:1])                   # it refuses a model that was never called
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        made.export(str(path), format="onnx", verbose=False)
        return Made(onnx.load(path), _first(pixels), _outputs(made, pixels))


def from_tflite(model: Callable[[], keras.Model], *, int8: bool, types: Any = None, per_channel: bool = True) -> Made:
    """The TFLite converter, float or full integer, then `tf2onnx.convert.from_tflite`; outputs are TFLite's."""
    made, pixels = seeded(model), images()
    converter = tf.lite.TFLiteConverter.from_keras_model(made)
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in pixels)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter._experimental_disable_per_channel = not per_channel
        if types is not None:
            converter.inference_input_type = converter.inference_output_type = types
    content = converter.convert()
    pixels, outputs = _run_tflite(content, pixels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        path.write_bytes(content)
        graph, _ = tf2onnx.convert.from_tflite(str(path), opset=OPSET)
    return Made(graph, _first(pixels), outputs)


def _run_tflite(content: bytes, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The images as the model takes them, real values, and its real results, of TFLite's reference kernels."""
    interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=tf.lite.experimental
                                      .OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    taken, outputs = [], []
    for image in pixels:
        stored, real = _stored(image, source)
        interpreter.set_tensor(source["index"], stored[None])
        interpreter.invoke()
        value = interpreter.get_tensor(result["index"])
        scale, zero_point = result["quantization"]
        outputs.append((value.astype(np.float64) - zero_point) * scale if scale else value)
        taken.append(real)
    return np.stack(taken), np.concatenate(outputs)


def _stored(image: np.ndarray, source: dict) -> tuple[np.ndarray, np.ndarray]:
    """An image in the type of the model's input, and the real values that this stands for."""
    scale, zero_point = source["quantization"]
    if source["dtype"] == np.float32:
        return image, image
    limits = np.iinfo(source["dtype"])
    stored = np.clip(np.rint(image / scale) + zero_point, limits.min, limits.max).astype(source["dtype"])
    return stored, ((stored.astype(np.float64) - zero_point) * scale).astype(np.float32)


def recipes() -> list[Recipe]:
    """The recipes of these tools."""
    relu, bn = layers.ReLU, layers.BatchNormalization
    found = [Recipe(f"Keras, {variant}", partial(from_keras, model, **options)) for variant, model, options in (
        ("small SqueezeNet", small_squeezenet, {}),
        ("small SqueezeNet, softmax", partial(small_squeezenet, end="softmax"), {}),
        ("small SqueezeNet, `inputs_as_nchw`", small_squeezenet, {"inputs_as_nchw": ["image"]}),
        ("Dense, sigmoid", lambda: sequence(relu(), end=(
            layers.GlobalAveragePooling2D(), layers.Dense(CLASSES, activation="sigmoid"))), {}),
        ("Conv, BatchNormalization, ReLU", lambda: sequence(bn(), relu()), {}),
        ("BatchNormalization behind ReLU", lambda: sequence(relu(), bn()), {}),
        ("DepthwiseConv2D, ReLU6", lambda: sequence(relu(6.0), layers.DepthwiseConv2D(3, padding="same"),
                                                    relu(6.0)), {}),
        ("SeparableConv2D", lambda: sequence(relu(), layers.SeparableConv2D(16, 3, padding="same"), relu()), {}),
        ("AveragePooling2D", lambda: sequence(relu(), layers.AveragePooling2D(2)), {}),
        ("ZeroPadding2D", lambda: sequence(relu(), layers.ZeroPadding2D(1), layers.Conv2D(16, 3), relu()), {}),
        ("Flatten of a map of 2 x 2, Dense", lambda: sequence(
            relu(), layers.MaxPooling2D(3, 2), layers.MaxPooling2D(3, 2), end=(
                layers.Flatten(), layers.Dense(CLASSES))), {}),
        ("Conv2D with dilation, padding same", lambda: sequence(
            relu(), layers.Conv2D(16, 3, dilation_rate=2, padding="same"), relu()), {}),
        ("Reshape of the result of GlobalAveragePooling2D, 1x1 convolution", lambda: sequence(relu(), end=(
            layers.GlobalAveragePooling2D(), layers.Reshape((1, 1, 16)), layers.Conv2D(CLASSES, 1),
            layers.Flatten())), {}),
        ("LeakyReLU", lambda: sequence(layers.LeakyReLU(negative_slope=0.1)), {}),
        ("Rescaling(1 / 255)", lambda: sequence(relu(), before=(layers.Rescaling(1 / 255),)), {"kind": "bytes"}),
        ("Rescaling(1 / 127.5, offset=-1)", lambda: sequence(
            relu(), before=(layers.Rescaling(1 / 127.5, offset=-1),)), {"kind": "bytes"}))]
    found += [Recipe("Keras, swish", partial(from_keras, lambda: sequence(layers.Activation("swish"))), REFUSED),
              Recipe("Keras, GlobalMaxPooling2D", partial(from_keras, lambda: sequence(relu(), end=(
                  layers.GlobalMaxPooling2D(), layers.Dense(CLASSES)))), REFUSED),
              Recipe("Keras, UpSampling2D", partial(from_keras, lambda: sequence(relu(), layers.UpSampling2D(2))),
                     REFUSED),
              Recipe("Keras, Conv2D of 5 x 5 without padding", partial(from_keras, lambda: sequence(
                  relu(), layers.Conv2D(16, 5), relu())), REFUSED),
              Recipe("Keras, `model.export(format=\"onnx\")`, small SqueezeNet", partial(by_keras, small_squeezenet)),
              Recipe("Keras, `model.export(format=\"onnx\")`, Normalization", partial(by_keras, lambda: sequence(
                  relu(), before=(layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 1, 1.5]),))), REFUSED),
              Recipe("TFLite float, small SqueezeNet", partial(from_tflite, small_squeezenet, int8=False))]
    for variant, model in (("small SqueezeNet", small_squeezenet), ("Dense", lambda: sequence(relu())),
                           ("softmax", partial(small_squeezenet, end="softmax"))):
        found += [Recipe(f"TFLite int8, {variant}, ends float32", partial(from_tflite, model, int8=True)),
                  Recipe(f"TFLite int8, {variant}, ends int8", partial(from_tflite, model, int8=True, types=tf.int8))]
    return [*found,
            Recipe("TFLite int8, small SqueezeNet, ends uint8", partial(from_tflite, small_squeezenet, int8=True,
                                                                        types=tf.uint8)),
            Recipe("TFLite int8, small SqueezeNet, a scale for each tensor",
                   partial(from_tflite, small_squeezenet, int8=True, per_channel=False)),
            Recipe("TFLite int8, AveragePooling2D", partial(from_tflite, lambda: sequence(
                relu(), layers.AveragePooling2D(2)), int8=True)),
            Recipe("TFLite int8, DepthwiseConv2D", partial(from_tflite, lambda: sequence(
                relu(), layers.DepthwiseConv2D(3, padding="same"), relu()), int8=True))]


if __name__ == "__main__":
    hand_over("TensorFlow, by tf2onnx", f"{version('tf2onnx')}, TensorFlow {tf.__version__}, Keras {keras.__version__}",
              recipes())
