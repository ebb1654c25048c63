"""Frames as bytes: there and back, however the line cuts them; damage is never taken for a frame."""

import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from firelane.boards.host.framing import Deframer, Frame, seal
from firelane.hw.contract.link_protocol import ESCAPE, FLAG

FRAMES = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=40))
QUICK = settings(derandomize=True, deadline=None, max_examples=60)


def test_layout():
    body = bytes.fromhex("07 20 02 00 7e 41")
    crc = zlib.crc32(body).to_bytes(4, "little")
    assert Frame(7, 0x20, b"\x7e\x41").to_bytes() == b"\x7e\x07\x20\x02\x00\x7d\x5e\x41" + crc + b"\x7e"


@QUICK
@given(st.lists(FRAMES, max_size=4), st.data())
def test_frames_come_back_however_the_line_is_cut(frames, data):
    line, deframer, found = b"".join(frame.to_bytes() for frame in frames), Deframer(), []
    while line:
        size = data.draw(st.integers(1, len(line)))
        found += deframer.feed(line[:size])
        line = line[size:]
    assert found == frames


@QUICK
@given(FRAMES)
def test_flags_stand_at_the_ends_only(frame):
    line = frame.to_bytes()
    assert line[0] == line[-1] == FLAG and FLAG not in line[1:-1]


@QUICK
@given(FRAMES, FRAMES, st.data())
def test_damage_costs_its_frame_only(damaged, good, data):
    line = bytearray(damaged.to_bytes())
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    found = list(Deframer().feed(bytes(line) + good.to_bytes()))
    assert found in ([good], [damaged, good])       # `damaged` if a FLAG at its end was hit: the next one ends it


def test_a_wrong_length_is_damage():
    deframer = Deframer()
    assert not list(deframer.feed(seal(b"\x01\x02\x03\x00abcd")))
    assert not list(deframer.feed(seal(b"\x01\x02\x03")))
    assert not list(deframer.feed(bytes((FLAG, ESCAPE, FLAG, FLAG))))
    assert list(deframer.feed(seal(b"\x01\x02\x03\x00abc"))) == [Frame(1, 2, b"abc")]
