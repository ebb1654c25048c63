"""The host link: frames of a byte line on one side, the engine's bus and streams on the other."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.payload import BYTE_LAST
from firelane.hw.blocks.ports import BYTES, CsrBus
from firelane.hw.blocks.stream_register import connect_registered
from firelane.hw.contract.block_ram import result_in_block_ram
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES
from firelane.hw.link.answer_source import AnswerSource
from firelane.hw.link.command_processor import CommandProcessor
from firelane.hw.link.engine_control import EngineControl
from firelane.hw.link.frame_receiver import FrameReceiver
from firelane.hw.link.frame_sender import FrameSender
from firelane.hw.link.image_feeder import ImageFeeder
from firelane.hw.link.result_buffer import ResultBuffer


class FrameLink(wiring.Component):
    """Answers every frame, one after the other, as `docs/host_link.md` says.

                   +----------+     +-----------+  request   +---------+
        rx ------> | receiver | --> | processor | ---------> | control | <--> CSR bus
                   +----------+     +-----------+     +----> +---------+
                                     |    |  |        |
                                     |    |  +--> image feeder -----------> image
                                     v    v           |
                   +----------+     +--------+        |      +--------+
        tx <------ |  sender  | <-- | answer | -------+      | result | <-- result
                   +----------+     | source | <------------ | buffer |
                                    +--------+               +--------+

    Limits      three block RAMs (frame, result, identity), one if `result_bytes` is small; PAYLOAD_BYTES a frame.

    Parameters
    ----------
    cfg : EngineConfig
    identity : bytes
        What IDENTIFY says, see `boards.top.identity`.
    slice_cycles, patience_cycles : int
        How long one IMAGE command may wait for the engine; how long a run may stand still.
    result_bytes : int
        Bytes of a result that one answer carries; see `ResultBuffer`.

    Members
    -------
    rx, tx : In, Out(stream of 8)
        From and to the line; `rx` is always taken.
    image, result : Out, In(BYTES)
        To and from the engine.
    csr : Out(CsrBus())
        To the engine.
    """

    def __init__(self, cfg: EngineConfig, *, identity: bytes, slice_cycles: int, patience_cycles: int,
                 result_bytes: int = PAYLOAD_BYTES):
        self._result_bytes = result_bytes
        self._processor = CommandProcessor(cfg, patience_cycles=patience_cycles)
        self._feeder = ImageFeeder(slice_cycles=slice_cycles)
        self._answers = AnswerSource(identity, block_ram=result_in_block_ram(result_bytes))
        super().__init__({
            "rx": In(stream.Signature(8, always_ready=True)), "tx": Out(stream.Signature(8)),
            "image": Out(BYTES), "result": In(BYTES), "csr": Out(CsrBus()),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = self._receiver = FrameReceiver()
        m.submodules.sender = self._sender = FrameSender()
        m.submodules.control = self._control = EngineControl()
        m.submodules.results = self._results = ResultBuffer(self._result_bytes)
        m.submodules.processor = self._processor
        m.submodules.feeder = self._feeder
        m.submodules.answers = self._answers
        self._connect_line(m)
        self._connect_engine(m)
        self._connect_image(m)
        self._connect_result(m)
        return m

    def _connect_line(self, m):
        receiver, sender, processor, answers = self._receiver, self._sender, self._processor, self._answers
        connect(m, flipped(self.rx), receiver.i)
        connect(m, receiver.frame, processor.frame)
        connect(m, processor.answer, answers.answer)
        connect(m, answers.header, sender.header)
        connect(m, answers.payload, sender.payload)
        connect(m, sender.o, flipped(self.tx))
        m.d.comb += answers.state.eq(processor.state)

    def _connect_engine(self, m):
        """The control is the answer source's while it answers, and the processor waits."""
        control, processor, answers = self._control, self._processor, self._answers
        with m.If(answers.answer.ready):
            _connect_if(m, processor.operation.request, control.operation.request)
        with m.Else():
            _connect_if(m, answers.operation.request, control.operation.request)
        for block in (processor, answers):
            m.d.comb += [block.operation.done.eq(control.operation.done),
                         block.operation.value.eq(control.operation.value)]
        m.d.comb += processor.engine.eq(control.status)
        connect(m, control.csr, flipped(self.csr))

    def _connect_image(self, m):
        feeder, processor = self._feeder, self._processor
        connect(m, processor.image, feeder.control)
        connect_registered(m, "image", BYTE_LAST, feeder.image, flipped(self.image), clear=processor.image.begin)
        m.d.comb += self._answers.offset.eq(feeder.control.offset)

    def _connect_result(self, m):
        results, processor = self._results, self._processor
        connect_registered(m, "result", BYTE_LAST, flipped(self.result), results.i, clear=processor.result.clear)
        connect(m, processor.result, results.control)
        connect(m, results.chunk, self._answers.result)
        m.d.sync += processor.moved.eq((self.image.valid & self.image.ready) | (self.result.valid & self.result.ready))


def _connect_if(m, source, sink):
    """`connect`, for the branch of a condition."""
    m.d.comb += [sink.valid.eq(source.valid), sink.payload.eq(source.payload), source.ready.eq(sink.ready)]
