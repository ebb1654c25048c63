"""What takes the host link's place on a board with a camera: pictures from pins, answers as lines of text."""

from amaranth.hdl import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.payload import BYTE_LAST
from firelane.hw.blocks.ports import BYTES, CsrBus
from firelane.hw.blocks.stream_register import connect_registered
from firelane.hw.camera.camera_runner import CameraRunner
from firelane.hw.camera.dvp_receiver import DvpPins
from firelane.hw.camera.five_best import FiveBest
from firelane.hw.camera.line_writer import LineWriter
from firelane.hw.camera.pattern_camera import PatternCamera, PatternTiming
from firelane.hw.camera.picture_source import PictureSource
from firelane.hw.contract.camera import (
    ANSWER,
    ANSWER_NUMBERS,
    BEST_CLASSES,
    LED_BITS,
    STATE,
    STATE_NUMBERS,
    CameraInput,
)
from firelane.hw.link.engine_control import EngineControl


class CameraLink(wiring.Component):
    """Answers every frame that it can, as `docs/camera.md` says.

        pins -------> +---------+                                   +--------+
                      | picture | --------------------------------> |        | --> image
        test          | source  |     +--------+     +---------+    | engine |
        pattern ----> +---------+ <-> | runner | <-> | control | <->|        | <-> csr
                                      +--------+     +---------+    |        |
                      +---------+         |     +-----------+       |        |
        tx <--------- |  line   | <-------+---- | five best | <---- |        | <-- result
                      |  writer |               +-----------+       +--------+
                      +---------+

    Limits      `queue_bytes` of block RAM, and one block RAM if the network has tables.

    Parameters
    ----------
    wanted : CameraInput
    classes : int
        Bytes of a result.
    clock_hz : int
        Of the engine, which lines tell.
    pattern : PatternTiming
    queue_bytes, patience_cycles, quiet_cycles : int
        See `PictureSource` and `CameraRunner`.

    Members
    -------
    pins : In(DvpPins())
    test : In(1)
        Frames are the test pattern's; asynchronous.
    tx : Out(stream of 8)
    leds : Out(8)
        The number of the best class, its lowest bits.
    csr : Out(CsrBus()), image : Out(BYTES), result : In(BYTES)
        The engine's.
    """

    def __init__(self, wanted: CameraInput, *, classes: int, clock_hz: int, pattern: PatternTiming, queue_bytes: int,
                 patience_cycles: int, quiet_cycles: int):
        self._shown = min(BEST_CLASSES, classes)
        self._source = PictureSource(wanted, queue_bytes=queue_bytes)
        self._pattern = PatternCamera(wanted, pattern)
        self._runner = CameraRunner(patience_cycles=patience_cycles, quiet_cycles=quiet_cycles)
        self._best = FiveBest(classes, self._shown)
        self._writer = LineWriter([b"%s,%d" % (kind, clock_hz) for kind in (STATE, ANSWER)],
                                  [len(STATE_NUMBERS), len(ANSWER_NUMBERS) + 2 * self._shown])
        super().__init__({"pins": In(DvpPins()), "test": In(1), "tx": Out(stream.Signature(8)), "leds": Out(LED_BITS),
                          "csr": Out(CsrBus()), "image": Out(BYTES), "result": In(BYTES)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.source = source = self._source
        m.submodules.pattern = pattern = self._pattern
        m.submodules.runner = runner = self._runner
        m.submodules.best = best = self._best
        m.submodules.writer = writer = self._writer
        m.submodules.control = control = EngineControl()
        for name in ("pclk", "href", "vsync", "data"):
            m.d.comb += getattr(source.pins, name).eq(
                Mux(self.test, getattr(pattern.pins, name), getattr(self.pins, name)))
        connect(m, source.control, runner.frames)
        connect(m, runner.operation, control.operation)
        connect(m, control.csr, flipped(self.csr))
        connect(m, writer.o, flipped(self.tx))
        connect_registered(m, "image", BYTE_LAST, source.image, flipped(self.image), clear=runner.clear)
        connect_registered(m, "result", BYTE_LAST, flipped(self.result), best.i, clear=runner.clear)
        m.d.comb += [
            source.clear.eq(runner.clear), best.clear.eq(runner.clear), runner.engine.eq(control.status),
            runner.overflow.eq(source.overflow), runner.image_complete.eq(source.complete),
            runner.result_complete.eq(best.complete),
            writer.start.eq(runner.line_start), writer.kind.eq(runner.line_answers),
            runner.line_busy.eq(writer.busy),
        ]
        numbers = [*(runner.tally[name] for name in ANSWER_NUMBERS),
                   *(number for entry in (best.best[n] for n in range(self._shown))
                     for number in (entry.number, entry.value))]
        m.d.comb += [getattr(writer, f"number{n}").eq(number) for n, number in enumerate(numbers)]
        with m.If(runner.line_start & runner.line_answers):
            m.d.sync += self.leds.eq(best.best[0].number)
        return m
