"""Numbers of the host link's protocol, for the hardware and for hosts. `docs/host_link.md` says what they mean.

    frame   = FLAG, escaped(header, payload, CRC-32), FLAG
    header  = sequence, command, length of the payload (2 bytes)

All numbers are little-endian. Inside a frame FLAG and ESCAPE are sent as ESCAPE, byte ^ ESCAPE_XOR (RFC 1662).
"""

from amaranth.lib import data, enum

from firelane.hw.contract.registers import Register

VERSION = 1

FLAG, ESCAPE, ESCAPE_XOR = 0x7E, 0x7D, 0x20
CRC_BYTES = 4
HEADER = data.StructLayout({"sequence": 8, "command": 8, "length": 16})
HEADER_BYTES = HEADER.size // 8
PAYLOAD_BYTES = 2048        #: limit of a command's payload, and of a chunk of a result: one block RAM each
WORD_BYTES = 5              #: size of a memory word in LOAD_WORDS

ANSWER = 0x80               #: set in `command` of an answer


class Command(enum.IntEnum, shape=8):
    """What a host can ask for, with the arguments that its payload begins with, 4 bytes each."""

    IDENTIFY = 0x01
    REGISTERS = 0x02
    RESET = 0x03
    LOAD_BEGIN = 0x10       #: engine digest
    LOAD_WORDS = 0x11       #: LOAD_ADDRESS, then words
    LOAD_COMMIT = 0x12      #: program digest
    RUN = 0x20              #: bytes of the image, program digest
    IMAGE = 0x21            #: offset, then bytes
    RESULT = 0x22           #: offset


ARGUMENTS = {Command.IDENTIFY: 0, Command.REGISTERS: 0, Command.RESET: 0, Command.LOAD_BEGIN: 1, Command.LOAD_WORDS: 1,
             Command.LOAD_COMMIT: 1, Command.RUN: 2, Command.IMAGE: 1, Command.RESULT: 1}
ARGUMENT_BYTES = 4
WITH_DATA = (Command.LOAD_WORDS, Command.IMAGE)     #: something follows the arguments


class Status(enum.IntEnum, shape=8):
    """First byte of every answer's payload."""

    OK = 0
    BAD_CRC = 1             #: of a frame; the answer's sequence and command are 0
    BAD_LENGTH = 2          #: of a frame (sequence and command 0), or of a command's payload
    OVERSIZED = 3           #: sequence and command 0
    UNKNOWN_COMMAND = 4
    WRONG_ORDER = 5         #: not now, or not this offset
    NO_MODEL = 6            #: a load is not complete
    WRONG_MODEL = 7         #: the program in memory has another digest
    WRONG_ENGINE = 8        #: the engine has another digest
    ENGINE_ERROR = 9        #: see the ERROR register
    TIMEOUT = 10            #: the run was abandoned
    PENDING = 11            #: there is no result yet
    REFUSED = 12            #: the engine's load port refused a word: no such address


FRAME_ERRORS = (Status.BAD_CRC, Status.BAD_LENGTH, Status.OVERSIZED)

STATE = data.StructLayout({
    "loading": 1,           #: between LOAD_BEGIN and LOAD_COMMIT: there is no model
    "active": 1,            #: RUN was accepted, and the run was not abandoned
    "image_complete": 1,    #: every byte of its image has been taken
    "timed_out": 1,         #: the run was abandoned
})
"""State of the link itself; second byte of the answers to IDENTIFY and REGISTERS."""

REGISTERS_SHOWN = Register.PROGRAM_DIGEST + 1   #: registers 0 .. in these answers, 4 bytes each

RESULT_LAST = 1             #: in the second byte of the answer to RESULT: the result ends with this chunk
