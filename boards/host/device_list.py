"""`firelane devices`: what is at the serial ports, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Group
from rich.text import Text

from firelane.boards.host.discovery import Device
from firelane.compiler.artefact.reader import models_with
from firelane.compiler.support.fitted_table import Column, FittedTable
from firelane.compiler.support.json_document import json_document

COLUMNS = (         # what is left out first where there is no room has the largest number
    Column("port", names=True), Column("board", names=True), Column("MHz", drop=1), Column("banks", drop=2),
    Column("model", text=True))
NOTHING = "no serial port was found on this machine; does the cable carry data, and is the board switched on?"


def model_names(devices: Sequence[Device]) -> dict[int, str]:
    """Digest -> name of the models in the boards, of those that were compiled here."""
    found = {digest: models_with(digest) for digest in {device.model_digest for device in devices} - {0}}
    return {digest: models[0].graph.name for digest, models in found.items() if models}


def devices_to_json(devices: Sequence[Device], names: Mapping[int, str]) -> str:
    """The ports: status, and what the board says of itself or why there is none."""
    return json_document("devices", {"ports": [_record(device, names) for device in devices]})


def devices_to_table(devices: Sequence[Device], names: Mapping[int, str]) -> Group:
    """The boards, then a line for each other port."""
    boards = [device for device in devices if device.identity is not None]
    others = [Text(str(device) + (f" ({device.about})" if device.about else "")) for device in devices
              if device.identity is None]
    if not devices:
        others = [Text(NOTHING)]
    return Group(*([_boards(boards, names)] if boards else [Text("no board was found")]), *others)


def _boards(boards: Sequence[Device], names: Mapping[int, str]) -> FittedTable:
    return FittedTable("", COLUMNS, [_row(device, names) for device in boards])


def _row(device: Device, names: Mapping[int, str]) -> tuple[str, ...]:
    identity = device.identity
    assert identity is not None, "these have one"
    return (device.port, identity.board, f"{identity.clock_hz / 1e6:g}", f"{identity.engine.banks}",
            _model(device, names))


def _model(device: Device, names: Mapping[int, str]) -> str:
    if not device.model_digest:
        return "none"
    return f"{names.get(device.model_digest, 'not compiled here')}, {device.model_digest:08x}"


def _record(device: Device, names: Mapping[int, str]) -> dict:
    identity = device.identity
    record = {"port": device.port, "about": device.about or None, "status": device.status.value,
              "problem": device.problem or None}
    if identity is None:
        return record
    digest = device.model_digest
    return record | {"baud": device.baud, "board": identity.board, "clock_hz": identity.clock_hz,
                     "engine": asdict(identity.engine), "engine_digest": f"{device.engine_digest:08x}",
                     "model_digest": f"{digest:08x}" if digest else None, "model": names.get(digest)}
