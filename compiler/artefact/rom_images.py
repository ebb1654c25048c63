"""Memory images as text and bytes, for simulators and vendor tools.

    .hex    one word a line, for $readmemh
    .mem    the same with an address, as Lattice and AMD tools read it
    .bin    words as little-endian bytes
    .mif    Intel Memory Initialization File
    .coe    AMD coefficient file
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Words = Sequence[int]


def hex_lines(words: Words, bits: int) -> str:
    """The .hex file."""
    digits = -(-bits // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)


def mem_lines(words: Words, bits: int) -> str:
    """The .mem file."""
    return "@0\n" + hex_lines(words, bits)


def mif_lines(words: Words, bits: int) -> str:
    """The .mif file."""
    digits = -(-bits // 4)
    body = "".join(f"    {address:X} : {word:0{digits}X};\n" for address, word in enumerate(words))
    return (f"DEPTH = {len(words)};\nWIDTH = {bits};\nADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\n"
            f"CONTENT BEGIN\n{body}END;\n")


def coe_lines(words: Words, bits: int) -> str:
    """The .coe file."""
    digits = -(-bits // 4)
    body = ",\n".join(f"{word:0{digits}x}" for word in words)
    return f"memory_initialization_radix=16;\nmemory_initialization_vector=\n{body};\n"


def binary(words: Words, bits: int) -> bytes:
    """The .bin file."""
    width = -(-bits // 8)
    return b"".join(word.to_bytes(width, "little") for word in words)


TEXT_FORMATS: dict[str, Callable[[Words, int], str]] = {"hex": hex_lines, "mem": mem_lines, "mif": mif_lines,
                                                        "coe": coe_lines}


def rom_files(name: str, words: Words, bits: int) -> dict[str, bytes]:
    """The files of one memory by name, in every format. An empty memory gets one word of 0: no tool likes none."""
    words = words or (0,)
    files = {f"{name}.{suffix}": lines(words, bits).encode() for suffix, lines in TEXT_FORMATS.items()}
    return files | {f"{name}.bin": binary(words, bits)}
