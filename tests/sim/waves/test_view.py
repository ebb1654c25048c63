"""Waveforms of one instruction of a small network: which cycles they have, and what the viewer is told of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from firelane.hw.contract.instruction import Opcode
from firelane.sim.judge.trial import Trial
from firelane.sim.simulator.build import build
from firelane.sim.simulator.verilator import VERILOG
from firelane.sim.verilog.run import Outcome, TileTime
from firelane.sim.waves.enum_names import enum_names
from firelane.sim.waves.vcd_header import Wave, read_waves
from firelane.sim.waves.view import ENGINE, GROUPS, MODULE, write_view
from tests.simulators import random_network

BANKS = 1
NS_A_CYCLE = 2                  # of testbench.v


@dataclass(frozen=True)
class Shown:
    """Waveforms, and what is known of them."""

    tile: TileTime
    outcome: Outcome
    view: Path
    verilog: Path

    @property
    def waves(self) -> list[Wave]:
        return read_waves(self.outcome.waves)


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> Shown:
    """Two frames; waveforms of the last TILE of the first."""
    rng = np.random.default_rng(5)
    compiled = random_network(rng, BANKS, "tiny")
    simulator = build(compiled.cfg, waves=True, window=True)
    trial = Trial(compiled, simulator, tmp_path_factory.mktemp("waves"))
    address = [note.address for note in compiled.program.notes if note.opcode is Opcode.TILE][-1]
    images = rng.integers(0, 256, (2, *compiled.graph.tensors[compiled.graph.input].shape), dtype=np.uint8)
    outcome = trial.run(images, window=(address, address))
    tile = next(tile for tile in outcome.tiles if tile.pc == address)
    verilog = simulator.directory / VERILOG
    return Shown(tile, outcome, write_view(outcome.waves, verilog, compiled.cfg), verilog)


def times(file: Path) -> list[int]:
    return [int(line[1:]) for line in file.read_text().splitlines() if re.fullmatch(r"#\d+", line)]


def test_the_first_and_the_last_cycle(shown):
    """A cycle begins with its rising edge, an odd time, and ends at the even one behind it."""
    found = times(shown.outcome.waves)
    assert found[0] == NS_A_CYCLE * shown.tile.start - 1
    assert found[-1] == NS_A_CYCLE * shown.tile.done
    assert found == list(range(found[0], found[-1] + 1)), "the clock changes at every time"
    assert len(shown.outcome.results) == 2 and shown.outcome.cycles > 2 * len(found)


def test_only_signals_of_the_file_are_named(shown):
    there = {wave.full_name for wave in shown.waves}
    named = [line for line in shown.view.read_text().splitlines() if line.startswith("firelane_bench.")]
    assert len(named) > 100 and len(named) == len(set(named)) and set(named) <= there


def test_every_block_is_in_a_group_and_every_group_has_signals(shown):
    """Blocks of the engine that are new must be given a group."""
    depth = len(ENGINE) + 1
    blocks = {wave.scope[depth] for wave in shown.waves if wave.scope[:depth] == (*ENGINE, "engine")
              and len(wave.scope) > depth}
    assert blocks == {block for inside in GROUPS.values() for block in inside}
    lines = shown.view.read_text().splitlines()
    for title in ("bench", *GROUPS, "sequencer", "tap_path", "datapath", "loader"):
        begin, end = (number for number, line in enumerate(lines) if line == f"-{title}")
        assert any(line.startswith("firelane_bench.") for line in lines[begin:end]), title


def test_groups_are_closed_as_they_were_opened(shown):
    opened = []
    for flag, name in zip(*(iter(shown.view.read_text().splitlines()[k:]) for k in (0, 1)), strict=False):
        match flag:
            case "@800200" | "@c00200":
                opened.append((flag, name))
            case "@1000200" | "@1401200":
                begin, title = opened.pop()
                assert title == name and begin == {"@1000200": "@800200", "@1401200": "@c00200"}[flag]
    assert opened == []


def test_opcodes_and_states_have_names(shown):
    lines = shown.view.read_text().splitlines()
    translated = {lines[number + 2]: lines[number + 1].split()[1] for number, line in enumerate(lines)
                  if line == "@2022"}
    opcode, state = (next(file for name, file in translated.items() if re.search(pattern, name))
                     for pattern in (r"sequencer\.tile\.opcode", r"sequencer_state"))
    names = dict(line.split() for line in (shown.view.parent / opcode).read_text().splitlines())
    assert names == {f"{member.value:x}": member.name for member in Opcode}
    assert (shown.view.parent / state).read_text().splitlines()[0] == "0 IDLE"
    uses = [int(line[1:].split()[0]) for line in lines if line.startswith("^")]
    assert uses == list(range(1, len(translated) + 1))


def test_names_of_values_are_found_in_the_verilog(shown):
    """A check of the reader: the engine's error code, of which all values are known."""
    names = enum_names(shown.verilog)
    assert any(key[0] == MODULE and "BAD_IDENTITY" in found.values() for key, found in names.items())
