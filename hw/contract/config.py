"""What an engine is: the one record that compiler, emulator, hardware and boards share."""

import json
import zlib
from dataclasses import asdict, dataclass

BANK_PIXELS = 14        #: pixels of one bank word; SqueezeNet's maps are 14 * 2**k - 1 wide (13, 27, 55, 111)
PIXEL_BITS = 8
WEIGHT_BITS = 8         #: signed
MEMORY_BITS = 36        #: word of the weight and program memories: an ECP5 block RAM with its parity bits
MAX_BANKS = 16
MAX_ACTIVATION_WORDS = 4096
MAX_KERNEL_TAPS = 64    #: places in a kernel table
MAX_COLUMNS = 3         #: that a tap may reach to the left or to the right of its lane
MAX_CODE_BITS = 8       #: longest prefix code of a weight stream
MULTIPLIER_BITS = 16
SHIFT_BITS = 6
MIN_DRAIN_CYCLES = 8    #: least distance between two output channels
MIN_BLOCK_CYCLES = 4    #: and where lanes are merged by blocks, whose parameters are constant
CODE_CHUNK_BITS = 9         #: a word of codes is used in quarters: more than a code a cycle, few enough to point into
CODE_CHUNKS_AHEAD = 3       #: a code may begin in the first and end in the second, and leave both
PARAMETER_CHUNK_BITS = 9    #: a parameter record is read in pieces of this size


def bits_for(count: int) -> int:
    """Bits that hold 0 .. count - 1 (at least one)."""
    return max(1, (count - 1).bit_length())


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be an integer from {low} to {high}, not {value!r}")


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Sizes of one engine. Everything else about it follows from these.

    Raises
    ------
    ValueError
        If a size is out of range.
    """

    banks: int = 8                  #: banks of activation memory, a power of two; 14 multipliers each
    activation_words: int = 1024    #: words of each bank (one word: 14 pixels)
    weight_words: int = 8192        #: 36-bit words of compressed weights and per-channel parameters
    program_words: int = 2048       #: 36-bit words of instructions and layer descriptors
    value_symbols: int = 2048       #: entries of the table from value symbol to int8 weight
    run_symbols: int = 1024         #: entries of the table from run symbol to step
    accumulator_bits: int = 24      #: signed accumulator of a lane; also the width of a bias
    average_channels: int = 1024    #: channels that a global average can hold
    average_bits: int = 18          #: unsigned sum of one channel of a global average
    columns_left: int = MAX_COLUMNS     #: how far a tap may reach to the left of its lane
    columns_right: int = MAX_COLUMNS    #: and to the right; each column costs multiplexers, on the most crowded wires
    taps_per_cycle: int = 1         #: non-zero weights that all lanes multiply in a cycle, 1 or 2
    logic_lanes: int = 0            #: lanes whose multipliers are made of LUTs, for devices with few multipliers
    trace: bool = False             #: ports that show every activation write (simulation only)

    def __post_init__(self):
        if self.banks not in (1, 2, 4, 8, 16):
            raise ValueError(f"banks must be 1, 2, 4, 8 or 16, not {self.banks!r}")
        _check_range("activation_words", self.activation_words, 16, MAX_ACTIVATION_WORDS)
        _check_range("weight_words", self.weight_words, 16, 1 << 18)
        _check_range("program_words", self.program_words, 32, 1 << 14)
        _check_range("value_symbols", self.value_symbols, 16, 1 << 12)
        _check_range("run_symbols", self.run_symbols, 16, 1 << 12)
        _check_range("accumulator_bits", self.accumulator_bits, 18, 32)
        _check_range("average_channels", self.average_channels, 1, 2047)
        _check_range("columns_left", self.columns_left, 1, MAX_COLUMNS)
        _check_range("columns_right", self.columns_right, 1, MAX_COLUMNS)
        _check_range("taps_per_cycle", self.taps_per_cycle, 1, 2)
        _check_range("logic_lanes", self.logic_lanes, 0, self.lanes)
        _check_range("average_bits", self.average_bits, 8, self.accumulator_bits - 1)

    @property
    def lanes(self) -> int:
        """Pixels of a memory word over all banks; each has an accumulator and `taps_per_cycle` multipliers."""
        return self.banks * BANK_PIXELS

    @property
    def multipliers(self) -> int:
        """Multiplications a cycle."""
        return self.lanes * self.taps_per_cycle

    @property
    def classes(self) -> int:
        """Row classes: a row takes 14 * 2**k pixels, k = 0 .. classes - 1."""
        return self.banks.bit_length()

    @property
    def column_moves(self) -> range:
        """Columns that a lane may see, relative to its own."""
        return range(-self.columns_left, self.columns_right + 1)

    @property
    def address_bits(self) -> int:
        return bits_for(self.activation_words)

    @property
    def rows_bits(self) -> int:
        """Bits of a number of rows, 0 .. banks."""
        return bits_for(self.banks + 1)

    @property
    def drain_cycles(self) -> int:
        """Least cycles from one output channel to the next: a bank a cycle, at least MIN_DRAIN_CYCLES."""
        return max(self.banks, MIN_DRAIN_CYCLES)

    @property
    def merges_blocks(self) -> bool:
        """Whether the drain takes two banks a cycle and merges their pixels, see `hw.contract.instruction`."""
        return self.taps_per_cycle == 2 and self.banks > 1

    @property
    def block_cycles(self) -> int:
        """Least cycles from one output channel to the next where lanes are merged by blocks."""
        return max(self.banks // 2, MIN_BLOCK_CYCLES)

    @property
    def parameter_chunks(self) -> int:
        """Pieces of PARAMETER_CHUNK_BITS that make a full record; the multiplier's highest bit, a 1, is not stored."""
        record = self.accumulator_bits + MULTIPLIER_BITS - 1 + SHIFT_BITS
        return -(-record // PARAMETER_CHUNK_BITS)

    @property
    def digest(self) -> int:
        """32 bits that a program carries, so that an engine refuses programs made for another one."""
        fields = asdict(self)
        for cosmetic in ("logic_lanes", "trace"):
            del fields[cosmetic]
        if self.taps_per_cycle == 1:
            del fields["taps_per_cycle"]        # what was compiled before there was a choice stays good
        if self.merges_blocks:
            fields["merges_blocks"] = True      # engines of two taps that were built before it do not
        return zlib.crc32(json.dumps(fields, sort_keys=True).encode())
