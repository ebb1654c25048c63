"""The register map: what a host reads and writes, by number. `hw.control.csr` is the hardware behind it.

Registers are 32 bits wide.
"""

from amaranth.lib import data, enum

from firelane.hw.contract.error_code import ErrorCode

CSR_ADDRESS_BITS = 8
CSR_BITS = 32


class Register(enum.IntEnum, shape=CSR_ADDRESS_BITS):
    """Register numbers."""

    IDENTITY = 0            #: read: MAGIC << 8 | FORMAT_VERSION
    CONFIG_DIGEST = 1       #: read: EngineConfig.digest
    CONTROL = 2             #: `CONTROL`
    STATUS = 3              #: read: `STATUS`
    ERROR = 4               #: read: `ERROR`
    FRAMES = 5              #: read: complete frames since reset; this and the counts below belong to complete frames
    FRAME_CYCLES = 6        #: read: cycles of the last frame, from its first instruction's fetch to its END
    TAPS = 7                #: read: taps of the last frame
    STALL_DECODER = 8       #: read: cycles in which the lanes waited for the weight decoder
    STALL_DRAIN = 9         #: read: cycles in which the lanes waited for the drain
    STALL_INPUT = 10        #: read: cycles in which an instruction waited for the image
    STALL_OUTPUT = 11       #: read: cycles in which m_axis was not ready for a result
    PROGRAM_DIGEST = 12     #: read: the program's CRC, which covers the CRCs of weights and tables; 0 until checked
    LOAD_ADDRESS = 16       #: write: `LOAD_ADDRESS`
    LOAD_HIGH = 17          #: write: bits 35..32 of the words to come
    LOAD_LOW = 18           #: write: bits 31..0; writes the word and moves to the next address


CONTROL = data.StructLayout({
    "run": 1,       #: compute frame after frame; cleared: the frame in hand is the last
    "reset": 1,     #: forget all state but the memories and `run`; clears itself
})
STATUS = data.StructLayout({
    "busy": 1,      #: a check or a frame (perhaps waiting for its image) is under way
    "idle": 1,      #: neither that nor stopped by an error
    "checked": 1,   #: the memories have been checked since they were last written
    "error": 1,     #: stopped; see ERROR
    "refused": 1,   #: a LOAD_LOW was ignored since reset: the engine was running, or the address does not exist
})
ERROR = data.StructLayout({
    "code": ErrorCode,
    "_0": 8,
    "pc": 16,       #: program word of the instruction
})


class LoadTarget(enum.Enum, shape=2):
    """Memories that the load port writes."""

    PROGRAM = 0
    WEIGHT = 1
    VALUE = 2       #: value table: int8, two's complement in 8 bits
    RUN = 3         #: run table: RUN_ENTRY


LOAD_ADDRESS = data.StructLayout({"address": 18, "_0": 10, "target": LoadTarget, "_1": 2})
