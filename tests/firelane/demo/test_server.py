"""What the page asks for, and who may ask."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from firelane.compiler.support.errors import ConfigError
from firelane.demo.server import UPLOAD_BYTES, listening
from tests.boards.host.digits import expected, pixels
from tests.firelane.demo.served import ask


def png(image: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def best(number: int) -> int:
    return int(np.argmax(np.frombuffer(expected("digits", pixels(number)), np.uint8)))


def test_pictures(page):
    for number in (0, 1):
        status, found, _ = ask(f"{page}/classify", png(pixels(number)[0]))
        assert status == 200 and len(found["classes"]) == 5 and found["classes"][0]["index"] == best(number)
        assert found["cycles"] > 0 and found["classes"][0].keys() == {"index", "name", "share"}
    large = np.asarray(Image.fromarray(pixels(2)[0]).resize((300, 200)))
    assert ask(f"{page}/classify", png(large))[0] == 200


@pytest.mark.parametrize("body, said", [
    (b"no picture", "picture: not an image; PNG, JPEG, "), (png(pixels(0)[0])[:200], "picture: a damaged image; "),
    (b"", "picture: not an image; "),
    (png(np.zeros((1, 30_000), np.uint8)), "picture: 30000 x 1 pixels: too long for its shorter side to become 56; ")])
def test_broken_pictures_are_refused_in_one_line(page, body, said):
    status, found, _ = ask(f"{page}/classify", body)
    assert status == 400 and re.match(said, found["error"]) and "\n" not in found["error"]
    assert ask(f"{page}/classify", png(pixels(1)[0]))[1]["classes"][0]["index"] == best(1)


def test_too_large_a_picture(page):
    """Refused by its length, before it is read."""
    host, port = page.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(f"POST /classify HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {UPLOAD_BYTES + 1}\r\n\r\n"
                     .encode())
        said = line.makefile("rb").read().decode()
    assert said.startswith("HTTP/1.1 413 ") and '"picture: more than 32 MB; make it smaller first"' in said


@pytest.mark.parametrize("headers", [{"Host": "example.com"}, {"Origin": "http://example.com"}, {"Origin": "null"},
                                     {"Host": "127.0.0.1"}])
def test_pages_of_others_are_refused(page, headers):
    for body in (None, png(pixels(0)[0])):
        status, found, got = ask(f"{page}/classify" if body else f"{page}/about", body, **headers)
        assert (status, found) == (403, {"error": "only pages of this machine are answered"})
        assert "Access-Control-Allow-Origin" not in got


def test_our_own_page_is_answered(page):
    port = page.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost"):
        status, found, got = ask(f"{page}/about", Host=f"{name}:{port}", Origin=f"http://{name}:{port}")
        assert (status, found["board"], found["network"]) == (200, "fake", "digits_squeezenet") and found["digits"]
        assert "Access-Control-Allow-Origin" not in got and got["Content-Security-Policy"] == "default-src 'none'"


def test_the_page_fetches_nothing_from_elsewhere(page):
    with urllib.request.urlopen(f"{page}/") as answer:
        text, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
    assert policy.startswith("default-src 'none'") and text.count(f'nonce="{nonce}"') == 2 and "{{" not in text
    assert not re.search(r"https?://|//[a-z]|@import", text)
    with urllib.request.urlopen(f"{page}/") as again:
        assert nonce not in again.read().decode()


def test_the_embedded_digits(page):
    with urllib.request.urlopen(f"{page}/digits.png") as answer, Image.open(BytesIO(answer.read())) as sheet:
        assert sheet.size == (56, 560)
        found = [ask(f"{page}/classify", png(np.asarray(sheet)[56 * n:56 * n + 56]))[1]["classes"][0]["index"]
                 for n in range(10)]
    assert found == list(range(10))


def test_events(page):
    with urllib.request.urlopen(f"{page}/events") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        first = answer.readline().decode()
        assert json.loads(first.removeprefix("data: "))["state"] == "idle" and answer.readline() == b"\n"
        ask(f"{page}/classify", png(pixels(0)[0]))
        seen = []
        while not seen or seen[-1]["frames"] < 1:
            line = answer.readline().decode()
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))
    assert any(status["state"] == "running" for status in seen)


def test_an_unknown_address(page):
    status, found, _ = ask(f"{page}/nothing")
    assert status == 404 and "not found" in found["error"]


def test_a_port_that_is_taken():
    with listening(0) as taken, pytest.raises(ConfigError, match="^http_port: .*: Address already in use; 0 takes"):
        listening(taken.getsockname()[1])
