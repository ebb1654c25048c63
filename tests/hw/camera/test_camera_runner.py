# amaranth: UnusedElaboratable=no
"""What the runner says and counts, frame by frame, with a stand-in for the engine's control and for the lines."""

import pytest

from firelane.hw.camera.camera_runner import CameraRunner
from firelane.hw.contract.registers import Register
from firelane.hw.link.engine_control import Operation
from tests.hw.support import lint, pulse, simulate

CYCLES, DIGEST, PATIENCE, QUIET = 1234, 77, 400, 900


class Bench:
    """A runner between a control that does what it is asked for in some cycles and a writer of lines."""

    def __init__(self):
        self.dut = CameraRunner(patience_cycles=PATIENCE, quiet_cycles=QUIET)
        self.operations, self.lines, self.abandoned = [], [], 0
        self.error = False      #: of the engine, until it is checked

    async def control(self, ctx):
        dut = self.dut
        while True:
            ctx.set(dut.operation.request.ready, 1)
            while not ctx.get(dut.operation.request.valid):
                await ctx.tick()
            request = ctx.get(dut.operation.request.payload)
            await ctx.tick()
            ctx.set(dut.operation.request.ready, 0)
            self.operations.append(request.operation)
            await ctx.tick().repeat(6)
            if request.operation == Operation.CHECK:
                ctx.set(dut.engine, {"checked": 1, "idle": 1, "error": 0})
            if request.operation == Operation.START:
                ctx.set(dut.engine, {"checked": 1, "busy": 1})
            await pulse(ctx, dut.operation.done)
            ctx.set(dut.operation.value, CYCLES if request.argument == Register.FRAME_CYCLES else DIGEST)

    async def writer(self, ctx):
        dut = self.dut
        while True:
            while not ctx.get(dut.line_start):
                await ctx.tick()
            self.lines.append((ctx.get(dut.line_answers),
                               {name: ctx.get(dut.tally[name]) for name in ("frames", "dropped", "skipped", "errors")}))
            await ctx.tick()
            ctx.set(dut.line_busy, 1)
            await ctx.tick().repeat(30)
            ctx.set(dut.line_busy, 0)

    async def watch(self, ctx):
        async for *_, abandon in ctx.tick().sample(self.dut.frames.abandon):
            self.abandoned += abandon

    async def begin(self, ctx):
        await ctx.tick().until(self.dut.frames.ready)
        await pulse(ctx, self.dut.frames.begin)
        ctx.set(self.dut.result_complete, 0)
        await ctx.tick().repeat(30)

    async def finish(self, ctx):
        """The engine has its result."""
        ctx.set(self.dut.result_complete, 1)
        ctx.set(self.dut.engine, {"checked": 1, "idle": 1})

    async def answered(self, ctx):
        await self.begin(ctx)
        await pulse(ctx, self.dut.image_complete)
        await self.finish(ctx)
        await pulse(ctx, self.dut.frames.whole)
        await ctx.tick().repeat(80)

    def run(self, bench):
        simulate(self.dut, bench, background=[self.control, self.writer, self.watch], cycles=20_000)
        return self.lines


def test_answers():
    bench = Bench()

    async def two(ctx):
        await bench.answered(ctx)
        await pulse(ctx, bench.dut.frames.skipped)
        await bench.answered(ctx)
        assert ctx.get(bench.dut.tally.cycles) == CYCLES and ctx.get(bench.dut.tally.digest) == DIGEST
        assert 0 < ctx.get(bench.dut.tally.latency) < 20

    counted = {"dropped": 0, "errors": 0}
    assert bench.run(two) == [(1, {"frames": 1, "skipped": 0, **counted}), (1, {"frames": 2, "skipped": 1, **counted})]
    assert bench.operations == [Operation.CHECK, Operation.READ] + 2 * [Operation.START, Operation.READ]
    assert bench.abandoned == 0


@pytest.mark.parametrize("engine_first", [True, False])
def test_an_answer_waits_for_the_frames_end_and_the_engines(engine_first):
    bench = Bench()

    async def one(ctx):
        await bench.begin(ctx)
        for last in (False, True):
            if engine_first != last:
                await bench.finish(ctx)
            else:
                await pulse(ctx, bench.dut.frames.whole)
            await ctx.tick().repeat(60)
            assert bool(bench.lines) == last

    bench.run(one)


FAILURES = {
    "faulty": ("dropped", 0), "overflow": ("dropped", 1), "patience": ("dropped", 1), "error": ("errors", 1),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_frame_that_fails_has_no_answer_and_the_next_one_has(failure):
    """A frame that ended by its own fault is not abandoned: that would be the one behind it."""
    bench, (counter, abandoned) = Bench(), FAILURES[failure]

    async def fails(ctx):
        await bench.begin(ctx)
        if failure == "faulty":
            await pulse(ctx, bench.dut.frames.faulty)
        elif failure == "overflow":
            await pulse(ctx, bench.dut.overflow)
        elif failure == "error":
            ctx.set(bench.dut.engine, {"checked": 1, "error": 1})
        else:
            await ctx.tick().repeat(PATIENCE)
        await ctx.tick().repeat(60)
        await bench.answered(ctx)

    lines = bench.run(fails)
    expected = {"frames": 1, "dropped": 0, "skipped": 0, "errors": 0} | {counter: 1}
    assert lines == [(1, expected)]
    assert bench.operations == [Operation.CHECK, Operation.READ, Operation.START, Operation.CHECK, Operation.READ,
                                Operation.START, Operation.READ]
    assert bench.abandoned == abandoned


def test_a_fault_behind_a_whole_frame_is_not_its_own():
    bench = Bench()

    async def late(ctx):
        await bench.begin(ctx)
        await pulse(ctx, bench.dut.frames.whole)
        await ctx.tick().repeat(10)
        await pulse(ctx, bench.dut.frames.faulty)
        await ctx.tick().repeat(10)
        await bench.finish(ctx)
        await ctx.tick().repeat(80)

    assert bench.run(late) == [(1, {"frames": 1, "dropped": 1, "skipped": 0, "errors": 0})]


def test_silence_is_told():
    bench = Bench()

    async def nothing(ctx):
        await ctx.tick().repeat(2 * QUIET + 200)

    assert [answers for answers, _ in bench.run(nothing)] == [0, 0]


def test_lint():
    lint(CameraRunner(patience_cycles=PATIENCE, quiet_cycles=QUIET))
