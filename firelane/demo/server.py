"""The page of `firelane demo` and what it asks for, for browsers on this machine alone."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, Response, abort, jsonify, request
from PIL import Image
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from firelane.api.predict import Prediction
from firelane.compiler.frame_io.preprocessing import read_image
from firelane.compiler.support.errors import ConfigError, FirelaneError
from firelane.demo.device import Device, Stopped, status_record
from firelane.models.drawn_digits import CLASSES, SIDE, drawn_digits

HOST = "127.0.0.1"
UPLOAD_BYTES = 1 << 25          #: of a picture
RUNNING_SECONDS = 0.1           #: between two looks at the layer that runs
QUIET_SECONDS = 10.0            #: after which a page is told that nothing has changed, to see whether it is there
HERE = Path(__file__).parent
DIGITS_SHAPES = ((1, SIDE, SIDE), (CLASSES, 1, 1))      #: of input and output of a network that knows digits
DIGITS_DRAWN = 100              #: among which there is one of each
PICTURE = "picture"             #: what a picture without a name is called on the page
_POLICY = ("default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' blob: data:; "
           "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


def listening(port: int) -> socket.socket:
    """A socket that browsers of this machine reach, and nobody else; port 0: any that is free.

    Raises
    ------
    ConfigError
        If the port is taken.
    """
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen(64)
    except OSError as error:
        found.close()
        raise ConfigError("--http-port", f"{port}: {error.strerror}", hint="0 takes any port that is free") from None
    return found


def create_server(app: Flask, listener: socket.socket) -> BaseWSGIServer:
    """The server, which answers each request in a thread of its own and logs nothing."""
    return make_server(HOST, listener.getsockname()[1], app, threaded=True, fd=listener.fileno(),
                       request_handler=_Quiet)


def create_app(device: Device, port: int) -> Flask:
    """The page, the pictures that it sends, and the events that it shows; `port` is that of the page."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = UPLOAD_BYTES
    names = {f"{HOST}:{port}", f"localhost:{port}"}

    @app.before_request
    def refuse_others() -> None:
        """No page of another site, which a browser of ours may show, gets at the board (nor by a name of its own)."""
        if request.host not in names or request.headers.get("Origin", f"http://{request.host}") != \
                f"http://{request.host}":
            abort(403, "only pages of this machine are answered")

    @app.after_request
    def seal(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        too_large = error.code == 413
        said = f"more than {UPLOAD_BYTES >> 20} MB; make it smaller first" if too_large else error.description
        return jsonify(error=f"{PICTURE}: {said}" if too_large else said), error.code or 500

    @app.get("/")
    def page() -> Response:
        nonce = secrets.token_urlsafe(16)
        response = Response((HERE / "page.html").read_text().replace("{{nonce}}", nonce), mimetype="text/html")
        response.headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
        return response

    @app.get("/about")
    def about() -> Response:
        return jsonify(_about(device))

    @app.get("/digits.png")
    def digits() -> Response:
        return Response(digit_sheet(), mimetype="image/png")

    @app.get("/events")
    def events() -> Response:
        return Response(_events(device), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})

    @app.post("/classify")
    def classify() -> tuple[Response, int]:
        return _classified(device, request.get_data())

    return app


@cache
def digit_sheet() -> bytes:
    """A PNG of ten drawn digits, 0 to 9, one beneath the other."""
    drawn = drawn_digits(DIGITS_DRAWN)
    firsts = [int(np.argmax(drawn.labels == digit)) for digit in range(CLASSES)]
    file = BytesIO()
    Image.fromarray(drawn.images[firsts].reshape(-1, SIDE)).save(file, "PNG")
    return file.getvalue()


def _about(device: Device) -> dict[str, Any]:
    about = device.about
    if about is None:
        return {}
    graph = about.model.graph
    shapes = graph.tensors[graph.input].shape, graph.tensors[graph.output].shape
    return {**about.to_json(), "digits": shapes == DIGITS_SHAPES}


def _events(device: Device) -> Iterator[str]:
    """The status whenever it changes, and, while a picture is computed, as the layers go by."""
    version = -1
    while not device.stopping:
        status = device.status()
        yield f"data: {json.dumps(status_record(status))}\n\n"
        seconds = RUNNING_SECONDS if status.state == "running" else QUIET_SECONDS
        version = device.wait(version, seconds)


def _classified(device: Device, octets: bytes) -> tuple[Response, int]:
    about = device.about
    try:
        if about is None:
            raise FirelaneError("board", device.status().message or "not there yet", hint="wait until it is there")
        try:
            pixels = read_image(about.model.graph, octets)
        except FirelaneError as error:
            return jsonify(error=str(FirelaneError(PICTURE, error.found, hint=error.hint))), 400
        return jsonify(_record(device.ask(pixels).result())), 200
    except FirelaneError as error:
        return jsonify(error=str(error)), 503
    except Stopped:
        return jsonify(error="the demo has ended"), 503


def _record(found: Prediction) -> dict[str, Any]:
    return {"classes": [{"index": guess.index, "name": guess.name, "share": guess.share} for guess in found.classes],
            "cycles": found.cycles, "device_ms": found.device_ms, "transfer_ms": found.transfer_ms}


class _Quiet(WSGIRequestHandler):
    """Logs nothing: what goes wrong is said on the page."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""
