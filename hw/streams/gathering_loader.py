"""From the image stream to words of the map, for an engine that writes them beside two taps a cycle."""

from amaranth.hdl import Cat, Mux, Signal
from amaranth.lib import data, memory, stream
from amaranth.lib.wiring import Out

from firelane.hw.blocks.payload import bank_write_layout
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig, bits_for
from firelane.hw.contract.timing import (
    ADDRESS_CYCLES,
    GATHER_PLACES,
    GATHERED_CHANNELS,
    LOAD_ASK_CYCLES,
    LOAD_COLLISIONS,
)
from firelane.hw.streams.input_loader import InputLoader

SETTLE_CYCLES = LOAD_ASK_CYCLES + LOAD_COLLISIONS + ADDRESS_CYCLES      #: from the last byte to the last word's slot


class GatheringLoader(InputLoader):
    """Executes LOAD as `InputLoader` does, but writes words of up to 14 pixels, in slots that it asks for.

    The pixels of up to 8 channels are gathered until 14 columns or the end of the row are there; with more channels in
    a map column, both of a split image counted, each pixel is a word of its own. A word is asked for (`request`) when
    its last byte is in. It is on offer before its slot comes, and must be taken then.

    Latency     2 cycles from `start` to the first byte taken; see `hw.contract.timing.load_requests`.
    Throughput  a byte a cycle, every second cycle where each is a word.
    Stalling    on the image only. A slot comes at least LOAD_ASK_CYCLES - 1 + ADDRESS_CYCLES after its request, one a
                cycle, and at most LOAD_COLLISIONS later: there is room for what is not written by then, and `busy`
                falls a fixed time after the last byte.
    Limits      fields are in the ranges that `InstructionCheck` wants.

    Members
    -------
    request : Out(1)
        Pulse: a slot is wanted. A register.
    write : Out(stream of bank_write_layout)
        Nothing is enabled in a word beyond the memory.
    others : as `InputLoader`
        `busy` from the cycle after `start` until the last slot can be.
    """

    @staticmethod
    def _writes(cfg: EngineConfig):
        return {"request": Out(1), "write": Out(stream.Signature(bank_write_layout(cfg)))}

    def _capture(self, m):
        super()._capture(m)
        layer = self.layer
        self._gathers = Signal(reset_less=True)
        self._single = Signal(reset_less=True)      #: a map of one column
        self._map_columns_left = Signal(len(layer.image_columns), reset_less=True)      #: behind this one
        self._closes = Signal(reset_less=True)      #: the last column of its words
        self._more_columns = Signal.like(self._map_columns_left, reset_less=True)       #: of the map than one
        more = (layer.image_columns - 1)[:len(layer.image_columns)] >> layer.space_to_depth
        with m.If(self.start):
            m.d.sync += [
                self._gathers.eq(layer.channels_in <= (GATHERED_CHANNELS >> layer.space_to_depth)),
                self._single.eq(more == 0), self._closes.eq(more == 0),
                self._more_columns.eq(more), self._map_columns_left.eq(more),
            ]

    def _place(self, m):
        super()._place(m)
        with m.If(self._step & self._last_channel & self._map_column_done):
            m.d.sync += [self._map_columns_left.eq(self._map_columns_left - 1),
                         self._closes.eq((self._map_columns_left == 1) | (self._pixel == BANK_PIXELS - 2))]
            with m.If(self._last_column):
                m.d.sync += [self._map_columns_left.eq(self._more_columns), self._closes.eq(self._single)]

    def _write(self, m):
        """Take the image, gather, and hand words over; each in its register."""
        place, complete = self._take(m)
        entry, closed = self._find_entry(m, complete)
        self._settle(m)
        m.d.sync += self.request.eq(complete & self._step)
        self._hand_over(m, self._gather(m, place, entry), closed)

    def _take(self, m):
        """The byte that is taken, with its place, in a register, and whether it is the last of its word."""
        halted = Signal()           # `halt` comes from afar
        pause = Signal()
        complete = Signal()
        place = Signal(data.StructLayout({
            "valid": 1, "bank": bits_for(self._cfg.banks), "address": self._cfg.address_bits, "inside": 1,
            "pixel": bits_for(BANK_PIXELS), "data": PIXEL_BITS,
        }), reset_less=True)
        m.d.sync += [halted.eq(self.halt), pause.eq(self._step & (~self._gathers | self._single))]
        wanted = self._active & ~pause & ~halted
        inside = self._word < self._cfg.activation_words
        m.d.comb += [
            complete.eq(~self._gathers | self._closes),
            self.image.ready.eq(wanted & self._real),
            self._step.eq(wanted & (self.image.valid | ~self._real)),
        ]
        m.d.sync += [
            self.address_range.eq(self._step & ~inside),
            place.valid.eq(self._step), place.bank.eq(self._bank), place.address.eq(self._word),
            place.inside.eq(inside), place.pixel.eq(self._pixel),
            place.data.eq(Mux(self._real, self.image.payload.data, self._pad)),
        ]
        return place, complete

    def _find_entry(self, m, complete):
        """Where the byte in the register is gathered, and the number of complete words modulo GATHER_PLACES.

        Words are completed in the order of their entries. Each entry is used again at least GATHER_PLACES cycles after
        its word was complete, for every byte moves on by one entry or back to the first that is not complete.
        """
        entry = Signal(range(GATHER_PLACES))
        first = Signal(range(GATHER_PLACES))            # of those that are not complete
        entry_later = Signal.like(entry, reset_less=True)
        closed = Signal.like(first)
        m.d.sync += [entry_later.eq(entry), closed.eq(first)]
        with m.If(self._step):
            m.d.sync += entry.eq(entry + 1)
            with m.If(complete):
                m.d.sync += first.eq(entry + 1)
            with m.Elif(self._last_channel & self._map_column_done):
                m.d.sync += entry.eq(first)
        return entry_later, closed

    def _settle(self, m):
        """`_writing` after the last byte, until the last word is written."""
        left = Signal(range(SETTLE_CYCLES + 1))
        with m.If(self._step):
            m.d.sync += left.eq(SETTLE_CYCLES)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        self._writing = left != 0

    def _gather(self, m, place, entry):
        """Memories of a column each, and of places. Returns the word at `_read_entry` as it is written."""
        members = place.shape().members
        layout = data.StructLayout({name: members[name] for name in ("bank", "address", "inside", "pixel")})
        index = Signal(range(GATHER_PLACES), name="read_entry")

        def add(name, shape, enable, value):
            m.submodules[name] = cells = memory.Memory(
                shape=shape, depth=GATHER_PLACES, init=[], attrs={"ram_style": "distributed"})
            reader, writer = cells.read_port(domain="comb"), cells.write_port()
            m.d.comb += [reader.addr.eq(index), writer.addr.eq(entry), writer.data.eq(value), writer.en.eq(enable)]
            return reader.data

        pixels = [add(f"column_{n}", PIXEL_BITS, place.valid & (place.pixel == n), place.data)
                  for n in range(BANK_PIXELS)]
        where = data.View(layout, add("places", layout.size, place.valid, Cat(place[name] for name in layout.members)))
        word = Signal(bank_write_layout(self._cfg))
        m.d.comb += [word.bank.eq(where.bank), word.address.eq(where.address), word.data.eq(Cat(pixels)),
                     *(word.enable[n].eq(where.inside & Mux(self._gathers, where.pixel >= n, where.pixel == n))
                       for n in range(BANK_PIXELS))]
        self._read_entry = index
        return word

    def _hand_over(self, m, word, closed):
        """The output register, filled again in the cycle in which it is taken."""
        payload = Signal.like(word, name="payload", reset_less=True)
        m.d.comb += self.write.payload.eq(payload)
        with m.If(self.write.ready | ~self.write.valid):
            m.d.sync += [payload.eq(word), self.write.valid.eq(self._read_entry != closed)]
            with m.If(self._read_entry != closed):
                m.d.sync += self._read_entry.eq(self._read_entry + 1)
