# amaranth: UnusedElaboratable=no
"""What the sender sends is what a host's framing makes of the same frame."""

import random

import pytest

from firelane.boards.host.framing import Frame
from firelane.hw.contract.link_protocol import ESCAPE, FLAG
from firelane.hw.link.frame_sender import FrameSender
from tests.hw.support import lint, pauses, simulate, sink, source


def sent(frames, *, most=0):
    dut, received = FrameSender(), []
    headers = [{"sequence": f.sequence, "command": f.command, "length": len(f.payload)} for f in frames]
    payload = [byte for frame in frames for byte in frame.payload]
    expected = b"".join(frame.to_bytes() for frame in frames)
    simulate(dut, source(dut.header, headers, wait=pauses(1, most)), source(dut.payload, payload, wait=pauses(2, most)),
             sink(dut.o, len(expected), received, wait=pauses(3, most)), cycles=20_000)
    return bytes(received), expected


@pytest.mark.parametrize("most", [0, 5])
def test_frames(most):
    rng = random.Random(5)
    frames = [Frame(n, rng.randrange(256), bytes(rng.choice((FLAG, ESCAPE, 0, 0x5E, n)) for _ in range(size)))
              for n, size in enumerate((1, 0, 2, 17, 300))]
    received, expected = sent(frames, most=most)
    assert received == expected


def test_special_bytes_everywhere():
    received, expected = sent([Frame(FLAG, ESCAPE, bytes((FLAG,)) * FLAG), Frame(ESCAPE, FLAG, bytes(range(256)))])
    assert received == expected


def test_lint():
    lint(FrameSender())
