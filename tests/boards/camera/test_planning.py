# amaranth: UnusedElaboratable=no
"""How a camera is set for an engine; the top level with its pins; what another model must have to be patched in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from firelane.boards import get_board
from firelane.boards.camera import SENSORS, get_sensor
from firelane.boards.camera.planning import camera_rate, plan_camera
from firelane.boards.camera.record import CAMERA_FILE, check_camera, has_camera, record
from firelane.boards.camera_header import SIGNALS
from firelane.boards.top.board_design import camera_design
from firelane.compiler.artefact.reader import read_model
from firelane.compiler.compile import compile_model
from firelane.compiler.fit.camera_rows import RowTimes, camera_frame
from firelane.compiler.frame_io.camera import camera_input
from firelane.compiler.frame_io.preprocessing import stored_input
from firelane.compiler.schedule.cost_model import frame_cost
from firelane.compiler.support.errors import CapacityError, ConfigError, FirelaneError
from firelane.hw.contract.camera import CameraInput
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.memory_contents import NOTHING
from firelane.models.catalogue import model_file
from tests.boards.host.digits import compiled_folder
from tests.hw.test_engine import SIZES

ROOT = Path(__file__).parents[3]
BOARD = get_board("ulx3s_25f")
OV7670 = get_sensor("ov7670")


@pytest.fixture(scope="module")
def compiled():
    return compile_model(model_file("digits"), BOARD.engine)


def rate_of(compiled, sensor=OV7670, queue_bytes=2048, clock_hz=75e6, wanted=None, bit_cycles=25):
    return camera_rate("digits", partial(camera_frame, compiled), sensor, wanted or camera_input(compiled.graph),
                       clock_hz=clock_hz, bit_cycles=bit_cycles, queue_bytes=queue_bytes)


def test_a_camera_as_fast_as_it_can_be_where_the_engine_follows(compiled):
    planned = plan_camera(BOARD, compiled, OV7670)
    rate = planned.rate
    assert (rate.clock_divider, rate.divider, rate.dummy_lines) == (4, 1, 0)
    assert rate.frames_per_second == pytest.approx(75e6 / 4 / (784 * 2 * 510))
    assert rate.limit == "the camera" and "23.4 pictures/s, each of them answered; limited by the cam" in str(planned)
    assert "one of 4 x 4 pixels" in str(planned)
    assert planned.plan.wanted == CameraInput(width=56, height=56, order=planned.plan.wanted.order,
                                              tables=planned.plan.wanted.tables)


def fast_sensor(periods: int, lines: int = 240):
    """A camera whose lines come every so many periods, with next to nothing between frames."""
    return replace(OV7670, byte_periods=1, line_periods=periods, frame_periods=periods * (lines + 2), tail_periods=0,
                   dummy_periods=periods)


@pytest.mark.parametrize("periods", [700, 1400])
def test_dummy_lines_give_the_engine_its_time(compiled, periods):
    """With them every frame is answered: the engine's end, and the line about it, come before the next frame's rows."""
    rate = rate_of(compiled, fast_sensor(periods))
    period = rate.clock_divider * rate.divider
    assert rate.frame_cycles == (242 + rate.dummy_lines) * periods * period
    assert rate.engine_cycles + 160 * 10 * 25 <= rate.frame_cycles
    assert rate.dummy_lines == 0 or rate.engine_cycles + 160 * 10 * 25 + 3 * periods * period > rate.frame_cycles


def test_a_queue_without_room_makes_the_camera_slower(compiled):
    """Of a camera whose every line is a row, faster than the engine takes them."""
    wanted, fastest = camera_input(compiled.graph, 56, 56), fast_sensor(120, 56)
    rates = [rate_of(compiled, fastest, queue_bytes, wanted=wanted) for queue_bytes in (4096, 112, 56)]
    assert all(rate.queue_bytes <= room for rate, room in zip(rates, (4096, 112, 56)))
    assert rates[0].frames_per_second > rates[1].frames_per_second > rates[2].frames_per_second
    for rate in rates:
        period = rate.clock_divider * rate.divider
        times = RowTimes(first=0, active=2 * 56 * period, period=fastest.line_periods * period)
        assert camera_frame(compiled, times).queue_bytes == rate.queue_bytes
    assert rates[-1].divider > 1 and rates[-1].limit == "the engine"


def test_a_slow_line_limits_where_the_engine_has_long_been_done(compiled):
    rates = [rate_of(compiled, bit_cycles=bit_cycles) for bit_cycles in (25, 750)]
    assert [rate.limit for rate in rates] == ["the camera", "the line"]
    assert rates[0].frame_cycles < rates[1].frame_cycles


def test_what_cannot_be(compiled):
    with pytest.raises(CapacityError, match="rows come faster than the engine takes them"):
        rate_of(compiled, queue_bytes=10)
    with pytest.raises(CapacityError, match=r"ov7670: a clock of 4.0 MHz; it takes 10 to 48 MHz"):
        rate_of(compiled, clock_hz=8e6)
    with pytest.raises(ConfigError, match=r"unknown camera 'ov7671'; did you mean ov7670\?"):
        get_sensor("ov7671")
    with pytest.raises(FirelaneError, match="icepi_zero: no pins for a camera are known"):
        plan_camera(get_board("icepi_zero"), compiled, OV7670)
    with pytest.raises(FirelaneError, match="an input of 56 x 56 pixels, more than the camera's 40 x 30"):
        camera_input(compiled.graph, 40, 30)


@pytest.mark.parametrize("name", ["ulx3s_25f", "ulx3s_85f"])
def test_the_document_has_the_rate(name):
    """And beside it what the engine could do, if its rows did not come from a camera."""
    board = get_board(name)
    model = compile_model(model_file("digits"), board.engine)
    rate, program, plan = plan_camera(board, model, OV7670).rate, model.program, model.plan
    alone = frame_cost(program.network, plan.steps, plan.wait_load, model.cfg, program.encoded, plan.beside).total
    document = (ROOT / "docs/camera.md").read_text()
    assert (f"| digits, {name} ({rate.clock_hz / 1e6:g} MHz) | {rate.camera_hz / 1e6:g} MHz | {rate.dummy_lines} | "
            f"{rate.frames_per_second:.1f} | {rate.clock_hz / alone:.0f} |") in document
    [counted] = re.findall(rf"\| {name} \| a drawn digit \| 1 of 1 \| ([\d,]+) \| {rate.engine_cycles:,} \|", document)
    assert abs(int(counted.replace(",", "")) - rate.engine_cycles) <= 40


@pytest.mark.parametrize("name", SENSORS)
def test_settings_are_bytes_and_dummy_lines_arrive(name):
    settings = get_sensor(name).settings(3, 0x1234)
    assert all(0 <= setting.value < 256 for setting in settings)
    values = {setting.name: setting.value for setting in settings}
    assert (values["CLKRC"], values["DM_LNL"], values["DM_LNH"]) == (0x82, 0x34, 0x12)


@pytest.mark.parametrize("name", ["ulx3s_12f", "ulx3s_25f", "ulx3s_45f", "ulx3s_85f"])
def test_the_top_level_has_its_pins(compiled, name):
    planned = plan_camera(BOARD, compiled, OV7670)
    small = replace(get_board(name), engine=EngineConfig(banks=1, **SIZES))
    plan = small.platform().build(camera_design(small, NOTHING, planned.plan), do_build=False)
    places = dict(re.findall(r'LOCATE COMP "(\S+)" SITE "(\S+)"', plan.files["top.lpf"].decode()
                             if isinstance(plan.files["top.lpf"], bytes) else plan.files["top.lpf"]))
    wires = {name: place for name, place in places.items() if name.startswith("camera")}
    assert len(wires) == 8 + len(SIGNALS)
    assert len(set(places.values())) == len(places)
    assert wires["camera_0__pclk__io"] == "C11" and wires["camera_0__data__io[0]"] == "B11"


def test_the_document_has_the_wires():
    text = (ROOT / "docs/camera.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| ")]
    cells = {row[n].split(" ")[0]: row[n + 1] for row in rows if len(row) == 7 for n in (1, 4)}
    assert BOARD.camera.wires().items() <= cells.items()


def test_a_model_for_other_pictures_is_refused(compiled, tmp_path):
    planned = plan_camera(BOARD, compiled, OV7670)
    model = read_model(compiled_folder("digits", tmp_path / "digits"))
    assert not has_camera(tmp_path)
    (tmp_path / CAMERA_FILE).write_text(record(planned))
    assert has_camera(tmp_path)
    check_camera(tmp_path, model)
    made = json.loads((tmp_path / CAMERA_FILE).read_text())
    for changed, text in (({"classes": 11}, "needs classes other"),
                          ({"input": {**made["input"], "width": 28}}, "needs an input other")):
        (tmp_path / CAMERA_FILE).write_text(json.dumps({**made, **changed}))
        with pytest.raises(FirelaneError, match=text):
            check_camera(tmp_path, model)
    for damaged in ("{", "[]", json.dumps({**made, "input": {**made["input"], "format": "JPEG"}})):
        (tmp_path / CAMERA_FILE).write_text(damaged)
        with pytest.raises(FirelaneError, match=r"camera\.json: is no record of a camera of this version; build"):
            check_camera(tmp_path, model)


def test_tables_are_what_the_host_computes(compiled):
    wanted = camera_input(compiled.graph)
    ramp = np.resize(np.arange(256, dtype=np.uint8), (1, 56, 56))
    expected = stored_input(compiled.graph, ramp).reshape(-1)[:256].tobytes()
    assert (wanted.tables or (bytes(range(256)),))[0] == expected
