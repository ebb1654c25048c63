"""manifest.json: what a host, a simulator or a person must know about a compiled network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

from firelane.compiler.ir.graph import Tensor
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.rom_size import rom_size
from firelane.compiler.tiles.layers import View
from firelane.hw.contract.instruction import FORMAT_VERSION

MANIFEST_VERSION = 1


def manifest(compiled: Compiled, files: Mapping[str, bytes]) -> str:
    """The JSON text; `files` are the other artefacts, for their digests. Sorted, no dates, no paths.

    Keys
    ----
    input : shape (rows, columns, channels) and order of the image bytes, scale and zero point, the model's metadata
    output : shape (channels, rows, columns) and order of the result bytes, see `compiler.frame_io.result`
    chunks : maps that are channels of a map in `tensors` which is never stored as a whole: map, first channel, channels
    layers : name, kind, descriptor address
    rom : bytes of the ROM image, and bits of its parts, see `compiler.program.rom_size`
    instructions : word address, opcode, layer; what is written: tensor, first_row, rows, channels, at words, row
    """
    program, graph = compiled.program, compiled.graph
    rom = rom_size(program)
    source, result = graph.tensors[graph.input], graph.tensors[graph.output]
    document = {
        "manifest_version": MANIFEST_VERSION,
        "program_format_version": FORMAT_VERSION,
        "network": graph.name,
        "metadata": dict(graph.metadata),
        "engine": asdict(program.cfg),
        "engine_digest": program.cfg.digest,
        "input": {**_quantization(source), "shape": [source.height, source.width, source.channels],
                  "order": "row, column, channel"},
        "output": {**_quantization(result), "shape": list(result.shape), "group_rows": compiled.result.group_rows,
                   "order": "row group, channel, row, column"},
        "rom": {"bytes": rom.bytes, "bits": asdict(rom)},
        "maps": [{"name": m.name, "channels": m.channels, "rows": m.height, "columns": m.width,
                  "first_column": m.first_column, "parts_log2": m.parts_log2} for m in program.network.maps.values()],
        "chunks": {name: _view(chunk.whole) for name, chunk in sorted(program.network.chunks.items())},
        "tensors": {name: _view(view) for name, view in sorted(program.network.tensors.items())},
        "layers": [{"name": layer.name, "kind": layer.kind,
                    "descriptor": address, "reads": [_view(view) for view in layer.reads],
                    "writes": _view(layer.writes)}
                   for layer, address in zip(program.network.layers, program.descriptor_addresses)],
        "instructions": [{**asdict(note), "opcode": note.opcode.name} for note in program.notes],
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _quantization(tensor: Tensor) -> dict:
    return {"name": tensor.name, "scale": tensor.scale, "zero_point": tensor.zero_point}


def _view(view: View | None) -> list | None:
    """Map, first channel, channels."""
    return [view.map, view.channel, view.channels] if view else None
