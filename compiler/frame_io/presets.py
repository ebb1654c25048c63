"""Names for the usual ways in which images become a network's input: a mean, a scale, an order of channels, a size.

A preset says all of it: what is not to be so is said beside it (see `record_options`).

imagenet, torchvision
    One thing by two names. Pixels / 255 of RGB, less 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.225: the means and
    standard deviations of ImageNet that torchvision publishes with its weights (`ImageClassification` in
    torchvision/transforms/_presets.py), as do timm and Hugging Face; Keras calls it mode "torch". The image is scaled
    to 256 pixels for 224 of them.
caffe
    BGR, less 104, 117, 123: the `mean_value` lines of SqueezeNet's train_val.prototxt, and of other networks of Caffe's
    model zoo. They are trained with crops of 224 or 227 from images of 256.
gray
    Gray pixels / 255, as torchvision's `ToTensor` makes them of an image of mode L.
raw
    Pixels 0..255 as they are, gray or RGB, whichever the network has channels for.
"""

from __future__ import annotations

from dataclasses import dataclass

from firelane.compiler.frame_io.preprocessing import CHANNELS, Preprocessing
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint

SCALED, CUT = 256, 224          #: torchvision's `resize_size` for its usual `crop_size`
CAFFE_CUTS = (224, 227)         #: sizes that Caffe's networks cut out of images of `SCALED`
WHITE = 255

Shape = tuple[int, int, int]    # channels, height, width of an input


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How images become input, for networks of any size.

    Parameters
    ----------
    channels : as `Preprocessing` has them; None: gray or RGB, as many as the network takes
    mean, scale : likewise
    border : whether the image is scaled to more than the network's size, so that a border is cut away
    cuts : sizes for which it is scaled to `SCALED`; others in proportion to `CUT`
    """

    channels: str | None = None
    mean: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    border: bool = False
    cuts: tuple[int, ...] = (CUT,)

    def resize(self, size: int) -> int:
        """Pixels of the shorter side of an image for an input whose longer side has `size` pixels."""
        if not self.border:
            return size
        return SCALED if size in self.cuts else scaled_side(size)


IMAGENET = Preset(channels="RGB", mean=tuple(round(WHITE * mean, 3) for mean in (0.485, 0.456, 0.406)),
                  scale=tuple(1 / (WHITE * deviation) for deviation in (0.229, 0.224, 0.225)), border=True)
PRESETS = {
    "imagenet": IMAGENET,
    "torchvision": IMAGENET,
    "caffe": Preset(channels="BGR", mean=(104.0, 117.0, 123.0), border=True, cuts=CAFFE_CUTS),
    "gray": Preset(channels="gray", scale=(1 / WHITE,)),
    "raw": Preset(),
}


def scaled_side(size: int) -> int:
    """Pixels of the shorter side before `size` pixels are cut out: as 256 for 224.

    >>> scaled_side(224), scaled_side(299), scaled_side(64)
    (256, 342, 73)
    """
    return round(size * SCALED / CUT)


def preset_record(name: str, shape: Shape, channels: str | None = None) -> Preprocessing:
    """The preset of that name for an input of that shape.

    Parameters
    ----------
    channels : "RGB" or "BGR" if the network takes colours in that order; means and scales go with their colours

    Raises
    ------
    ConfigError
        If there is none, or it is for images of other channels.
    """
    if name not in PRESETS:
        raise ConfigError("--preset", f"{name!r}", hint=hint(str(name), PRESETS))
    preset, (count, *sides) = PRESETS[name], shape
    usual = preset.channels or ("gray" if count == 1 else "RGB")
    if preset.channels and CHANNELS[usual] != count:
        fitting = [other for other, said in PRESETS.items() if not said.channels or CHANNELS[said.channels] == count]
        plural = "s" if CHANNELS[usual] > 1 else ""
        raise ConfigError("--preset", f"{name} takes {CHANNELS[usual]} channel{plural}, the network {count}",
                          hint=f"one of {', '.join(fitting)}, or --mean, --scale, --channels, --resize")
    step = -1 if {usual, channels} == {"RGB", "BGR"} else 1
    return Preprocessing(channels=channels if step < 0 and channels else usual, mean=preset.mean[::step],
                         scale=preset.scale[::step], resize=preset.resize(max(sides)))
