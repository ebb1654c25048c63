"""What every hardware test uses: lint, a simulation that cannot end by accident, and stream agents."""

import random
import warnings

from amaranth.back import rtlil
from amaranth.hdl import Signal, ValueCastable
from amaranth.sim import Simulator


def lint(dut) -> str:
    """RTLIL of `dut`, with warnings as errors: finds combinational loops and driver conflicts that simulation does not.

    A component that makes memories can be elaborated once only: pass one made for this purpose.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ports = [port.as_value() if isinstance(port, ValueCastable) else port
                 for _, _, port in dut.signature.flatten(dut)]
        # An always-ready stream has a constant for `ready`, which RTLIL does not take for a port.
        return rtlil.convert(dut, ports=[port for port in ports if isinstance(port, Signal)], emit_src=False)


def simulate(dut, *testbenches, background=(), cycles: int = 10_000):
    """Run until every testbench has returned.

    Parameters
    ----------
    testbenches : async functions of a simulator context
        All must end within `cycles` clock cycles.
    background : async functions of a simulator context
        Monitors and agents that need not end.

    Raises
    ------
    AssertionError
        If a testbench has not returned in time; its name is in the message.
    """
    unfinished = {index: bench.__name__ for index, bench in enumerate(testbenches)}

    def flagged(index, bench):
        async def run(ctx):
            await bench(ctx)
            del unfinished[index]
        return run

    async def watchdog(ctx):
        for _ in range(cycles):
            if not unfinished:
                return
            await ctx.tick()
        raise AssertionError(f"after {cycles} cycles still waiting: {', '.join(unfinished.values())}")

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for index, bench in enumerate(testbenches):
        simulator.add_testbench(flagged(index, bench))
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.add_testbench(watchdog)
    simulator.run()
    assert not unfinished


def pauses(seed: int, most: int):
    """An endless source of pauses in cycles, often 0, for `source` and `sink`; `most` = 0 never pauses."""
    rng = random.Random(seed)
    while True:
        yield rng.choice((0, 0, rng.randint(0, most)))


async def send(ctx, port, payload):
    """One transfer into a stream; returns after the cycle of the transfer."""
    ctx.set(port.payload, payload)
    ctx.set(port.valid, 1)
    await ctx.tick().until(port.ready)
    ctx.set(port.valid, 0)


async def receive(ctx, port):
    """One transfer out of a stream; returns its payload after the cycle of the transfer.

    Checks that a payload, once valid, does not change or go away; it does so only for cycles that it waits itself.
    """
    ctx.set(port.ready, 1)
    payload, = await ctx.tick().sample(port.payload).until(port.valid)
    ctx.set(port.ready, 0)
    return payload


async def idle(ctx, port, cycles: int):
    """Wait with `ready` low and check that what is offered meanwhile stays on offer, unchanged."""
    offered = None
    for _ in range(cycles):
        *_, valid, payload = await ctx.tick().sample(port.valid, port.payload)
        if offered is not None:
            assert valid, "valid was withdrawn before the transfer"
            assert _bits(payload) == offered, "payload changed before the transfer"
        if valid:
            offered = _bits(payload)
    return offered


def source(port, payloads, *, wait=None):
    """A testbench that sends all `payloads`, with a pause from `wait` before each."""
    async def stream_source(ctx):
        for payload in payloads:
            if wait is not None:
                for _ in range(next(wait)):
                    await ctx.tick()
            await send(ctx, port, payload)
    return stream_source


def sink(port, count: int, received: list, *, wait=None):
    """A testbench that appends `count` payloads to `received`, with a pause from `wait` before each."""
    async def stream_sink(ctx):
        for _ in range(count):
            offered = await idle(ctx, port, next(wait)) if wait is not None else None
            payload = await receive(ctx, port)
            assert offered is None or _bits(payload) == offered, "payload changed before the transfer"
            received.append(payload)
    return stream_sink


async def pulse(ctx, signal):
    """`signal` high for one cycle."""
    ctx.set(signal, 1)
    await ctx.tick()
    ctx.set(signal, 0)


def _bits(payload) -> int:
    return payload if isinstance(payload, int) else payload.as_bits()
