"""The part of a frame of which waveforms are written: all of it, a layer, or one instruction of a layer."""

from __future__ import annotations

from firelane.compiler.program.emit import InstructionNote, Program
from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.near import hint
from firelane.hw.contract.instruction import Opcode
from firelane.sim.judge.layer_cycles import whole_name

ALL, FRAME = "all", "frame"         #: the whole run, loading included; the first frame
OPTION = "--waves"


def window_of(program: Program, text: str) -> tuple[int, int] | None:
    """Addresses of the first and the last instruction of a window; None for the whole run.

    Parameters
    ----------
    text : str
        ALL, FRAME, the name of a layer, or a layer and the number of one of its instructions, from 1, as "conv1:3". The
        frame is the first one.

    Raises
    ------
    ConfigError
        If there is no such layer, or not so many instructions.
    """
    if text == ALL:
        return None
    notes = [note for note in program.notes if note.opcode is not Opcode.END]
    if text != FRAME:
        notes = _of_layer(notes, text)
    return notes[0].address, notes[-1].address


def _of_layer(notes: list[InstructionNote], text: str) -> list[InstructionNote]:
    layers: dict[str, list[InstructionNote]] = {}
    for note in notes:
        layers.setdefault(whole_name(note.layer), []).append(note)
    name, _, number = (text, "", "") if text in layers else text.rpartition(":")
    if name not in layers:
        known = [ALL, FRAME, *layers]
        raise ConfigError(OPTION, f"{text}: no such layer", hint=hint(name or text, known))
    if not number:
        return layers[name]
    count = len(layers[name])
    if not number.isdecimal() or not 1 <= int(number) <= count:
        raise ConfigError(OPTION, f"{text}: {name} has {count} instructions", hint=f"{name}:1 to {name}:{count}")
    return [layers[name][int(number) - 1]]
