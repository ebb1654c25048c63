"""Put registers behind block RAMs into the block RAMs, which Yosys leaves outside.

An ECP5 block RAM takes 5.8 ns from clock to output (speed grade 6), and 1.0 with its own output register, which costs
no cells. Where plain flip-flops are all that reads a port, they are that register.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from firelane.boards.place.netlist.placed_netlist import FLIP_FLOP_CELL

BLOCK_RAM = "DP16KD"
PORTS = ("A", "B")
PORT_BITS = 18
_PLAIN = {"CEMUX": "1", "CLKMUX": "CLK", "REGSET": "RESET"}     #: of a flip-flop without an enable

_Cell = dict[str, Any]


def use_output_registers(netlist: Path) -> int:
    """Let block RAMs of Yosys' JSON have as output registers the flip-flops that are; returns how many ports do."""
    document = json.loads(netlist.read_text())
    module = document["modules"]["top"]
    cells, readers = module["cells"], _count_readers(module)
    behind = {cell["connections"]["DI"][0]: name for name, cell in cells.items() if _is_plain(cell)}
    blocks = [cell for cell in cells.values() if cell["type"] == BLOCK_RAM]
    taken = [_take_over(cells, block, port, readers, behind) for block in blocks for port in PORTS]
    netlist.write_text(json.dumps(document))
    return sum(taken)


def _count_readers(module: dict[str, Any]) -> Counter[int]:
    """How many cells and pins read each wire."""
    readers = Counter(bit for cell in module["cells"].values() for port, bits in cell["connections"].items()
                      if cell["port_directions"][port] != "output" for bit in bits)
    readers.update(bit for port in module["ports"].values() if port["direction"] != "input" for bit in port["bits"])
    return readers


def _is_plain(cell: _Cell) -> bool:
    """Whether it is a flip-flop that takes its input in every cycle, and need not stay."""
    return (cell["type"] == FLIP_FLOP_CELL and cell["connections"].get("LSR", ["0"]) == ["0"]
            and not int(cell["attributes"].get("keep", "0"), 2)
            and all(cell["parameters"].get(name, value).strip() == value for name, value in _PLAIN.items()))


def _take_over(cells: dict[str, _Cell], block: _Cell, port: str, readers: Counter[int], behind: dict[int, str]) -> bool:
    """Make one port registered, if a flip-flop of the same clock is all that reads each bit of it that is read."""
    ports, parameters = block["connections"], block["parameters"]
    outputs = {name: ports[name][0] for name in (f"DO{port}{n}" for n in range(PORT_BITS)) if name in ports}
    read = {name: bit for name, bit in outputs.items() if readers[bit]}
    runs_always = (ports[f"CE{port}"], ports[f"OCE{port}"], ports[f"RST{port}"]) == (["1"], ["1"], ["0"])
    if not read or not runs_always or (parameters[f"REGMODE_{port}"], parameters[f"CLK{port}MUX"]) != (
            "NOREG", f"CLK{port}"):
        return False
    if any(readers[bit] != 1 or bit not in behind or cells[behind[bit]]["connections"]["CLK"] != ports[f"CLK{port}"]
           for bit in read.values()):
        return False
    parameters[f"REGMODE_{port}"] = "OUTREG"
    for name, bit in read.items():
        ports[name] = cells.pop(behind[bit])["connections"]["Q"]
    return True
