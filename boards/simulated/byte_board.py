"""The top level of a simulated board: all of a real one's but PLL, pads and the two ends of its UART.

A bit of a UART is at least four cycles long, ten of them are a byte, and each cycle costs a microsecond or more: an
image of 224 x 224 pixels would be three times as long on the line as in the engine. So bytes come and go whole. That
the UART carries them is shown by `tests/boards/top/test_linked_engine.py`.
"""

from amaranth.hdl import Module, Signal

from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import LinkTiming
from firelane.boards.top.linked_engine import FramedEngine
from firelane.hw.engine import Engine
from firelane.hw.link.frame_link import FrameLink


class ByteBoard(FramedEngine):
    """An engine with `trace`, and its host link, whose bytes a program writes and reads.

    Attributes
    ----------
    rx, rx_valid : Signal, in
        A byte of the host, in a cycle in which there is one.
    tx, tx_valid : Signal, out
        A byte for the host, likewise.
    tx_ready : Signal, in
        The line takes it.
    pc : Signal, out
        The program word of the instruction in hand.
    """

    def __init__(self, engine: Engine, identity: Identity, timing: LinkTiming, *, result_bytes: int):
        super().__init__(engine, identity, timing, result_bytes=result_bytes)
        self.rx = Signal(8)
        self.rx_valid = Signal()
        self.tx = Signal(8)
        self.tx_valid = Signal()
        self.tx_ready = Signal()
        self.pc = Signal(engine.trace.pc.shape())

    @property
    def ports(self) -> list[Signal]:
        """All that `main.cpp` sees, besides clock and reset."""
        return [self.rx, self.rx_valid, self.tx, self.tx_valid, self.tx_ready, self.pc]

    def _connect_line(self, m: Module, link: FrameLink) -> None:
        m.d.comb += [
            link.rx.payload.eq(self.rx), link.rx.valid.eq(self.rx_valid),
            self.tx.eq(link.tx.payload), self.tx_valid.eq(link.tx.valid), link.tx.ready.eq(self.tx_ready),
            self.pc.eq(self._engine.trace.pc),
        ]
