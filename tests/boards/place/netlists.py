"""Netlists in Yosys' JSON for the tests of placement."""


def module(cells: dict[str, tuple[str, list[int]]]) -> dict:
    """A module of cells name -> (type, nets on its pins)."""
    return {"ports": {}, "cells": {name: {"type": kind, "connections": {f"P{n}": [net] for n, net in enumerate(nets)}}
                                   for name, (kind, nets) in cells.items()}}


def chains(count: int, length: int) -> dict:
    """`count` separate chains: a block RAM, `length` LUTs, a multiplier; each tied to the chain before by one net."""
    cells = {}
    for chain in range(count):
        first = chain * (length + 3)
        tie = [first - 1] if chain else []
        cells[f"ram_{chain}"] = ("DP16KD", [first, *tie])
        for n in range(length):
            cells[f"lut_{chain}_{n}"] = ("LUT4", [first + n, first + n + 1])
        cells[f"mul_{chain}"] = ("MULT18X18D", [first + length, first + length + 2])
    return module(cells)
