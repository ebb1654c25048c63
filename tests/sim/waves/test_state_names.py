"""States of the engine's machines are those of its sources."""

from __future__ import annotations

import re
from pathlib import Path

import firelane.hw.control.fetch
import firelane.hw.control.sequencer
from firelane.hw.contract.config import EngineConfig
from firelane.sim.waves.state_names import state_names


def test_the_engine_has_such_machines():
    found = state_names(EngineConfig(banks=1, trace=True))
    assert {path[-1] for path in found} == {"sequencer_state", "integrity_state", "fetch_state", "walk_state"}
    for path, module in ((("sequencer", "sequencer_state"), firelane.hw.control.sequencer),
                         (("sequencer", "fetch", "fetch_state"), firelane.hw.control.fetch)):
        written = re.findall(r'm\.State\("(\w+)"\)', Path(module.__file__).read_text())
        assert sorted(found[path].values()) == sorted(written) and found[path][0] == written[0]
        assert sorted(found[path]) == list(range(len(written)))
