"""Serial ports that are there, and that are not."""

from __future__ import annotations

import pytest

from firelane.boards.host.port import LinkError, SerialPort
from firelane.compiler.support.errors import ConfigError
from tests.boards.host.fake_board import on_terminal

BAUD = 3_000_000


def test_bytes_come_back():
    with on_terminal(lambda octets: octets[::-1]) as path:
        port = SerialPort(path, BAUD)
        port.write(b"abc\x00\xff\r\n\x03")
        found = b""
        while len(found) < 8:
            found += port.read()
        assert sorted(found) == sorted(b"abc\x00\xff\r\n\x03")
        assert port.read() == b""
        port.close()


@pytest.mark.parametrize("name, text", [("no-such-port", "there is no .*no-such-port; "), (".", " is no serial port; "),
                                        ("file", "file is no serial port; "),
                                        ("/dev/null", "/dev/null is no serial port; ")])
def test_what_is_no_port(tmp_path, name, text):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"^port: .*{text}.*serial port"):
        SerialPort(str(tmp_path / name), BAUD)


def test_one_host_at_a_time():
    with on_terminal(lambda octets: b"") as path:
        port = SerialPort(path, BAUD)
        with pytest.raises(ConfigError, match=f"^port: {path} is in use by another program"):
            SerialPort(path, BAUD)
        port.close()
        SerialPort(path, BAUD).close()


def test_a_board_that_is_pulled_out():
    with on_terminal(lambda octets: b"") as path:
        port = SerialPort(path, BAUD)
    with pytest.raises(LinkError, match=r": the port is gone( \([^()]+\))?; is the board still connected\?$"):
        for _ in range(3):
            port.write(b"x")
            port.read()
    port.close()
