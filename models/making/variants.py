"""The digit networks: their variants, and where their files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOLDER", "NETWORKS", "RECORD", "Network"]

FOLDER = Path(__file__).resolve().parent.parent
RECORD = "digits.json"      #: what was measured of them: `sim.benchmark.record_digits` writes it


@dataclass(frozen=True)
class Network:
    """One variant and its files.

    Parameters
    ----------
    variant : str
        Name on the command line and in `digits.json`.
    bypass : bool
        Whether fire3, fire5 and fire7 have the paper's simple bypass.
    """

    variant: str
    bypass: bool

    @property
    def file(self) -> str:
        return "digits_squeezenet_bypass.onnx" if self.bypass else "digits_squeezenet.onnx"

    @property
    def float_file(self) -> str:
        return self.file.replace(".onnx", "_float.onnx")


NETWORKS = (Network("plain", bypass=False), Network("bypass", bypass=True))
