"""The page in a browser: Chromium without a window, where there is one."""

from __future__ import annotations

import base64
import contextlib
import shutil
from collections.abc import Callable

import pytest
from PIL import Image

from firelane.api.board import Board, stand_still
from firelane.boards.simulated.build import build_board
from firelane.boards.simulated.running import RunningBoard
from firelane.demo.device import Connected
from firelane.demo.run import fitting
from tests.boards.host.digits import image_file, pixels
from tests.boards.simulated.test_board_sim import DESIGN
from tests.firelane.demo.served import page_of, started
from tests.firelane.demo.test_server import best

webdriver = pytest.importorskip("selenium.webdriver")
TOOLS = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream",
           "--use-fake-device-for-media-stream")
DROP = """
const [base64, name] = arguments, data = new DataTransfer();
data.items.add(new File([Uint8Array.from(atob(base64), c => c.charCodeAt(0))], name));
document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
"""

pytestmark = pytest.mark.skipif(None in TOOLS.values(), reason="no chromium and chromedriver (Debian: apt install "
                                                               "chromium chromium-driver)")


class Browser:
    """A browser, and what its tab shows."""

    def __init__(self, driver):
        self.driver = driver

    def find(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    def text(self, selector: str) -> str:
        return self.driver.execute_script("return document.querySelector(arguments[0])?.textContent || ''", selector)

    def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            pass

    def answer(self) -> int | None:
        """The best class that is shown."""
        name = self.text(".answer .name")
        return int(name) if name else None

    def drop(self, octets: bytes, name: str = "picture.png") -> None:
        self.driver.execute_script(DROP, base64.b64encode(octets).decode(), name)


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = TOOLS["chromium"]
    for option in OPTIONS:
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(TOOLS["chromedriver"]))
    yield Browser(driver)
    driver.quit()


@pytest.fixture
def tab(browser, page):
    """The page, when it knows its board."""
    browser.driver.get(f"{page}/")
    browser.until(lambda: bool(browser.find("#layers div")))
    return browser


def test_what_it_says_of_the_board(tab, device):
    assert tab.text("#board").startswith("digits_squeezenet on fake, simulated, at /dev/pts/")
    assert tab.text("#how").startswith("Predicted: ") and tab.text("#layer") == "none runs"
    assert [part.get_attribute("data-layer") for part in tab.find("#layers div")] == device.about.timeline.layers
    assert len(tab.find("button.digit")) == 10


def test_a_digit_to_click_on(tab):
    tab.find("button.digit")[7].click()
    tab.until(lambda: tab.answer() is not None)
    assert tab.answer() == 7 and len(tab.find(".answer")) == 5 and tab.text("#problem") == ""
    bars = [float(bar.get_attribute("value")) for bar in tab.find(".answer progress")]
    assert bars == sorted(bars, reverse=True) and bars[0] > 0.5
    assert tab.text("#cycles") == "1,000" and tab.text("#fps") == "1,000 at 1 MHz"
    assert tab.text("#latency").endswith(" ms") and tab.text("#device") == "1 ms"


def test_an_upload(tab, tmp_path):
    tab.find("#file")[0].send_keys(str(image_file(3, tmp_path)))
    tab.until(lambda: tab.answer() is not None)
    assert tab.answer() == best(3)


def test_drag_and_drop_and_what_is_no_picture(tab, tmp_path):
    tab.drop(b"<b>no picture</b>")
    tab.until(lambda: tab.text("#problem") != "")
    assert tab.text("#problem").startswith("picture: not an image; ") and tab.answer() is None
    tab.drop(image_file(5, tmp_path).read_bytes())
    tab.until(lambda: tab.answer() is not None)
    assert tab.answer() == best(5) and tab.text("#problem") == ""


def test_dark_ink(tab, tmp_path):
    """What is light on dark for the network."""
    Image.fromarray(255 - pixels(4)[0]).save(tmp_path / "ink.png")
    tab.find("#invert")[0].click()
    tab.find("#file")[0].send_keys(str(tmp_path / "ink.png"))
    tab.until(lambda: tab.answer() is not None)
    assert tab.answer() == best(4)


def test_the_webcam(tab, device):
    """A made one, of Chromium; the board answers as long as it runs."""
    tab.find("#webcam")[0].click()
    tab.until(lambda: tab.answer() is not None and device.status().frames >= 3)
    assert tab.text("#webcam") == "Stop" and tab.text("#problem") == ""
    tab.find("#webcam")[0].click()
    assert tab.text("#webcam") == "Webcam"


def test_the_layer_that_runs(tab, bench, device):
    bench.go_on.clear()
    tab.find("button.digit")[0].click()
    tab.until(lambda: bool(tab.find("#layers .now")))
    timeline = device.about.timeline
    expected = timeline.layer_at_cycle(timeline.loaded(1))
    tab.until(lambda: tab.text("#layer") == expected)
    bench.go_on.set()
    tab.until(lambda: tab.answer() is not None and tab.text("#layer") == "none runs")
    assert not tab.find("#layers .now")


def test_two_tabs(tab, bench, page):
    """Both get their answer, one after the other."""
    bench.go_on.clear()
    tab.find("button.digit")[1].click()
    bench.computing.wait()
    first = tab.driver.current_window_handle
    tab.driver.switch_to.new_window("tab")
    tab.driver.get(f"{page}/")
    tab.until(lambda: len(tab.find("button.digit")) == 10)
    tab.find("button.digit")[2].click()
    tab.until(lambda: "1 waiting" in tab.text("#queue"))
    bench.go_on.set()
    tab.until(lambda: tab.answer() is not None)
    assert tab.answer() == 2
    tab.driver.close()
    tab.driver.switch_to.window(first)
    tab.until(lambda: tab.answer() is not None)
    assert tab.answer() == 1


def test_unplugged_in_the_middle(tab, bench):
    bench.go_on.clear()
    tab.find("button.digit")[1].click()
    bench.computing.wait()
    bench.go_on.set()
    bench.unplug()
    tab.until(lambda: tab.text("#layer") == "the board is lost")
    tab.until(lambda: tab.text("#problem").endswith("looking for it again"))
    bench.plug_in()
    tab.until(lambda: tab.text("#layer") == "none runs")
    tab.find("button.digit")[6].click()
    tab.until(lambda: tab.answer() == 6)
    assert tab.text("#problem") == ""


def test_a_simulated_board(browser, model):
    """The Verilog itself; the layer is read from its program counter."""
    built, seen = build_board(DESIGN), set()

    @contextlib.contextmanager
    def connect():
        with RunningBoard(built, model.contents) as running, Board(running.port, model=model) as board:
            stand_still(board, running)
            yield Connected(board, fitting(model, {}), running)

    with started(connect) as device, page_of(device) as url:
        browser.driver.get(f"{url}/")
        browser.until(lambda: len(browser.find("button.digit")) == 10)
        assert browser.text("#how").startswith("Read from the program counter ") and device.about.observed
        browser.find("button.digit")[8].click()
        while browser.answer() is None:
            seen.add(device.status().layer)
        assert browser.answer() == 8 and seen - {None} <= {*device.about.timeline.layers}
        assert 0 < int(browser.text("#cycles").replace(",", "")) <= device.about.timeline.steps[-1].end
