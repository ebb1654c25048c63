"""Documents of --json against the schemas that are published."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from firelane.cli.commands.schema import SCHEMAS


def check(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """The document, which must be as the schema of the command says, and have nothing that it does not name."""
    jsonschema.Draft202012Validator(_closed(json.loads((SCHEMAS / f"{name}.json").read_text()))).validate(document)
    return document


def _closed(schema: Any) -> Any:
    """The schema without the room that it leaves for new fields."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(part) for name, part in schema.items()}
    return made | ({"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {})
