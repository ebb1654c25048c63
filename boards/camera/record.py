"""What a bitstream with a camera was made for, in a file beside it: another model must take the same pictures."""

from __future__ import annotations

import json
from pathlib import Path

from firelane.boards.camera.planning import PlannedCamera
from firelane.compiler.artefact.reader import HostModel
from firelane.compiler.frame_io.camera import camera_input
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.camera import CameraInput, PixelFormat

CAMERA_FILE = "camera.json"


def record(planned: PlannedCamera) -> str:
    """The camera, its rate, what it was told, and what the gateware makes of its pictures."""
    rate, plan = planned.rate, planned.plan
    return json.dumps({
        "camera": planned.sensor.name, "camera_hz": rate.camera_hz, "divider": rate.divider,
        "dummy_lines": rate.dummy_lines, "frames_per_second": rate.frames_per_second,
        "frame_cycles": rate.frame_cycles, "engine_cycles": rate.engine_cycles, "queue_bytes": rate.queue_bytes,
        "settings": [[setting.name, setting.register, setting.value]
                     for setting in planned.sensor.settings(rate.divider, rate.dummy_lines)],
        "classes": plan.classes, "input": _input(plan.wanted)}, indent=1) + "\n"


def has_camera(build: Path) -> bool:
    """Whether the build in that folder has one."""
    return (build / CAMERA_FILE).exists()


def check_camera(build: Path, model: HostModel) -> None:
    """Refuse a model for a build with a camera, in the folder `build`, that was made for other pictures.

    Raises
    ------
    FirelaneError
        Likewise if what is recorded of the camera cannot be read.
    """
    file = build / CAMERA_FILE
    try:
        made = json.loads(file.read_text())
        camera, known, classes = made["camera"], made["input"], made["classes"]
        columns, lines, pixel_format = known["columns"], known["lines"], PixelFormat[known["format"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FirelaneError(str(file), getattr(error, "strerror", None) or "is no record of a camera of this version",
                            hint="build the bitstream again") from None
    wanted = camera_input(model.graph, columns, lines, pixel_format)
    for what, found, there in (("an input", _input(wanted), known), ("classes", model.result.size, classes)):
        if found != there:
            raise FirelaneError(str(model.folder), f"needs {what} other than that of the bitstream with the "
                                                   f"{camera} in {build}",
                                hint="size, channels, mean, scale and number of classes must be the same; "
                                     "`firelane bitstream MODEL --camera` builds another one")


def _input(wanted: CameraInput) -> dict:
    return {"columns": wanted.columns, "lines": wanted.lines, "format": wanted.format.name, "width": wanted.width,
            "height": wanted.height, "order": wanted.order.name, "tables": [table.hex() for table in wanted.tables]}
