"""boards.flow.floorplan: the attributes in the netlist, and what is said where blocks do not fit."""

import json

import pytest

from firelane.boards.flow.floorplan import Search, fix_blocks
from firelane.boards.place.ecp5.block_sites import block_sites
from firelane.compiler.support.errors import ConfigError
from tests.boards.place.netlists import chains

DEVICE = block_sites("LFE5U-85F")


def written(tmp_path, module):
    path = tmp_path / "top.json"
    path.write_text(json.dumps({"modules": {"top": module}}))
    return path


def test_every_block_gets_a_site_and_nothing_else_changes(tmp_path):
    before = chains(5, 2)
    path = written(tmp_path, before)
    assert fix_blocks(path, DEVICE, search=Search(seeds=[1])) > 0
    after = json.loads(path.read_text())["modules"]["top"]["cells"]
    bels = {name: cell.pop("attributes")["BEL"] for name, cell in after.items() if "attributes" in cell}
    assert after == before["cells"]
    assert sorted(bels) == sorted(f"{kind}_{n}" for kind in ("ram", "mul") for n in range(5))
    for name, bel in bels.items():
        kind = {"ram": "DP16KD", "mul": "MULT18X18D"}[name[:3]]
        assert bel in {site.bel for site in DEVICE.sites[kind]}


def test_the_shortest_of_several_seeds(tmp_path):
    lengths = {seed: fix_blocks(written(tmp_path, chains(12, 3)), DEVICE, search=Search(seeds=[seed]))
               for seed in (1, 2, 3)}
    best = min(lengths, key=lengths.get)
    one = written(tmp_path, chains(12, 3))
    fix_blocks(one, DEVICE, search=Search(seeds=[best]))
    expected = one.read_text()
    assert fix_blocks(written(tmp_path, chains(12, 3)), DEVICE, search=Search(seeds=[1, 2, 3])) == lengths[best]
    assert one.read_text() == expected


def test_too_many_blocks(tmp_path):
    path = written(tmp_path, chains(157, 1))
    with pytest.raises(ConfigError, match="157 MULT18X18D, and 156 sites for them"):
        fix_blocks(path, DEVICE)
