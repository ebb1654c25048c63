"""Which pins of a board a camera takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.build import Attrs, Pins, Resource, Subsignal

DATA_BITS = 8
SIGNALS = ("pclk", "href", "vsync", "xclk", "sioc", "siod", "reset", "pwdn")     #: besides the data


@dataclass(frozen=True, kw_only=True)
class CameraHeader:
    """Pins of a board's connector for a camera's parallel port.

    Parameters
    ----------
    connector : tuple
        Its name and number in the amaranth-boards platform.
    data : tuple of str
        Pins of that connector for D0 .. D7.
    pins : mapping
        Those for each of SIGNALS.
    labels : mapping
        What is printed beside a pin on the board.
    test : (str, int)
        The button that shows the test pattern, as the platform names it.
    """

    connector: tuple[str, int]
    data: tuple[str, ...]
    pins: Mapping[str, str]
    labels: Mapping[str, str]
    test: tuple[str, int]

    def resource(self) -> Resource:
        """Resources for `platform.add_resources`."""
        where = {"conn": self.connector}
        inputs, outputs = ("pclk", "href", "vsync"), ("xclk", "sioc", "reset", "pwdn")
        return Resource(
            "camera", 0,
            Subsignal("data", Pins(" ".join(self.data), dir="i", **where)),
            *(Subsignal(name, Pins(self.pins[name], dir="i", **where)) for name in inputs),
            *(Subsignal(name, Pins(self.pins[name], dir="o", **where)) for name in outputs),
            Subsignal("siod", Pins(self.pins["siod"], dir="io", **where), Attrs(PULLMODE="UP")),
            Attrs(IO_TYPE="LVCMOS33"))

    def wires(self) -> dict[str, str]:
        """Signal of the camera -> what is printed beside the pin of the board."""
        names = {**{name.upper(): pin for name, pin in self.pins.items()},
                 **{f"D{n}": pin for n, pin in enumerate(self.data)}}
        return {name: self.labels[pin] for name, pin in names.items()}
