"""Chromium, as a reader of a report has it: what it drew, what it complained of, what it wanted from the network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVER = "chromedriver"
LENGTHS = """
return Object.fromEntries([...document.querySelectorAll(".plot")].map((plot) => [plot.id, (plot.data || []).map(
    (trace) => (trace.x || trace.z || []).length)]));
"""


def missing() -> str:
    """Why no browser can be opened here; empty if one can."""
    if not any(map(shutil.which, BROWSERS)):
        return f"none of {', '.join(BROWSERS)} is installed"
    return "" if shutil.which(DRIVER) else f"{DRIVER} is not installed"


class Browser:
    """A page that is open."""

    def __init__(self, driver: Any):
        self._driver = driver

    def open(self, page: Path) -> None:
        """Open a file and wait until it is drawn, which is done before the page has been loaded."""
        self._driver.get(page.resolve().as_uri())

    def run(self, script: str) -> Any:
        """What JavaScript returns."""
        return self._driver.execute_script(script)

    def complaints(self) -> list[str]:
        """What stands in the browser's console."""
        return [line["message"] for line in self._driver.get_log("browser")]

    def requests(self) -> set[str]:
        """What was asked for, but for what stands in the page itself."""
        events = [json.loads(line["message"])["message"] for line in self._driver.get_log("performance")]
        return {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
                and not event["params"]["request"]["url"].startswith(("data:", "blob:"))}

    def resize(self, width: int) -> None:
        """A window of so many pixels, as a telephone has if they are few."""
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600})

    def prefer(self, scheme: str) -> None:
        """Have the system be "light" or "dark"."""
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def picture(self, clip: dict[str, float]) -> str:
        """A part of the page as a PNG in base64."""
        return self._driver.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png", "captureBeyondViewport": True, "clip": {**clip, "scale": 1}})["data"]

    def paper(self) -> str:
        """The page as a PDF in base64."""
        return self._driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a window and without a profile."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,900",
                     "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which(DRIVER)))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
