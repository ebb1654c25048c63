"""schedule.txt: the program as a person reads it."""

from __future__ import annotations

from firelane.compiler.coding.bit_fields import instruction_fields, join_words, unpack
from firelane.compiler.program.emit import InstructionNote, Program
from firelane.compiler.schedule.search import Schedule
from firelane.compiler.tiles.layers import TileLayer
from firelane.hw.contract.instruction import SLOTS, Opcode, instruction_words


def listing(program: Program, plan: Schedule) -> str:
    """Maps, then layers, then a line for each instruction."""
    lines = [f"network {program.network.name}: {len(program.notes)} instructions, {plan.peak_words} of "
             f"{program.cfg.activation_words} words live at the worst moment"]
    if plan.whole:
        lines.append(f"maps completed before anything goes on: {', '.join(plan.whole)}")
    return "\n".join([*lines, "", *_maps(program), "", *_layers(program), "", *_instructions(program)]) + "\n"


def _maps(program: Program) -> list[str]:
    lines = ["map                              channels   rows  columns  class  rows/word  blocks"]
    lines += [f"{found.name:32} {found.channels:8} {found.height:6} {found.width:8} {found.parts_log2:6} "
              f"{found.rows_per_word(program.cfg):10} {found.groups(program.cfg):7}"
              for found in program.network.maps.values()]
    return lines


def _layers(program: Program) -> list[str]:
    lines = ["layer                            descriptor  what"]
    for layer, address in zip(program.network.layers, program.descriptor_addresses):
        lines.append(f"{layer.name:32} {address:10}  {layer.kind}"
                     + (_tile(layer) if isinstance(layer, TileLayer) else ""))
    return lines


def _tile(layer: TileLayer) -> str:
    groups = " ".join(f"{layer.inputs[slot.operand].map}{slot.group:+d}" for slot in layer.kernel.slots)
    halved = f", keeps rows {layer.row_phase} and columns {layer.column_phase} mod 2" if layer.subsample else ""
    if layer.block_rows:
        halved = f", keeps the maxima of {layer.block_rows} x 2 lanes"
    return f": {len(layer.places)} kernel places, slots {groups}{halved}"


def _instructions(program: Program) -> list[str]:
    lines = ["  word  what     layer                            rows         at (word, row)   slots (word:rows)"]
    size, fields = instruction_words(program.cfg), instruction_fields(program.cfg)
    for note in program.notes:
        words = program.contents.program[note.address:note.address + size]
        lines.append(_line(note, unpack(fields, join_words(words))))
    return [*lines, f"{program.notes[-1].address + size:6}  END"]


def _line(note: InstructionNote, tile: dict) -> str:
    rows = f"{note.first_row}..{note.first_row + note.rows - 1}"
    place = f"{note.words}, {note.row}" if note.tensor else "-"
    slots = " ".join(f"{tile[f'slots[{n}].address']}:{tile[f'slots[{n}].rows']}" for n in range(SLOTS)
                     if tile[f"slots[{n}].rows"]) if note.opcode is Opcode.TILE else ""
    flags = "".join(f" {name}" for name in ("wait_load", "first", "last", "beside") if tile[name])
    return f"{note.address:6}  {note.opcode.name:8} {note.layer:32} {rows:12} {place:16} {slots}{flags}".rstrip()
