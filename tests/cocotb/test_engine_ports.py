"""Builds the bare engine and runs the cocotb tests of `engine_tests.py` in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from cocotb_tools.check_results import get_results

from firelane.compiler.frame_io.stream import stream_bytes
from firelane.sim import reference
from firelane.sim.simulator.build import build
from firelane.sim.simulator.verilator import SIMULATOR_SEED, Bench, PortsOnlyRunner, without
from firelane.sim.verilog.loading import load_script
from tests.cocotb.engine_tests import JOB_VARIABLE
from tests.networks import random_image
from tests.simulators import random_network

PORTS = Bench("firelane_engine", Path(__file__).with_name("ports.vlt"))
TESTS = 7
SEED = 12


def test_engine_ports(tmp_path):
    rng = np.random.default_rng(SEED)
    compiled = random_network(rng, 2, "tiny")
    images = np.stack([random_image(rng, compiled.graph) for _ in range(3)])
    job = tmp_path / "job.json"
    job.write_text(json.dumps({
        "script": load_script(compiled.program.contents), "digest": compiled.cfg.digest,
        "images": [stream_bytes(image).hex() for image in images],
        "expected": [compiled.result.pack(result).hex() for result in reference.run_batch(compiled.graph, images)]}))
    simulator = build(compiled.cfg, bench=PORTS)
    log, results = tmp_path / "simulator.log", tmp_path / "results.xml"
    with without("WAVES", "PYTEST_CURRENT_TEST"):
        PortsOnlyRunner().test(
            test_module="tests.cocotb.engine_tests", hdl_toplevel=PORTS.top, hdl_toplevel_lang="verilog",
            build_dir=simulator.directory, test_dir=tmp_path, seed=SIMULATOR_SEED, log_file=log,
            extra_env={JOB_VARIABLE: str(job)}, results_xml=str(results))
    assert get_results(results) == (TESTS, 0), log.read_text()
