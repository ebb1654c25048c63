"""Which instruction each part of the engine works on, when the next tile starts before the last one is written."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import EngineConfig, bits_for
from firelane.hw.contract.instruction import DESCRIPTOR, instruction_layout


def work_layout(cfg: EngineConfig) -> data.StructLayout:
    """An instruction at work: it, its descriptor, its kernel table, its program word."""
    return data.StructLayout({"tile": instruction_layout(cfg), "layer": DESCRIPTOR, "table": 1,
                              "pc": bits_for(cfg.program_words)})


class Stages(wiring.Component):
    """Hands a TILE down from the fetch to the decoder, from there to the addresses, from there to the data path.

        fetch --start--> decode --the last tap before has left--> address --all before is written--> pixels

    Each is a register, so that a part of the engine sees nothing of the next tile until it is through with its own. An
    AVERAGE, which starts when no tile is at work, goes the same way.

    Latency     1 cycle from `start` to `decode`, 2 to `address`, 3 to `pixels` and `average_start`, at the earliest.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    coming : In(work_layout(cfg))
        What has been fetched; taken with a start.
    tile_start, average_start : In(1)
        Pulses.
    crowded, last, pixels_end : In(1)
        Of the tap path: `address` is of a tile whose taps are not all out; its last one is out. Of the data path: what
        it makes of the taps so far is written in the next cycle.
    decode, address, pixels : Out(work_layout(cfg))
    pixels_start : Out(1)
        Pulse, in the first cycle of a new `pixels`, of a TILE or not.
    average : Out(1)
        The same if it is an AVERAGE.
    tile_through : Out(1)
        Pulse: all that the TILE in `pixels` makes is written.
    settled : Out(1)
        The last tile that started has got to `pixels`; so the one before it is through.
    busy : Out(1)
        From the cycle after `tile_start` up to the cycle before the last tile is through.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        work = work_layout(cfg)
        super().__init__({
            "coming": In(work), "tile_start": In(1), "average_start": In(1),
            "crowded": In(1), "last": In(1), "pixels_end": In(1),
            "decode": Out(work), "address": Out(work), "pixels": Out(work),
            "pixels_start": Out(1), "average": Out(1), "tile_through": Out(1), "settled": Out(1),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        decode, address, pixels = (Signal(work_layout(self._cfg), name=name, reset_less=True)
                                   for name in ("decode_work", "address_work", "pixels_work"))
        m.d.comb += [self.decode.eq(decode), self.address.eq(address), self.pixels.eq(pixels)]
        decoded, addressed = Signal(), Signal()         # waits in `decode`, waits in `address` to be handed down
        is_average, at_work, taps_out = Signal(), Signal(), Signal()
        to_address, to_pixels = Signal(), Signal()
        m.d.comb += [
            to_address.eq(decoded & ~self.crowded & ~addressed),
            to_pixels.eq(addressed & (~at_work | self.tile_through)),
            self.settled.eq(~(decoded | addressed)),
            self.busy.eq(((decoded | addressed) & ~is_average) | (at_work & ~self.tile_through)),
        ]
        with m.If(self.tile_start | self.average_start):
            m.d.sync += [decode.eq(self.coming), decoded.eq(1), is_average.eq(self.average_start)]
        with m.Elif(to_address):
            m.d.sync += decoded.eq(0)
        with m.If(to_address):
            m.d.sync += [address.eq(decode), addressed.eq(1)]
        with m.Elif(to_pixels):
            m.d.sync += addressed.eq(0)
        with m.If(to_pixels):
            m.d.sync += [pixels.eq(address), at_work.eq(~is_average)]
        with m.Elif(self.tile_through):
            m.d.sync += at_work.eq(0)
        with m.If(self.last):
            m.d.sync += taps_out.eq(1)
        with m.Elif(self.tile_through):
            m.d.sync += taps_out.eq(0)
        m.d.sync += self.tile_through.eq(at_work & taps_out & self.pixels_end)
        m.d.sync += [self.pixels_start.eq(to_pixels), self.average.eq(to_pixels & is_average)]
        return m
