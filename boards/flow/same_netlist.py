"""Whether what nextpnr has routed is still what Yosys made.

Places are given to nextpnr in a netlist that `boards.place.ecp5.fixed_places` has written: carry chains are cut into
bits there, some flip-flops have LUTs of their own. So the netlist that was routed is compared with the one that
nextpnr itself made of Yosys' before: the same cells with the same parameters, and the same wires between the same pins.
"""

from __future__ import annotations

from pathlib import Path

from firelane.boards.place.ecp5.flip_flop_inputs import is_follower
from firelane.boards.place.netlist.placed_netlist import Cell, PlacedNetlist
from firelane.compiler.support.errors import ConfigError

_DATA = {"DI": "M"}         #: a flip-flop takes its data by either, according to what it stands behind
_OF_PLACE = frozenset({"SD"})           #: the parameter that says which
_HINT = "this is a mistake in Firelane or nextpnr: please report it, with the folder of the build"


def check_same_netlist(placed: Path, routed: Path) -> None:
    """Compare nextpnr's `--write` after placing Yosys' netlist with that after routing the one with places.

    Raises
    ------
    ConfigError
        If a cell is missing, new or changed, or a wire leads elsewhere.
    """
    before, after = ({cell.name: cell for cell in PlacedNetlist(path).cells} for path in (placed, routed))
    followed = {}
    for name in sorted(after.keys() - before.keys()):
        if not is_follower(after[name]):
            raise ConfigError(name, f"has come into the netlist, a {after[name].type}", hint=_HINT)
        followed[after[name].nets["F"]] = after[name].nets["A"]
    forward: dict[int, int] = {}
    backward: dict[int, int] = {}
    for name, one in before.items():
        other = after.get(name)
        if other is None:
            raise ConfigError(name, f"has gone from the netlist, a {one.type}", hint=_HINT)
        if (one.type, _parameters(one)) != (other.type, _parameters(other)):
            raise ConfigError(name, f"has changed from {one.type} {_parameters(one)} to {other.type} "
                                    f"{_parameters(other)}", hint=_HINT)
        ports, others = _nets(one, {}), _nets(other, followed)
        for port in sorted(ports.keys() | others.keys()):
            net, there = ports.get(port), others.get(port)
            if net is None or there is None or (forward.setdefault(net, there), backward.setdefault(there, net)) != (
                    there, net):
                raise ConfigError(name, f"its port {port} leads elsewhere", hint=_HINT)


def _parameters(cell: Cell) -> dict[str, str]:
    return {key: value for key, value in cell.parameters.items() if key not in _OF_PLACE}


def _nets(cell: Cell, followed: dict[int, int]) -> dict[str, int]:
    return {_DATA.get(port, port): followed.get(net, net) for port, net in cell.nets.items()}
