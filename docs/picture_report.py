"""Parts of a report as small PNGs, as Chromium shows them.

    .venv/bin/python docs/picture_report.py [--width 900] [--dark] REPORT.html FOLDER PART...

writes FOLDER/report_PART.png for each. A part is the name of a plot (`timeline`) or of a section (`memory`), or `top`:
what is seen when the page is opened; `PART=NAME` gives the file another name. Needs Chromium and its driver (Debian:
`apt install chromium chromium-driver`), and selenium, which the extra `test` brings.
"""

from __future__ import annotations

import argparse
import io
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BROWSERS, DRIVER = ("chromium", "chromium-browser", "google-chrome"), "chromedriver"
TOP = "top"
TOP_HEIGHT, MARGIN, COLOURS = 900, 8, 128
PLACE = """
const found = document.getElementById(arguments[0]), whole = found.closest("figure") || found;
const box = whole.getBoundingClientRect();
return [box.x + window.scrollX, box.y + window.scrollY, box.width, box.height];
"""


@contextmanager
def opened(page: Path, width: int, dark: bool) -> Iterator[webdriver.Chrome]:
    """The page in a browser without a window."""
    options = Options()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which(DRIVER)))
    try:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": TOP_HEIGHT, "deviceScaleFactor": 1, "mobile": width < 600})
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        driver.get(page.resolve().as_uri())
        yield driver
    finally:
        driver.quit()


def picture(driver: webdriver.Chrome, part: str, width: int) -> bytes:
    """The part of the page as the browser draws it, PNG."""
    x, y, wide, high = (0, 0, width, TOP_HEIGHT) if part == TOP else driver.execute_script(PLACE, part)
    clip = {"x": x, "y": max(y - MARGIN, 0), "width": wide, "height": high + 2 * MARGIN, "scale": 1}
    return b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", {
        "format": "png", "captureBeyondViewport": True, "clip": clip})["data"])


def small(png: bytes) -> bytes:
    """The same picture in few colours."""
    file = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="+", metavar="PART")
    parser.add_argument("--width", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    with opened(options.report, options.width, options.dark) as driver:
        for given in options.parts:
            part, _, name = given.partition("=")
            (options.folder / f"report_{name or part}.png").write_bytes(small(picture(driver, part, options.width)))


if __name__ == "__main__":
    main()
