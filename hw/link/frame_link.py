"""The host link: frames of a byte line on one side, the engine's bus and streams on the other."""

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.stream_register import StreamRegister
from firelane.hw.contract.block_ram import result_in_block_ram
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES
from firelane.hw.contract.registers import CSR_ADDRESS_BITS, CSR_BITS
from firelane.hw.link.answer_source import AnswerSource
from firelane.hw.link.command_processor import CommandProcessor
from firelane.hw.link.engine_control import EngineControl
from firelane.hw.link.frame_receiver import FrameReceiver
from firelane.hw.link.frame_sender import FrameSender
from firelane.hw.link.image_feeder import ImageFeeder
from firelane.hw.link.result_buffer import ResultBuffer
from firelane.hw.streams.input_loader import BYTE_LAST


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
        Of a result, that one answer carries; see `ResultBuffer`.

    Members
    -------
    rx, tx : In, Out(stream of 8)
        From and to the line; `rx` is always taken.
    image, result : Out, In(stream of BYTE_LAST)
        To and from the engine.
    csr_address, csr_write, csr_write_data, csr_read_data
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
            "image": Out(stream.Signature(BYTE_LAST)), "result": In(stream.Signature(BYTE_LAST)),
            "csr_address": Out(CSR_ADDRESS_BITS), "csr_write": Out(1), "csr_write_data": Out(CSR_BITS),
            "csr_read_data": In(CSR_BITS),
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
        connect(m, receiver.payload, processor.payload)
        connect(m, processor.answer, answers.answer)
        connect(m, answers.header, sender.header)
        connect(m, answers.payload, sender.payload)
        connect(m, sender.o, flipped(self.tx))
        m.d.comb += [
            processor.frame_valid.eq(receiver.valid), processor.frame_status.eq(receiver.status),
            processor.frame_header.eq(receiver.header), processor.empty.eq(receiver.empty),
            receiver.release.eq(processor.release), answers.state.eq(processor.state),
            answers.offset.eq(self._feeder.offset),
        ]

    def _connect_engine(self, m):
        """The bus is the answer source's while it answers, and the processor waits."""
        control, processor, answers = self._control, self._processor, self._answers
        with m.If(answers.answer.ready):
            _connect_if(m, processor.request, control.request)
        with m.Else():
            _connect_if(m, answers.request, control.request)
        for block in (processor, answers):
            m.d.comb += [block.done.eq(control.done), block.value.eq(control.value)]
        m.d.comb += [
            processor.engine.eq(control.status),
            self.csr_address.eq(control.csr_address), self.csr_write.eq(control.csr_write),
            self.csr_write_data.eq(control.csr_write_data), control.csr_read_data.eq(self.csr_read_data),
        ]

    def _connect_image(self, m):
        feeder, processor = self._feeder, self._processor
        connect(m, processor.image_payload, feeder.payload)
        self._connect_registered(m, "image", feeder.image, flipped(self.image), clear=processor.image_begin)
        m.d.comb += [
            feeder.begin.eq(processor.image_begin), feeder.length.eq(processor.image_length),
            feeder.start.eq(processor.image_start), feeder.skip.eq(processor.image_skip),
            feeder.empty.eq(processor.image_empty),
            processor.image_offset.eq(feeder.offset), processor.image_complete.eq(feeder.complete),
            processor.image_done.eq(feeder.done), processor.image_too_long.eq(feeder.too_long),
        ]

    @staticmethod
    def _connect_registered(m, name: str, source, sink, *, clear):
        """The engine is far away, and much there depends on whether a byte comes or goes."""
        register = StreamRegister(BYTE_LAST)
        m.submodules[f"{name}_register"] = ResetInserter(clear)(register)
        connect(m, source, register.i)
        connect(m, register.o, sink)

    def _connect_result(self, m):
        results, processor, answers = self._results, self._processor, self._answers
        self._connect_registered(m, "result", flipped(self.result), results.i, clear=processor.result_clear)
        connect(m, results.o, answers.result)
        m.d.comb += [
            processor.result_complete.eq(results.complete), processor.result_last.eq(results.last),
            processor.result_offset.eq(results.offset), processor.result_count.eq(results.count),
            results.clear.eq(processor.result_clear), results.advance.eq(processor.result_advance),
            results.rewind.eq(answers.rewind),
            answers.result_last.eq(results.last), answers.result_count.eq(results.count),
        ]
        m.d.sync += processor.moved.eq((self.image.valid & self.image.ready) | (self.result.valid & self.result.ready))


def _connect_if(m, source, sink):
    """`connect`, for the branch of a condition."""
    m.d.comb += [sink.valid.eq(source.valid), sink.payload.eq(source.payload), source.ready.eq(sink.ready)]
