"""What the four memories hold that the host fills: the whole of a compiled network, as the engine sees it."""

from dataclasses import dataclass, fields

from firelane.hw.contract.config import MEMORY_BITS, WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import RUN_ENTRY_BITS, Header
from firelane.hw.contract.registers import LoadTarget

Words = tuple[int, ...]

#: Bits of a word, and the number by which the load port knows the memory, by the names of `MemoryContents`.
WORD_BITS = {"program": MEMORY_BITS, "weights": MEMORY_BITS, "values": WEIGHT_BITS, "runs": RUN_ENTRY_BITS}
LOAD_TARGETS = {"program": LoadTarget.PROGRAM, "weights": LoadTarget.WEIGHT, "values": LoadTarget.VALUE,
                "runs": LoadTarget.RUN}


@dataclass(frozen=True)
class MemoryContents:
    """Words of each memory from address 0 on, as unsigned integers; any sequences of integers are taken.

    Parameters
    ----------
    program : words of `hw.contract.instruction`: header, instructions, descriptors
    weights : streams of weights and of requantization parameters
    values : value table, int8 as unsigned bytes
    runs : run table, `hw.contract.instruction.RUN_ENTRY` each

    Raises
    ------
    ValueError
        If a word does not fit its memory's.
    """

    program: Words = ()
    weights: Words = ()
    values: Words = ()
    runs: Words = ()

    def __post_init__(self) -> None:
        for name, bits in WORD_BITS.items():
            words = tuple(map(int, getattr(self, name)))
            if words and not 0 <= min(words) <= max(words) < 1 << bits:
                raise ValueError(f"{name} must be {bits}-bit words")
            object.__setattr__(self, name, words)

    @property
    def by_name(self) -> dict[str, Words]:
        """Words by the name of their memory, in the order of a load."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def word_count(self) -> int:
        """Words of all memories together."""
        return sum(map(len, self.by_name.values()))

    @property
    def config_digest(self) -> int:
        """`EngineConfig.digest` of the engine that the program was compiled for, from its header."""
        return self.program[Header.CONFIG_DIGEST]

    @property
    def program_digest(self) -> int:
        """The program's CRC, from its header; it covers those of the other memories and so names the whole model."""
        return self.program[Header.PROGRAM_CRC]


NOTHING = MemoryContents()


@dataclass(frozen=True)
class MemoryShape:
    """Size of one memory."""

    words: int
    bits: int


def memory_shapes(cfg: EngineConfig) -> dict[str, MemoryShape]:
    """Sizes of an engine's memories, by the names of `MemoryContents`."""
    words = {"program": cfg.program_words, "weights": cfg.weight_words, "values": cfg.value_symbols,
             "runs": cfg.run_symbols}
    return {name: MemoryShape(words[name], bits) for name, bits in WORD_BITS.items()}
