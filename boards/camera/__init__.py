"""Cameras: what each is told, how fast its rows come, and which pins it takes."""

from __future__ import annotations

from firelane.boards.camera.ov7670 import OV7670
from firelane.boards.camera.sensor import Sensor
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint

SENSORS = {sensor.name: sensor for sensor in (OV7670,)}


def get_sensor(name: str) -> Sensor:
    """The camera of that name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if name not in SENSORS:
        raise ConfigError("--camera", f"unknown camera {name!r}",
                          hint=hint(name, tuple(SENSORS), f"one of {', '.join(SENSORS)}"))
    return SENSORS[name]
