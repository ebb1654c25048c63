"""The cocotb test that runs inside the simulator: it sleeps in C++ and wakes at frame boundaries, or now and then.

Clock, streams and logs are in testbench.v. Each time `wakeups` changes, it is told how far the simulation is, as a line
of the file `progress`: frames done, cycles. The end is judged, written to outcome.json, and fails the test if it is not
the one that the stimulus expects.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import cocotb
from cocotb.triggers import ValueChange

STIMULUS_VARIABLE = "FIRELANE_STIMULUS"
VERDICTS = ("complete", "engine error", "timed out", "result stream unstable")


class ResultReader:
    """Frames from the results file, which grows while the simulation runs.

    Parameters
    ----------
    path : Path
        Two hexadecimal digits and a newline for each byte, flushed at the end of each frame.
    """

    def __init__(self, path: Path):
        self._path = path
        self._offset = 0

    def take(self) -> bytes:
        """What was written since the last call."""
        with self._path.open("rb") as source:
            source.seek(self._offset)
            text = source.read()
        self._offset += len(text)
        return bytes.fromhex(text.decode())


@cocotb.test()
async def frames_give_the_expected_results(dut):
    stimulus = json.loads(Path(os.environ[STIMULUS_VARIABLE]).read_text())
    directory = Path(stimulus["directory"])
    expected = [bytes.fromhex(text) for text in stimulus["expected"]]
    reader = ResultReader(directory / "results")
    results: list[bytes] = []
    started = time.perf_counter()
    with (directory / "progress").open("w", buffering=1) as progress:       # a line at a time
        while not dut.finished.value:
            await ValueChange(dut.wakeups)
            # A frame ends before Python wakes for it and the next one takes long: what is new belongs to one frame.
            if int(dut.frames_done.value) > len(results):
                results.append(reader.take())
            progress.write(f"{len(results)} {int(dut.cycle.value)}\n")
    verdict = int(dut.verdict.value)
    (directory / "outcome.json").write_text(json.dumps({
        "verdict": verdict, "results": [result.hex() for result in results], "cycles": int(dut.cycle.value),
        "seconds": time.perf_counter() - started}))
    assert verdict == stimulus["verdict"], f"ended as '{VERDICTS[verdict]}', not '{VERDICTS[stimulus['verdict']]}'"
    different = [index for index, result in enumerate(results) if expected and result != expected[index]]
    assert not different, f"frames {different} differ from what is expected"
