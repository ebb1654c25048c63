"""NumPy models of what the data path does to a word of all banks, by way of the map rows that are in it."""

import numpy as np

UP, DOWN = 1, 2         # RowMove


def to_map(words: np.ndarray, k: int) -> np.ndarray:
    """(banks, 14) in memory order -> (rows, columns) of row class k."""
    banks = len(words)
    parts = 1 << k
    return words.reshape(parts, banks // parts, 14).transpose(1, 0, 2).reshape(banks // parts, 14 * parts)


def to_words(rows: np.ndarray, k: int) -> np.ndarray:
    """The inverse of `to_map`."""
    parts = 1 << k
    return rows.reshape(-1, parts, 14).transpose(1, 0, 2).reshape(-1, 14)


def mask_edges(words, k: int, columns: int, row_valid, pad: int):
    """Rows whose bank is not valid and columns from `columns` on read as `pad`."""
    visible = np.zeros((len(words) >> k, 14 << k), bool)
    visible[:, :columns] = True
    return np.where(to_words(visible, k) & np.asarray(row_valid, bool)[:, None], words, pad)


def move_rows(words, k: int, move: int):
    step = {UP: 1, DOWN: -1}.get(int(move), 0)
    return to_words(np.roll(to_map(words, k), step, axis=0), k)


def move_columns(words, k: int, move: int, pad: int):
    rows = to_map(words, k)
    wide = np.pad(rows, ((0, 0), (3, 3)), constant_values=pad)
    return to_words(wide[:, 3 + move:3 + move + rows.shape[1]], k)


def requantize(sums, bias, multiplier, shift, zero_point, low, high):
    """Exact, in Python integers; `sums` of any shape."""
    def one(value):
        y = ((int(value) + int(bias)) * int(multiplier) + (1 << (int(shift) - 1)) >> int(shift)) + int(zero_point)
        return min(max(y, int(low)), int(high))
    return np.vectorize(one, otypes=[np.int64])(sums)


def merge_blocks(pixels, k: int):
    """(banks, 14) -> the same, each the largest of its two columns, and of its two rows if there are more than one."""
    rows = to_map(pixels, k)
    high = 2 if len(rows) > 1 else 1
    blocks = rows.reshape(len(rows) // high, high, -1, 2).max(axis=(1, 3))
    return to_words(blocks.repeat(high, axis=0).repeat(2, axis=1), k)


def output_rows(pixels, k: int, subsample: bool, row_phase: int, column_phase: int):
    """(banks, 14) requantized -> the rows and columns that are kept."""
    rows = to_map(pixels, k)
    if subsample:
        rows = rows[row_phase::2] if len(rows) > 1 else rows
        rows = rows[:, column_phase::2]
    return rows


def write_rows(memory, rows, address: int, row: int, count: int, out_k: int):
    """Write up to `count` rows into word `address` of `memory` (banks, words, 14) from row `row` on."""
    banks = len(memory)
    for i, line in enumerate(rows[:count]):
        for part in range(min(1 << out_k, -(-len(line) // 14))):
            piece = line[14 * part:14 * part + 14]
            memory[row + i + part * (banks >> out_k), address, :len(piece)] = piece


def pack(pixels) -> int:
    """Pixels as one integer, first pixel lowest."""
    return int.from_bytes(bytes(int(p) for p in np.asarray(pixels).ravel()), "little")


def unpack(value: int, count: int) -> np.ndarray:
    return np.frombuffer(value.to_bytes(count, "little"), np.uint8).astype(np.int64)
