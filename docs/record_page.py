"""Record the page of a command that serves one, in Chromium without a window.

    .venv/bin/python docs/record_page.py docs/images/demo.png "button.digit[aria-label$='3']" firelane demo

made `docs/images/demo.png`: the command says where its page is, what the selector names is clicked on, and the picture
is taken when the page shows an answer.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from selenium import webdriver

SIZE = "--window-size=1000,860"
ANSWER = ".answer"


def main(picture: str, selector: str, *command: str) -> int:
    """Returns 0, or the exit code of a command that had no page."""
    process = subprocess.Popen([shutil.which(command[0]) or Path(sys.executable).with_name(command[0]), *command[1:]],
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            take(found[0], selector, picture)
            process.send_signal(signal.SIGINT)
    return process.wait()


def take(url: str, selector: str, picture: str) -> None:
    """A picture of the page, after the click."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", SIZE):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.get(url)
        while not driver.find_elements("css selector", selector):
            pass
        driver.find_element("css selector", selector).click()
        while not driver.find_elements("css selector", ANSWER):
            pass
        driver.save_screenshot(picture)
    finally:
        driver.quit()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
