"""All of a board but its pins and its clock: the engine, its memories filled, behind a serial line."""

from amaranth.hdl import DomainRenamer, Elaboratable, Module, Signal
from amaranth.lib.wiring import connect

from firelane.boards.top.identity import Identity
from firelane.boards.top.link_timing import LinkTiming
from firelane.hw.engine import Engine
from firelane.hw.link.frame_link import FrameLink
from firelane.hw.link.uart import UartReceiver, UartTransmitter


class FramedEngine(Elaboratable):
    """An engine and the host link at it, without a line: what a real and a simulated board have in common.

    Parameters
    ----------
    engine : Engine
        Without `auto_run`: the link starts its frames.
    identity : Identity
    timing : LinkTiming
    result_bytes : int
        Of a result, that one answer carries.
    link_domain : str
        Clock domain of the link. Another one than `sync` has the same clock and a reset of its own: one register would
        have to reach from the link's end of a large device to all of the engine.
    """

    def __init__(self, engine: Engine, identity: Identity, timing: LinkTiming, *, result_bytes: int,
                 link_domain: str = "sync"):
        self._engine = engine
        self._timing = timing
        self._in_link_domain = DomainRenamer(link_domain)
        self._link = FrameLink(identity.engine, identity=identity.to_bytes(), slice_cycles=timing.slice_cycles,
                               patience_cycles=timing.patience_cycles, result_bytes=result_bytes)

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = self._engine
        m.submodules.link = self._in_link_domain(self._link)
        self._connect_line(m, self._link)
        connect(m, self._link.csr, self._engine.csr)
        connect(m, self._link.image, self._engine.image)
        connect(m, self._engine.result, self._link.result)
        return m

    def _connect_line(self, m: Module, link: FrameLink) -> None:
        """Connect `rx` and `tx` of the link, streams of bytes, to something."""
        raise NotImplementedError


class LinkedEngine(FramedEngine):
    """An engine that a host reaches over a serial line, as `docs/host_link.md` says.

    Attributes
    ----------
    rx, tx : Signal, in and out
        The line, idle high.
    """

    def __init__(self, engine: Engine, identity: Identity, timing: LinkTiming, *, result_bytes: int,
                 link_domain: str = "sync"):
        super().__init__(engine, identity, timing, result_bytes=result_bytes, link_domain=link_domain)
        self.rx = Signal(init=1)
        self.tx = Signal(init=1)

    def _connect_line(self, m: Module, link: FrameLink) -> None:
        receiver, transmitter = UartReceiver(self._timing.bit_cycles), UartTransmitter(self._timing.bit_cycles)
        m.submodules.receiver, m.submodules.transmitter = map(self._in_link_domain, (receiver, transmitter))
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        connect(m, receiver.o, link.rx)
        connect(m, link.tx, transmitter.i)
