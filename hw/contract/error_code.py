"""Why an engine stopped, for the hardware that says it and the host that reads it."""

from amaranth.lib import enum


class ErrorCode(enum.IntEnum, shape=8):
    """The first thing that went wrong. When several go wrong in one cycle, the lowest number is reported."""

    NONE = 0
    BAD_IDENTITY = 1
    CONFIG_MISMATCH = 2
    BAD_LENGTH = 3
    PROGRAM_CRC = 4
    WEIGHT_CRC = 5
    TABLE_CRC = 6
    BAD_INSTRUCTION = 7
    PROGRAM_RANGE = 8
    ADDRESS_RANGE = 9
    BAD_CODE = 10
    WEIGHT_RANGE = 11
    PARAMETER_UNDERRUN = 12
    DRAIN_OVERRUN = 13
    IMAGE_SHORT = 14
    IMAGE_LONG = 15


_TEXT = {
    ErrorCode.NONE: "no error",
    ErrorCode.BAD_IDENTITY: "the program memory holds no Firelane program of this format version; load one",
    ErrorCode.CONFIG_MISMATCH: "the program was compiled for another engine configuration; compile it for this one",
    ErrorCode.BAD_LENGTH: "the program header names more words than a memory has, or too few",
    ErrorCode.PROGRAM_CRC: "the program memory is damaged (CRC); load it again",
    ErrorCode.WEIGHT_CRC: "the weight memory is damaged (CRC); load it again",
    ErrorCode.TABLE_CRC: "a symbol table is damaged (CRC); load both again",
    ErrorCode.BAD_INSTRUCTION: "an instruction or its layer descriptor has a field that is out of range",
    ErrorCode.PROGRAM_RANGE: "the instruction or its layer descriptor lies beyond the end of the program",
    ErrorCode.ADDRESS_RANGE: "an activation memory address is out of range",
    ErrorCode.BAD_CODE: "the weight streams hold a bit pattern that is no code",
    ErrorCode.WEIGHT_RANGE: "a weight stream runs past the end of the weight memory",
    ErrorCode.PARAMETER_UNDERRUN: "a channel's bias and multiplier came too late for its drain",
    ErrorCode.DRAIN_OVERRUN: "a channel was complete before the one before had been drained",
    ErrorCode.IMAGE_SHORT: "the image ended early (tlast before its last byte)",
    ErrorCode.IMAGE_LONG: "the image did not end with its last byte (no tlast)",
}
_HAS_PLACE = range(ErrorCode.BAD_INSTRUCTION, ErrorCode.IMAGE_LONG + 1)


def describe(code: int, pc: int = 0) -> str:
    """What a host tells its user about error `code` of the instruction at program word `pc`."""
    try:
        text = _TEXT[ErrorCode(code)]
    except ValueError:
        return f"unknown error code {code}"
    return f"{text} (instruction at program word {pc})" if code in _HAS_PLACE else text
