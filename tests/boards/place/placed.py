"""Placed netlists as nextpnr writes them, with delays, for the tests of refinement."""

import json
from pathlib import Path
from random import Random

OUTPUTS = ("Q", "F", "OFX", "FCO", "P0", "DOB0", "CLKO", *(f"WDO{n}" for n in range(4)),
           *(f"WADO{n}" for n in range(4)))
CELL_DELAYS = {"TRELLIS_COMB": 236, "TRELLIS_FF": 525}
WIRE_WITHIN_A_TILE = 480


def scattered(source: Random, tiles: range, count: int) -> list[tuple[int, int, int, str]]:
    """(x, y, LUT, "X3/Y4/SLICEA") of `count` different places in a square of tiles."""
    places = source.sample([(x, y, n) for x in tiles for y in tiles for n in range(8)], count)
    return [(x, y, n, f"X{x}/Y{y}/SLICE{'ABCD'[n // 2]}") for x, y, n in places]


def lut(place: str, output: int, *inputs: int, **parameters: str):
    """A LUT on the BEL `place` (X3/Y4/SLICEA.K0)."""
    return "TRELLIS_COMB", parameters, place, {"F": output, **dict(zip("ABCD", inputs))}


def flip_flop(place: str, output: int, data: int, *, port: str = "DI", clock: int = 1, **more):
    """A flip-flop; `CE` and `LSR` are nets, all else is a parameter."""
    nets = {port: more.pop(port) for port in ("CE", "LSR") if port in more}
    return "TRELLIS_FF", more, place, {"Q": output, port: data, "CLK": clock, **nets}


def distributed_ram(name: str, tile: str, *, first: int):
    """A RAM of nextpnr's cells; of its nets, `first` + 1 to 4 is the write address, + 11 the data, + 21 the read
    address, + 31 the output, and those from + 50 on are between its cells."""
    writer = {f"WADO{bit}": first + 50 + bit for bit in range(4)} | {f"WDO{bit}": first + 54 + bit for bit in range(4)}
    writer |= dict(zip(("D0", "B0", "C0", "A0", "C1", "A1", "D1", "B1"),
                       (first + n for n in (1, 2, 3, 4, 11, 12, 13, 14))))
    luts = {f"{name}$DPRAM_COMB{bit}": (
        "TRELLIS_COMB", {"MODE": "DPRAM"}, f"{tile}/SLICE{'AB'[bit // 2]}.K{bit % 2}",
        dict(zip("DBCA", range(first + 21, first + 25))) | {"F": first + 31 + bit, "WCK": 1, "WRE": 2}
        | {"WD": first + 54 + bit} | {f"WAD{n}": first + 50 + n for n in range(4)}) for bit in range(4)}
    taken = {f"{name}$RAMW_BLOCK{n}": ("TRELLIS_COMB", {"MODE": "RAMW_BLOCK"}, f"{tile}/SLICEC.K{n}", {})
             for n in range(2)}
    return luts | taken | {f"{name}$RAMW_SLICE": ("TRELLIS_RAMW", {}, f"{tile}/SLICEC.RAMW", writer)}


def write_placed(folder: Path, cells: dict[str, tuple]) -> tuple[Path, Path]:
    """JSON and SDF of cells name -> (type, parameters, BEL, {port: net})."""
    written = {name: {
        "type": kind, "parameters": {key: f"{value} " for key, value in parameters.items()},
        "attributes": {"NEXTPNR_BEL": place} if place else {},
        "port_directions": {port: "output" if port in OUTPUTS else "input" for port in nets},
        "connections": {**{port: [net] for port, net in nets.items()}, "OPEN": []},
    } for name, (kind, parameters, place, nets) in cells.items()}
    for cell in written.values():
        cell["port_directions"]["OPEN"] = "input"
    netlist, delays = folder / "placed.json", folder / "placed.sdf"
    netlist.write_text(json.dumps({"modules": {"top": {"cells": written}}}))
    delays.write_text("\n".join(_sdf(cells)))
    return netlist, delays


def _sdf(cells: dict[str, tuple]):
    yield f"        (INTERCONNECT a/F b/A ({WIRE_WITHIN_A_TILE}:{WIRE_WITHIN_A_TILE}:{WIRE_WITHIN_A_TILE}) (0:0:0))"
    yield "        (INTERCONNECT a/F b/DI (0:0:0) (0:0:0))"
    for name, (kind, _, _, nets) in cells.items():
        delay = CELL_DELAYS.get(kind)
        if delay is None:
            continue
        yield "    (INSTANCE " + name.replace("[", "\\[").replace("]", "\\]") + ")"
        output = next((port for port in nets if port in OUTPUTS), "F")
        inputs = ["CLK"] if kind == "TRELLIS_FF" else [port for port in nets if port not in OUTPUTS]
        for port in inputs:
            yield f"        (IOPATH {port} {output} ({delay - 100}:{delay - 50}:{delay}) (0:0:0))"
        if kind == "TRELLIS_FF":
            for port in set(nets) - {"Q", "CLK"}:
                setup = 424 if port == "LSR" else 0
                yield f"      (SETUPHOLD (posedge {port}) (posedge CLK) ({setup}:{setup}:{setup}) (0:0:0))"
