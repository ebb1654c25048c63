"""Netlists before and after places: what may differ, and that everything else is noticed."""

import pytest

from firelane.boards.flow.same_netlist import check_same_netlist
from firelane.compiler.support.errors import ConfigError
from tests.boards.place.placed import flip_flop, lut, write_placed

BEFORE = {
    "a": lut("X3/Y4/SLICEA.K0", 10, 11, 12, INITVAL="0110"),
    "bit": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K0", {"A": 10, "F": 20, "FCO": 21}),
    "next": ("TRELLIS_COMB", {"MODE": "CCU2"}, "X5/Y4/SLICEA.K1", {"A": 11, "FCI": 21}),
    "register": flip_flop("X3/Y4/SLICEA.FF0", 11, 10, SD="1"),
    "apart": flip_flop("X9/Y4/SLICEA.FF0", 12, 20, port="M", SD="0"),
}
FOLLOWER = lut("X9/Y4/SLICEA.K0", 330, 220, INITVAL="1010101010101010")


def renumbered(cells: dict) -> dict:
    """Nets have other numbers, cells other places."""
    return {name: (kind, parameters, "X1/Y1/SLICEA.K0", {port: 200 + net for port, net in nets.items()})
            for name, (kind, parameters, _, nets) in cells.items()}


def compare(tmp_path, after: dict):
    paths = []
    for folder, cells in (("before", BEFORE), ("after", after)):
        (tmp_path / folder).mkdir()
        paths.append(write_placed(tmp_path / folder, cells)[0])
    check_same_netlist(*paths)


def test_places_numbers_and_the_way_into_a_flip_flop_may_differ(tmp_path):
    after = renumbered(BEFORE)
    after["apart"] = flip_flop("X9/Y4/SLICEA.FF0", 212, 330, clock=201, SD="1")
    after["register"] = flip_flop("X8/Y4/SLICEA.FF0", 211, 210, port="M", clock=201, SD="0")
    compare(tmp_path, after | {"apart$behind": FOLLOWER})


def changed(name: str, *, parameters: dict | None = None, **nets) -> dict:
    kind, own, place, connections = renumbered(BEFORE)[name]
    return {name: (kind, own | (parameters or {}), place, connections | nets)}


@pytest.mark.parametrize("change, error", [
    (changed("a", A=212, B=211), "its port A leads elsewhere"),
    (changed("apart", M=211), "its port M leads elsewhere"),
    (changed("next", FCI=299), "next: its port FCI leads elsewhere"),
    (changed("bit", B=211), "bit: its port B leads elsewhere"),
    (changed("a", parameters={"INITVAL": "0111"}), "a: has changed from .*0110.* to .*0111"),
    ({"new": lut("X1/Y1/SLICEA.K0", 400, 211)}, "new: has come into the netlist, a TRELLIS_COMB"),
    ({"apart$behind": lut("X1/Y1/SLICEA.K0", 400, 211, INITVAL="0101010101010101")}, "has come into the netlist"),
    ({"apart$behind": lut("X1/Y1/SLICEA.K0", 330, 220, 211, INITVAL="1010101010101010")}, "has come into the netlist"),
])
def test_everything_else_is_an_error(tmp_path, change, error):
    with pytest.raises(ConfigError, match=error):
        compare(tmp_path, renumbered(BEFORE) | change)


def test_two_wires_in_one_are_an_error(tmp_path):
    after = renumbered(BEFORE)
    with pytest.raises(ConfigError, match="leads elsewhere"):
        compare(tmp_path, after | {"bit": (*after["bit"][:3], {"A": 210, "F": 211, "FCO": 221})})


def test_a_missing_cell_is_an_error(tmp_path):
    after = renumbered(BEFORE)
    del after["apart"]
    with pytest.raises(ConfigError, match="apart: has gone from the netlist, a TRELLIS_FF"):
        compare(tmp_path, after)
