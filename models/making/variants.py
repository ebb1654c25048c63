"""The digit networks: their variants, and where their files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOLDER", "RECORD", "VARIANTS", "Variant"]

FOLDER = Path(__file__).resolve().parent.parent
RECORD = "digits.json"      #: what was measured of them: `sim.benchmark.record_digits` writes it


@dataclass(frozen=True)
class Variant:
    """One variant and its files.

    Parameters
    ----------
    name : str
        Name on the command line and in `digits.json`.
    bypass : bool
        Whether fire3, fire5 and fire7 have the paper's simple bypass.
    """

    name: str
    bypass: bool

    @property
    def file(self) -> str:
        return "digits_squeezenet_bypass.onnx" if self.bypass else "digits_squeezenet.onnx"

    @property
    def float_file(self) -> str:
        return self.file.replace(".onnx", "_float.onnx")


VARIANTS = (Variant("plain", bypass=False), Variant("bypass", bypass=True))
