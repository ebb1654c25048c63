# amaranth: UnusedElaboratable=no
"""Payloads of all kinds of answers, with stalls; `test_frame_link` has them together with everything else."""

import pytest

from firelane.hw.contract.link_protocol import ANSWER, PAYLOAD_BYTES, REGISTERS_SHOWN, Status
from firelane.hw.contract.registers import Register
from firelane.hw.link.answer_source import AnswerSource, Body
from tests.hw.support import lint, pauses, send, simulate, sink, source

IDENTITY = b"who"
REGISTERS = [0x01020304 * n & 0xFFFFFFFF for n in range(REGISTERS_SHOWN)]
SHOWN = b"\x05" + b"".join(value.to_bytes(4, "little") for value in REGISTERS)
CHUNK = [9, 8, 7]


@pytest.mark.parametrize("body, expected", [
    (Body.EMPTY, b""), (Body.OFFSET, b"\x44\x33\x22\x11"),
    (Body.ERROR, REGISTERS[Register.ERROR].to_bytes(4, "little")),
    (Body.REGISTERS, SHOWN), (Body.IDENTITY, SHOWN + IDENTITY), (Body.RESULT, b"\x01" + bytes(CHUNK))],
    ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("most", [0, 4])
def test_bodies(body, expected, most):
    dut, headers, payload = AnswerSource(IDENTITY), [], []

    async def ask(ctx):
        ctx.set(dut.offset, 0x11223344)
        ctx.set(dut.state, {"loading": 1, "image_complete": 1})
        ctx.set(dut.result.last, 1)
        ctx.set(dut.result.count, len(CHUNK))
        for sequence in (1, 2):
            await send(ctx, dut.answer, {"sequence": sequence, "command": 3, "status": Status.OK, "body": body})

    async def control(ctx):
        while True:
            ctx.set(dut.operation.request.ready, 1)
            *_, asked, request = await ctx.tick().sample(dut.operation.request.valid, dut.operation.request.payload)
            ctx.set(dut.operation.request.ready, 0)
            if asked:
                await ctx.tick()
                ctx.set(dut.operation.done, 1)
                ctx.set(dut.operation.value, REGISTERS[request.argument])
                await ctx.tick()
                ctx.set(dut.operation.done, 0)

    size = 1 + len(expected)
    results = source(dut.result.bytes, CHUNK * 2 if body == Body.RESULT else [], wait=pauses(8, most))
    simulate(dut, ask, results, sink(dut.header, 2, headers, wait=pauses(2, most)),
             sink(dut.payload, 2 * size, payload, wait=pauses(3, most)), background=[control])
    assert [(h.sequence, h.command, h.length) for h in headers] == [(n, 3 | ANSWER, size) for n in (1, 2)]
    assert bytes(payload) == (b"\x00" + expected) * 2


@pytest.mark.parametrize("size", [0, PAYLOAD_BYTES])
def test_constructor(size):
    with pytest.raises(ValueError, match=rf"^identity must have 1 to \d+ bytes, not {size}$"):
        AnswerSource(bytes(size))


def test_lint():
    lint(AnswerSource(IDENTITY))
