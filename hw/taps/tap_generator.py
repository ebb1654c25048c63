"""From steps to taps: which input channel and kernel place, where output channels end; and when a tap is issued."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.credit_queue import CreditQueue
from firelane.hw.contract.config import WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import CHANNEL_BITS, DESCRIPTOR, KERNEL_BITS, Source
from firelane.hw.contract.timing import tile_gap_cycles
from firelane.hw.taps.weight_decoder import DECODED_STEP

QUEUE_TAPS = 32             #: covers the pipeline from `step` to the queue's output and back, twice
INPUT_CHANNEL_BITS = CHANNEL_BITS + 2   #: of an absolute input channel; more than an address, so that errors show

PLACED_TAP = data.StructLayout({
    "weight": WEIGHT_BITS,
    "place": KERNEL_BITS,
    "channel": INPUT_CHANNEL_BITS,      #: over all groups
    "crossing": 1,                      #: first tap of an output channel, or the terminator
    "capture": 1,                       #: an output channel ends before this
    "terminator": 1,
    "bad_code": 1,
    "bad_place": 1,                     #: kernel place or input channel do not exist
})
"""A tap on its way to the address calculation."""


_STEPPED = data.StructLayout({"weight": WEIGHT_BITS, "bad_code": 1, "step": KERNEL_BITS,
                              "step_less_kernel": signed(KERNEL_BITS + 2), "channel_step": CHANNEL_BITS})
_PLACED = data.StructLayout({"weight": WEIGHT_BITS, "bad_code": 1, "place": KERNEL_BITS, "carry": 1,
                             "channel_step": CHANNEL_BITS})
_CARRIED = data.StructLayout({"weight": WEIGHT_BITS, "bad_code": 1, "place": KERNEL_BITS, "step": CHANNEL_BITS + 1,
                              "step_less_group": signed(CHANNEL_BITS + 2)})
_MOVED = data.StructLayout({"weight": WEIGHT_BITS, "bad_code": 1, "place": KERNEL_BITS, "channel": CHANNEL_BITS,
                            "crossing": 1})


class TapGenerator(wiring.Component):
    """Follows the steps through (output channel, input channel, kernel place) and issues taps.

    A tap that begins an output channel, or the terminator, is issued at least `drain_cycles` after the last one that
    did, the first tap of a tile at least `tile_gap_cycles` after the terminator of the one before. All waiting is done
    here, at the exit of a queue; before it, places reserved in the queue (`room`, `reserve`) hold back the decoder, and
    behind it nothing stalls.

    The next tile may start in the cycle after `ended`, with taps of the one before still in the queue.

    Source.WINDOW is a dense depthwise layer: one input channel a group, one output channel a group.

    Latency     `place_cycles(cfg)` from `i` to `o`, if the tap need not wait.
    Throughput  1 tap a cycle.

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    layer : In(DESCRIPTOR)
        Stable from `start` to the cycle after `ended`.
    start : In(1)
    active : Out(1)
        From 1 cycle after `start` up to `ended`.
    ended : Out(1)
        The terminator has been found; what comes behind it is dropped.
    room : Out(1), reserve : In(1)
    i : In(stream of DECODED_STEP, always ready)
    o : Out(stream of PLACED_TAP, always ready)
    starving : Out(1)
        Active, and no tap is in the queue or on its way there.
    tap_taken, stall_decoder, stall_drain : Out(1)
        A tap is issued; none is there; the one that is there must wait. Registers.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "layer": In(DESCRIPTOR), "start": In(1), "active": Out(1), "room": Out(1), "reserve": In(1),
            "i": In(stream.Signature(DECODED_STEP, always_ready=True)),
            "o": Out(stream.Signature(PLACED_TAP, always_ready=True)),
            "ended": Out(1), "starving": Out(1), "tap_taken": Out(1), "stall_decoder": Out(1), "stall_drain": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._channels_in = Signal(CHANNEL_BITS, reset_less=True)
        self._group_channels = Signal(CHANNEL_BITS, reset_less=True)
        window = self.layer.source == Source.WINDOW
        m.d.sync += [self._channels_in.eq(Mux(window, 1, self.layer.channels_in)),
                     self._group_channels.eq(Mux(window, 1, self.layer.group_channels))]
        # One cycle after `start`, when the registers above are right.
        self._begin = Signal()
        m.d.sync += self._begin.eq(self.start)

        valid, stepped = self._prepare(m)
        valid, placed = self._next_place(m, valid, stepped)
        valid, moved = self._next_channel(m, valid, placed)
        valid, tap = self._next_output(m, valid, moved)
        self._issue(m, valid, tap)
        return m

    def _stage(self, m, valid, shape, name: str):
        """A pipeline register; emptied while not active."""
        later_valid = Signal(name=f"{name}_valid")
        m.d.sync += later_valid.eq(valid & self.active)
        return later_valid, Signal(shape, name=name, reset_less=True)

    def _prepare(self, m):
        """The step to the next place, and the same less a whole kernel, so that the loop adds once only."""
        valid, stepped = self._stage(m, self.i.valid, _STEPPED, "stepped")
        step = self.i.payload.step.step
        m.d.sync += [
            stepped.weight.eq(self.i.payload.step.weight), stepped.bad_code.eq(self.i.payload.bad),
            stepped.step.eq(step.kernel_step), stepped.step_less_kernel.eq(step.kernel_step - self.layer.kernel_taps),
            stepped.channel_step.eq(step.channel_step),
        ]
        return valid, stepped

    def _next_place(self, m, valid, stepped):
        """k += kernel_step, modulo the kernel; then the channel step with the carry, and less a whole group."""
        placed_valid, placed = self._stage(m, valid, _PLACED, "placed")
        within = placed.place + stepped.step
        wrapped = Signal(signed(KERNEL_BITS + 2))
        m.d.comb += wrapped.eq(placed.place + stepped.step_less_kernel)
        carry = wrapped >= 0
        with m.If(valid):
            m.d.sync += [placed.place.eq(Mux(carry, wrapped, within)), placed.carry.eq(carry)]
        with m.If(self._begin):
            m.d.sync += placed.place.eq(self.layer.kernel_taps - 1)
        m.d.sync += [placed.weight.eq(stepped.weight), placed.bad_code.eq(stepped.bad_code),
                     placed.channel_step.eq(stepped.channel_step)]

        valid, carried = self._stage(m, placed_valid, _CARRIED, "carried")
        step = placed.channel_step + placed.carry
        m.d.sync += [carried.weight.eq(placed.weight), carried.bad_code.eq(placed.bad_code),
                     carried.place.eq(placed.place), carried.step.eq(step),
                     carried.step_less_group.eq(placed.channel_step - self._channels_in + placed.carry)]
        return valid, carried

    def _next_channel(self, m, valid, carried):
        """c += channel step, modulo the channels of a group; a crossing if it wraps."""
        moved_valid, moved = self._stage(m, valid, _MOVED, "moved")
        wrapped = Signal(signed(CHANNEL_BITS + 2))
        m.d.comb += wrapped.eq(moved.channel + carried.step_less_group)
        crossing = wrapped >= 0
        with m.If(valid):
            m.d.sync += [moved.channel.eq(Mux(crossing, wrapped, moved.channel + carried.step)),
                         moved.crossing.eq(crossing)]
        with m.If(self._begin):
            m.d.sync += moved.channel.eq(self._channels_in - 1)
        m.d.sync += [moved.weight.eq(carried.weight), moved.bad_code.eq(carried.bad_code),
                     moved.place.eq(carried.place)]
        return moved_valid, moved

    def _next_output(self, m, valid, moved):
        """Counts output channels and groups; gives the tap with its absolute input channel."""
        counted_valid, counted = self._stage(m, valid, PLACED_TAP, "counted")
        remaining = Signal(CHANNEL_BITS, reset_less=True)       # output channels that have not begun
        none_remaining = Signal(reset_less=True)
        group_left = Signal(CHANNEL_BITS, reset_less=True)      # the same, of this group
        first_channel = Signal(INPUT_CHANNEL_BITS, reset_less=True)     # of this group
        begun = Signal()
        with m.If(valid & moved.crossing):
            m.d.sync += [remaining.eq(remaining - 1), none_remaining.eq(remaining == 1),
                         group_left.eq(group_left - 1), begun.eq(1)]
            with m.If(group_left == 0):
                m.d.sync += [group_left.eq(self._group_channels - 1),
                             first_channel.eq(first_channel + self._channels_in)]
        with m.If(self._begin):
            m.d.sync += [remaining.eq(self.layer.channels_out), none_remaining.eq(0),
                         group_left.eq(self._group_channels), first_channel.eq(0), begun.eq(0)]
        m.d.sync += [
            counted.weight.eq(moved.weight), counted.place.eq(moved.place), counted.channel.eq(moved.channel),
            counted.bad_code.eq(moved.bad_code), counted.crossing.eq(moved.crossing),
            counted.capture.eq(moved.crossing & begun), counted.terminator.eq(moved.crossing & none_remaining),
        ]
        m.d.comb += self.ended.eq(valid & moved.crossing & none_remaining & self.active)

        # The terminator is here, and goes on when nothing is `active` any more.
        tap_valid, tap = Signal(name="tap_valid"), Signal(PLACED_TAP, name="tap", reset_less=True)
        m.d.sync += [
            tap_valid.eq(counted_valid),
            tap.eq(counted),
            tap.channel.eq(first_channel + counted.channel),
            tap.bad_place.eq((counted.place >= self.layer.kernel_taps) | (counted.channel >= self._channels_in)),
        ]
        return tap_valid, tap

    def _issue(self, m, valid, tap):
        """The queue, and the distance between output channels."""
        m.submodules.queue = queue = CreditQueue(PLACED_TAP, depth=QUEUE_TAPS)
        gap = tile_gap_cycles(self._cfg)
        drain = Signal(range(gap))          # cycles until the next crossing may be issued
        head = queue.o.payload
        must_wait = head.crossing & (drain != 0)
        m.d.comb += [
            queue.release.eq(self._begin),
            queue.reserve.eq(self.reserve),
            queue.write.valid.eq(valid),
            queue.write.payload.eq(tap),
            queue.o.ready.eq(~must_wait),
            self.room.eq(queue.room),
            self.o.payload.eq(head),
            self.o.valid.eq(queue.o.valid & ~must_wait),
            self.starving.eq(self.active & queue.empty),
        ]
        with m.If(self.o.valid & head.crossing):
            m.d.sync += drain.eq(Mux(head.terminator, gap - 1, self._cfg.drain_cycles - 1))
        with m.Elif(drain != 0):
            m.d.sync += drain.eq(drain - 1)
        with m.If(self.start):
            m.d.sync += self.active.eq(1)
        with m.Elif(self.ended):
            m.d.sync += self.active.eq(0)
        m.d.sync += [
            self.tap_taken.eq(self.o.valid & ~head.terminator),
            self.stall_decoder.eq(self.active & ~queue.o.valid),
            self.stall_drain.eq(queue.o.valid & must_wait),
        ]
