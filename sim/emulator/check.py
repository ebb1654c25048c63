"""The checks of instructions that `hw/control/instruction_check.py` makes, and those of addresses."""

from __future__ import annotations

from firelane.hw.contract.config import BANK_PIXELS, MAX_KERNEL_TAPS, EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import (
    Destination,
    Opcode,
    Operation,
    ParameterForm,
    Source,
    makes_blocks,
)
from firelane.sim.emulator.decode import DescriptorFields, Instruction, KernelPlace
from firelane.sim.emulator.faults import EngineError

SHIFT_MIN, SHIFT_MAX = 1, 40


def check_instruction(instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> None:
    """Raise EngineError BAD_INSTRUCTION if a field is out of range for the opcode."""
    rules = {Opcode.TILE: _tile_rules, Opcode.LOAD: _load_rules, Opcode.AVERAGE: _average_rules,
             Opcode.OUTPUT: _output_rules}[instruction.opcode]
    for name, broken in rules(instruction, fields, cfg).items():
        if broken:
            raise EngineError(ErrorCode.BAD_INSTRUCTION, instruction.pc, f"{instruction.opcode.name}: {name}")


def check_kernel(kernel: tuple[KernelPlace, ...], cfg: EngineConfig, pc: int) -> None:
    """Raise EngineError BAD_INSTRUCTION if a place moves columns further than the engine does."""
    moves = {place.column_move for place in kernel} - set(cfg.column_moves)
    if moves:
        raise EngineError(ErrorCode.BAD_INSTRUCTION, pc, f"a column move of {max(moves, key=abs)}, of "
                                                         f"{cfg.column_moves[0]} .. {cfg.column_moves[-1]}")


def check_words(address: int, words: int, cfg: EngineConfig, pc: int, what: str) -> None:
    """Raise EngineError ADDRESS_RANGE unless `words` words from `address` on exist."""
    if address + words > cfg.activation_words:
        raise EngineError(ErrorCode.ADDRESS_RANGE, pc, f"{what}: words {address} .. {address + words - 1} of "
                                                       f"{cfg.activation_words}")


def _pixels(parts_log2: int) -> int:
    return BANK_PIXELS << parts_log2


def _class_rules(fields: DescriptorFields, cfg: EngineConfig) -> dict[str, bool]:
    return {"no such row class": cfg.banks >> fields.parts_log2 == 0,
            "the map has no columns": fields.columns == 0,
            "the map is wider than its row class": fields.columns > _pixels(fields.parts_log2)}


def _parameter_rules(instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> dict[str, bool]:
    return {"no output channels": fields.channels_out == 0,
            "shift out of range": (fields.parameters is not ParameterForm.FULL
                                   and not SHIFT_MIN <= fields.shift <= SHIFT_MAX)}


def _average_rules(instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> dict[str, bool]:
    return {**_parameter_rules(instruction, fields, cfg),
            "parameters of each channel, but an AVERAGE takes the layer's":
                fields.parameters is not ParameterForm.CONSTANT}


def _tile_rules(instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> dict[str, bool]:
    rows_out = cfg.banks >> fields.out_parts_log2
    memory = fields.destination is Destination.MEMORY
    return {**_parameter_rules(instruction, fields, cfg), **_class_rules(fields, cfg),
            "kernel places out of range": not 1 <= fields.kernel_taps <= MAX_KERNEL_TAPS,
            "the result has no columns": fields.out_columns == 0,
            "no channels in a group": fields.source is Source.STREAM and 0 in (fields.channels_in,
                                                                               fields.group_channels),
            "the result is wider than its row class": memory and fields.out_columns > _pixels(fields.out_parts_log2),
            "no such row class of the result": memory and rows_out == 0,
            "result rows behind the word": memory and instruction.row + instruction.rows > rows_out,
            "blocks of lanes that cannot be merged": (cfg.taps_per_cycle == 2 and bool(makes_blocks(fields))
                                                      and not _can_merge_blocks(fields, cfg))}


def _can_merge_blocks(fields: DescriptorFields, cfg: EngineConfig) -> bool:
    return (cfg.merges_blocks and fields.operation is Operation.MAXIMUM and bool(fields.subsample)
            and not fields.row_phase and not fields.column_phase and fields.destination is Destination.MEMORY
            and fields.parameters is ParameterForm.CONSTANT)


def _load_rules(instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> dict[str, bool]:
    rows, map_rows, split = cfg.banks >> fields.parts_log2, instruction.slots[0].rows, fields.space_to_depth
    return {"no such row class": rows == 0, "no channels": fields.channels_in == 0,
            "no columns": fields.image_columns == 0,
            "the image is wider than its row class": fields.image_columns > _pixels(fields.parts_log2) << split,
            "no rows": map_rows == 0, "rows behind the word": instruction.row + map_rows > rows,
            "more image rows than map rows": instruction.rows > map_rows << split,
            "nothing arrives, but the image ends": bool(instruction.last) and instruction.rows == 0}


def _output_rules(instruction: Instruction, fields: DescriptorFields, cfg: EngineConfig) -> dict[str, bool]:
    map_rows = instruction.slots[0].rows
    return {**_class_rules(fields, cfg), "no channels": fields.channels_out == 0, "no rows": map_rows == 0,
            "rows behind the word": instruction.row + map_rows > cfg.banks >> fields.parts_log2}
