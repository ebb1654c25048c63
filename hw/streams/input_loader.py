"""From the image stream to pixels of map words."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import pixel_write_layout
from firelane.hw.blocks.ports import BYTES
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig, bits_for
from firelane.hw.contract.instruction import CHANNEL_BITS, DESCRIPTOR, IMAGE_COLUMN_BITS, instruction_layout


class InputLoader(wiring.Component):
    """Executes LOAD: image rows, in row, column, channel order, become rows of a map.

    Without `space_to_depth` image row y is map row y, column x column x, channel c channel c. With it, image pixel
    (y, x, c) is channel ((y & 1) * 2 + (x & 1)) * C + c of map row y >> 1, column x >> 1; an odd image is completed
    with one more column. `slots[0].rows` map rows are written, from row `tile.row` of the words at `tile.address`
    (+ channel) on. The first `tile.rows` image rows are taken from the stream, the others, and the completing
    column, are `layer.pad`. With `tile.last`, the stream's `last` must come with the last byte taken, and never else.

    Latency     2 cycles from `start` to the first byte taken; 1 cycle from a byte to its write.
    Throughput  a pixel per cycle, `hw.contract.timing.load_cycles` a LOAD if nothing stalls.
    Stalling    on both streams; a write that is not accepted stalls the image in the same cycle.
    Limits      fields are in the ranges that `InstructionCheck` wants.

    Members
    -------
    start : In(1)
        Pulse; `tile` and `layer` are taken with it.
    tile, layer : In
    halt : In(1)
        Take and write nothing.
    image : In(BYTES)
    write : Out(stream of pixel_write_layout)
    busy : Out(1)
        From the cycle after `start` until the last write has been accepted.
    image_short, image_long, address_range : Out(1)
        Error pulses.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "start": In(1), "tile": In(instruction_layout(cfg)), "layer": In(DESCRIPTOR), "halt": In(1),
            "image": In(BYTES),
            **self._writes(cfg),
            "busy": Out(1), "image_short": Out(1), "image_long": Out(1), "address_range": Out(1),
        })

    @staticmethod
    def _writes(cfg: EngineConfig):
        """Members that writes go through."""
        return {"write": Out(stream.Signature(pixel_write_layout(cfg)))}

    def elaborate(self, platform):
        m = Module()
        cfg = self._cfg
        self._active = Signal()         #: places are left to be filled
        self._real = Signal()           #: the place takes a byte of the image
        self._step = Signal()           #: a place is filled
        self._x = Signal(IMAGE_COLUMN_BITS, reset_less=True)
        self._c = Signal(CHANNEL_BITS, reset_less=True)
        self._rows_left = Signal(cfg.rows_bits + 1, reset_less=True)     #: image rows of this LOAD, padding included
        self._real_rows_left = Signal(cfg.rows_bits + 1, reset_less=True)
        # What decides how it goes on comes from registers: the answer to `image` goes far.
        self._last_channel = Signal(reset_less=True)
        self._rows_are_real = Signal(reset_less=True)                   #: `_real_rows_left` is not 0
        self._beyond = Signal(reset_less=True)                          #: `_x` is behind the image's last column
        self._capture(m)
        self._ends(m)
        self._count(m)
        self._place(m)
        self._write(m)
        self._check_last(m)
        m.d.comb += self.busy.eq(self._active | self._writing)
        return m

    def _capture(self, m):
        """Own copies of the fields, because the next instruction comes while this one works."""
        cfg = self._cfg
        self._split = split = Signal(reset_less=True)
        self._odd = Signal(reset_less=True)         #: a split image with one column too few
        self._is_last = Signal(reset_less=True)
        self._pad = Signal(PIXEL_BITS, reset_less=True)
        self._address = Signal(cfg.address_bits, reset_less=True)
        self._real_columns_end = Signal(IMAGE_COLUMN_BITS, reset_less=True)     #: the last column of the image
        self._one_channel = Signal(reset_less=True)
        self._last_channel_but_one = Signal(CHANNEL_BITS, reset_less=True)
        self._part_banks = Signal(range(cfg.banks + 1), reset_less=True)        #: from one part of a row to the next
        tile, layer = self.tile, self.layer
        with m.If(self.start):
            m.d.sync += [
                split.eq(layer.space_to_depth),
                self._odd.eq(layer.space_to_depth & layer.image_columns[0]),
                self._is_last.eq(tile.last),
                self._pad.eq(layer.pad),
                self._address.eq(tile.address),
                self._real_columns_end.eq(layer.image_columns - 1),
                self._last_channel_but_one.eq(layer.channels_in - 2),
                self._one_channel.eq(layer.channels_in == 1), self._last_channel.eq(layer.channels_in == 1),
                self._part_banks.eq(Const(cfg.banks) >> layer.parts_log2),
                self._rows_left.eq(tile.slots[0].rows << layer.space_to_depth),
                self._real_rows_left.eq(tile.rows), self._rows_are_real.eq(tile.rows != 0),
            ]

    def _ends(self, m):
        """Which of the nested counters are at their ends."""
        self._last_column = Signal()        #: of a row, completing column included
        self._last_real_column = Signal()
        self._last_row = Signal()
        self._last_byte = Signal()          #: the last one taken
        m.d.comb += [
            self._last_real_column.eq(self._x == self._real_columns_end),
            self._last_column.eq(Mux(self._odd, self._beyond, self._last_real_column)),
            self._last_row.eq(self._rows_left == 1),
            self._real.eq(self._rows_are_real & ~self._beyond),
            self._last_byte.eq(self._last_channel & self._last_real_column & (self._real_rows_left == 1)),
        ]

    def _count(self, m):
        """Row, column and channel of the image."""
        with m.If(self._step):
            m.d.sync += [self._c.eq(self._c + 1), self._last_channel.eq(self._c == self._last_channel_but_one)]
            with m.If(self._last_channel):
                m.d.sync += [self._c.eq(0), self._last_channel.eq(self._one_channel),
                             self._x.eq(self._x + 1), self._beyond.eq(self._last_real_column)]
                with m.If(self._last_column):
                    m.d.sync += [self._x.eq(0), self._beyond.eq(0), self._rows_left.eq(self._rows_left - 1)]
                    with m.If(self._rows_are_real):
                        m.d.sync += [self._real_rows_left.eq(self._real_rows_left - 1),
                                     self._rows_are_real.eq(self._real_rows_left != 1)]
                    with m.If(self._last_row):
                        m.d.sync += self._active.eq(0)
        with m.If(self.start):
            m.d.sync += [self._active.eq(1), self._c.eq(0), self._x.eq(0), self._beyond.eq(0)]

    def _place(self, m):
        """Word, bank and pixel that the place in the image goes to, by counting."""
        cfg = self._cfg
        self._word = word = Signal(cfg.address_bits + 1, reset_less=True)
        row_word = Signal.like(word, reset_less=True)           # word of channel 0 of this image row's first column
        self._row = row = Signal(range(cfg.banks + 1), reset_less=True)     # bank of part 0
        self._bank = bank = Signal(range(2 * cfg.banks), reset_less=True)
        self._pixel = pixel = Signal(bits_for(BANK_PIXELS), reset_less=True)
        low_row, low_column = Signal(reset_less=True), Signal(reset_less=True)      # second of a pair
        map_column_done, map_row_done = Signal(), Signal()
        m.d.comb += [
            map_column_done.eq(~self._split | low_column),
            map_row_done.eq(~self._split | low_row),
        ]
        self._map_column_done = map_column_done
        with m.If(self._step):
            # The channels of the two halves of a pair are neighbours: going on is counting on.
            m.d.sync += word.eq(word + 1)
            with m.If(self._last_channel):
                m.d.sync += low_column.eq(~low_column & self._split)
                with m.If(map_column_done):
                    m.d.sync += [word.eq(row_word), pixel.eq(pixel + 1)]
                    with m.If(pixel == BANK_PIXELS - 1):
                        m.d.sync += [pixel.eq(0), bank.eq(bank + self._part_banks)]
                with m.If(self._last_column):
                    m.d.sync += [pixel.eq(0), low_row.eq(~low_row & self._split)]
                    with m.If(map_row_done):
                        m.d.sync += [word.eq(self._address), row_word.eq(self._address),
                                     row.eq(row + 1), bank.eq(row + 1)]
                    with m.Else():
                        m.d.sync += [word.eq(word + 1), row_word.eq(word + 1), bank.eq(row)]
        with m.If(self.start):
            m.d.sync += [
                word.eq(self.tile.address), row_word.eq(self.tile.address),
                row.eq(self.tile.row), bank.eq(self.tile.row), pixel.eq(0),
                low_row.eq(0), low_column.eq(0),
            ]

    def _write(self, m):
        """The output register; the image is taken into it."""
        self._writing = self.write.valid
        place = Signal(pixel_write_layout(self._cfg), reset_less=True)
        free, in_range = Signal(), Signal()
        halted = Signal()           # `halt` comes from afar
        m.d.sync += halted.eq(self.halt)
        wanted = self._active & free & ~halted
        m.d.comb += [
            free.eq(~self.write.valid | self.write.ready),
            in_range.eq(self._word < self._cfg.activation_words),
            self.image.ready.eq(wanted & self._real),
            self._step.eq(wanted & (self.image.valid | ~self._real)),
            self.write.payload.eq(place),
        ]
        m.d.sync += self.address_range.eq(self._step & ~in_range)
        with m.If(self.write.ready):
            m.d.sync += self.write.valid.eq(0)
        with m.If(self._step):
            m.d.sync += [
                self.write.valid.eq(in_range),
                place.bank.eq(self._bank),
                place.address.eq(self._word),
                place.pixel.eq(self._pixel),
                place.data.eq(Mux(self._real, self.image.payload.data, self._pad)),
            ]

    def _check_last(self, m):
        taken = self._step & self._real
        must_end = self._last_byte & self._is_last
        m.d.comb += [
            self.image_short.eq(taken & self.image.payload.last & ~must_end),
            self.image_long.eq(taken & ~self.image.payload.last & must_end),
        ]
