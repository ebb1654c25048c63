"""From pairs of steps to taps, two a cycle where that may be: which place and channel, and when they are issued."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.credit_queue import CreditQueue
from firelane.hw.blocks.pipeline import delay
from firelane.hw.contract.config import WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import (
    CHANNEL_BITS,
    DESCRIPTOR,
    KERNEL_BITS,
    RUN_ENTRY,
    Source,
    makes_blocks,
)
from firelane.hw.contract.timing import tile_gap_cycles
from firelane.hw.taps.tap_generator import INPUT_CHANNEL_BITS, PLACED_TAP, QUEUE_TAPS
from firelane.hw.taps.weight_decoder import DECODED_PAIR, takes_single_taps
from firelane.hw.taps.write_cycles import WriteCycles

SECOND_TAP = data.StructLayout({
    "take": 1,                          #: there is one
    "weight": WEIGHT_BITS,
    "place": KERNEL_BITS,
    "channel": INPUT_CHANNEL_BITS,
    "bad_code": 1,
    "bad_place": 1,
})
"""The tap that is issued together with another one, of the same output channel."""

PLACED_PAIR = data.StructLayout({"first": PLACED_TAP, "second": SECOND_TAP})

# Sums of two steps have a bit more than one: what such a sum must not be shows in it.
_PAIR_PLACE_BITS, _PAIR_CHANNEL_BITS = KERNEL_BITS + 1, CHANNEL_BITS + 1

_WEIGHTS = data.ArrayLayout(data.StructLayout({"weight": WEIGHT_BITS, "bad_code": 1}), 2)
_PLACES = data.StructLayout({"first": KERNEL_BITS, "second": _PAIR_PLACE_BITS})
_SUMMED = data.StructLayout({"first": RUN_ENTRY, "place": _PAIR_PLACE_BITS, "channel": _PAIR_CHANNEL_BITS})
_STEPPED = data.StructLayout({
    "first": RUN_ENTRY, "first_less_kernel": signed(KERNEL_BITS + 2),
    "step": _PAIR_PLACE_BITS, "step_less_kernel": signed(_PAIR_PLACE_BITS + 2), "wrapped": 1,
    "channel": _PAIR_CHANNEL_BITS,
})
_PLACED = data.StructLayout({
    "first": KERNEL_BITS, "first_carry": 1, "first_channel": CHANNEL_BITS,
    "place": _PAIR_PLACE_BITS, "carry": 1, "channel": _PAIR_CHANNEL_BITS,
})
_CARRIED = data.StructLayout({
    "first_step": CHANNEL_BITS + 1, "first_less_group": signed(CHANNEL_BITS + 2),
    "step": _PAIR_CHANNEL_BITS + 1, "step_less_group": signed(_PAIR_CHANNEL_BITS + 2),
})
_MOVED = data.StructLayout({
    "first": CHANNEL_BITS, "first_crossing": 1, "channel": _PAIR_CHANNEL_BITS, "crossing": 1,
})

_QUEUED = data.StructLayout({
    "tap": PLACED_TAP,
    "single": 1,            # issued alone, and the next is a first one
    "blocks": 1,            # of a layer whose lanes are merged by blocks
})


class PairGenerator(wiring.Component):
    """Follows pairs of steps through (output channel, input channel, kernel place) and issues taps, up to two a cycle.

    The first of a pair of steps leads to one tap, both together to the next. Their sum, modulo the kernel, is made
    before the loop, which adds once only, as that of `TapGenerator` does. Of the taps of a pair at most one begins an
    output channel or is the terminator. Where taps are single ones (`takes_single_taps`) the second step is 0.

    First and second taps are in a queue each. In a cycle the next tap is issued when it may, by the rules of
    `TapGenerator`; with it the one behind it, if that is of the same output channel and the port that would read for it
    does not write (`WriteCycles`). Output channels are as far apart as the layer says by which a tap was made
    (`makes_blocks`). `hw.contract.issue` is the same rule.

    Latency     `place_cycles(cfg)` from `i` to `o`, if the tap need not wait.
    Throughput  2 taps a cycle.

    Parameters
    ----------
    cfg : EngineConfig
        Of two taps a cycle.

    Members
    -------
    layer, start, active, ended, room, reserve, starving, stall_decoder, stall_drain : as of TapGenerator
    i : In(stream of DECODED_PAIR, always ready)
    o : Out(stream of PLACED_PAIR, always ready)
    tap_taken : Out(2)
        Taps that are issued. A register.
    load_request : In(1), load_slot : Out(1)
        As of WriteCycles.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "layer": In(DESCRIPTOR), "start": In(1), "active": Out(1), "room": Out(1), "reserve": In(1),
            "i": In(stream.Signature(DECODED_PAIR, always_ready=True)),
            "o": Out(stream.Signature(PLACED_PAIR, always_ready=True)),
            "ended": Out(1), "starving": Out(1), "tap_taken": Out(2), "stall_decoder": Out(1), "stall_drain": Out(1),
            "load_request": In(1), "load_slot": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._channels_in = Signal(CHANNEL_BITS, reset_less=True)
        self._group_channels = Signal(CHANNEL_BITS, reset_less=True)
        self._single = Signal(reset_less=True)
        self._blocks = Signal(reset_less=True)
        window = self.layer.source == Source.WINDOW
        m.d.sync += [self._channels_in.eq(Mux(window, 1, self.layer.channels_in)),
                     self._group_channels.eq(Mux(window, 1, self.layer.group_channels)),
                     self._single.eq(takes_single_taps(self.layer)), self._blocks.eq(makes_blocks(self.layer))]
        # One cycle after `start`, when the registers above are right.
        self._begin = Signal()
        m.d.sync += self._begin.eq(self.start)

        valid, stepped = self._add_steps(m)
        valid, placed = self._next_place(m, valid, stepped)
        valid, moved = self._next_channel(m, valid, placed)
        self._issue(m, *self._next_output(m, valid, moved, *self._beside(m, placed)))
        return m

    def _beside(self, m, placed):
        """Places and weights, at the time at which the channels are known."""
        places, weights = Signal(_PLACES), Signal(_WEIGHTS)
        m.d.comb += [places.first.eq(placed.first), places.second.eq(placed.place)]
        m.d.comb += [part.eq(Cat(decoded.step.weight, decoded.bad)) for part, decoded in zip(weights, self.i.payload)]
        return delay(m, places, 2, name="places"), delay(m, weights, 5, name="weights")

    def _stage(self, m, valid, shape, name: str):
        """A pipeline register; emptied while not active."""
        later_valid = Signal(name=f"{name}_valid")
        m.d.sync += later_valid.eq(valid & self.active)
        return later_valid, Signal(shape, name=name, reset_less=True)

    def _add_steps(self, m):
        """Both steps together; then modulo the kernel, and each less a whole kernel, so that the loop adds once."""
        kernel = self.layer.kernel_taps
        first, second = (decoded.step.step for decoded in self.i.payload)
        summed_valid, summed = self._stage(m, self.i.valid, _SUMMED, "summed")
        m.d.sync += [
            summed.first.eq(first),
            summed.place.eq(first.kernel_step + Mux(self._single, 0, second.kernel_step)),
            summed.channel.eq(first.channel_step + Mux(self._single, 0, second.channel_step)),
        ]
        valid, stepped = self._stage(m, summed_valid, _STEPPED, "stepped")
        less_kernel = Signal(signed(_PAIR_PLACE_BITS + 2))
        m.d.comb += less_kernel.eq(summed.place - kernel)
        wrapped = less_kernel >= 0
        m.d.sync += [
            stepped.first.eq(summed.first), stepped.first_less_kernel.eq(summed.first.kernel_step - kernel),
            stepped.step.eq(Mux(wrapped, less_kernel, summed.place)),
            stepped.step_less_kernel.eq(Mux(wrapped, summed.place - Cat(Const(0, 1), kernel), less_kernel)),
            stepped.wrapped.eq(wrapped), stepped.channel.eq(summed.channel),
        ]
        return valid, stepped

    def _next_place(self, m, valid, stepped):
        """k += step, modulo the kernel: to the second tap's place in the loop, beside it to the first one's."""
        valid_placed, placed = self._stage(m, valid, _PLACED, "placed")
        wrapped, first_wrapped = Signal(signed(_PAIR_PLACE_BITS + 2)), Signal(signed(KERNEL_BITS + 3))
        m.d.comb += [wrapped.eq(placed.place + stepped.step_less_kernel),
                     first_wrapped.eq(placed.place + stepped.first_less_kernel)]
        carry, first_carry = wrapped >= 0, first_wrapped >= 0
        with m.If(valid):
            m.d.sync += [
                placed.place.eq(Mux(carry, wrapped, placed.place + stepped.step)), placed.carry.eq(carry),
                placed.first.eq(Mux(first_carry, first_wrapped, placed.place + stepped.first.kernel_step)),
                placed.first_carry.eq(first_carry),
            ]
        with m.If(self._begin):
            m.d.sync += placed.place.eq(self.layer.kernel_taps - 1)
        m.d.sync += [placed.first_channel.eq(stepped.first.channel_step),
                     placed.channel.eq(stepped.channel + stepped.wrapped)]
        return valid_placed, placed

    def _next_channel(self, m, valid, placed):
        """c += channel step and carry, modulo the channels of a group; a crossing if it wraps."""
        valid_carried, carried = self._stage(m, valid, _CARRIED, "carried")
        m.d.sync += [
            carried.first_step.eq(placed.first_channel + placed.first_carry),
            carried.first_less_group.eq(placed.first_channel - self._channels_in + placed.first_carry),
            carried.step.eq(placed.channel + placed.carry),
            carried.step_less_group.eq(placed.channel - self._channels_in + placed.carry),
        ]
        valid_moved, moved = self._stage(m, valid_carried, _MOVED, "moved")
        wrapped = Signal(signed(_PAIR_CHANNEL_BITS + 3))
        first_wrapped = Signal(signed(_PAIR_CHANNEL_BITS + 3))
        m.d.comb += [wrapped.eq(moved.channel + carried.step_less_group),
                     first_wrapped.eq(moved.channel + carried.first_less_group)]
        crossing, first_crossing = wrapped >= 0, first_wrapped >= 0
        with m.If(valid_carried):
            m.d.sync += [
                moved.channel.eq(Mux(crossing, wrapped, moved.channel + carried.step)), moved.crossing.eq(crossing),
                moved.first.eq(Mux(first_crossing, first_wrapped, moved.channel + carried.first_step)),
                moved.first_crossing.eq(first_crossing),
            ]
        with m.If(self._begin):
            m.d.sync += moved.channel.eq(self._channels_in - 1)
        return valid_moved, moved

    def _next_output(self, m, valid, moved, places, weights):
        """Counts output channels and groups; gives (it is one, the tap with its absolute input channel) of both."""
        first_crossing, second_crossing = moved.first_crossing, moved.crossing & ~moved.first_crossing
        none_remaining, begun, bases = self._count_channels(m, valid, moved)
        first_valid, first = self._stage(m, valid, _QUEUED, "first")
        second_valid, second = Signal(name="second_valid"), Signal(_QUEUED, name="second", reset_less=True)
        ends = moved.crossing & none_remaining
        m.d.comb += self.ended.eq(valid & ends & self.active)
        m.d.sync += second_valid.eq(valid & self.active & ~self._single & ~(first_crossing & none_remaining))
        for tap, crossing, weight in ((first, first_crossing, weights[0]), (second, second_crossing, weights[1])):
            m.d.sync += [
                tap.tap.weight.eq(weight.weight), tap.tap.bad_code.eq(weight.bad_code),
                tap.tap.crossing.eq(crossing), tap.tap.capture.eq(crossing & begun),
                tap.tap.terminator.eq(crossing & none_remaining),
            ]
        m.d.sync += [first.single.eq(self._single | (first_crossing & none_remaining)),
                     second.single.eq(second_crossing & none_remaining), first.blocks.eq(self._blocks)]
        return (self._locate(m, "first", first_valid, first, places.first, moved.first, bases[0]),
                self._locate(m, "second", second_valid, second, places.second, moved.channel, bases[1]))

    def _locate(self, m, name: str, valid, tap, place, channel, base):
        """A tap with its place and absolute channel, which come a cycle before it; the terminator goes on when nothing
        is `active` any more."""
        own_place, own_channel = Signal.like(place, reset_less=True), Signal.like(channel, reset_less=True)
        located_valid = Signal(name=f"{name}_located_valid")
        located = Signal(_QUEUED, name=f"{name}_located", reset_less=True)
        m.d.sync += [
            own_place.eq(place), own_channel.eq(channel),
            located_valid.eq(valid), located.eq(tap),
            located.tap.place.eq(own_place), located.tap.channel.eq(base + own_channel),
            located.tap.bad_place.eq((own_place >= self.layer.kernel_taps) | (own_channel >= self._channels_in)),
        ]
        return located_valid, located

    def _count_channels(self, m, valid, moved):
        """Registers: the next crossing is the terminator; a channel has begun; first channels of both taps' groups."""
        remaining = Signal(CHANNEL_BITS, reset_less=True)       # output channels that have not begun
        none_remaining = Signal(reset_less=True)
        group_left = Signal(CHANNEL_BITS, reset_less=True)      # the same, of this group
        bases = [Signal(INPUT_CHANNEL_BITS, name=f"{name}_base", reset_less=True) for name in ("first", "second")]
        begun = Signal()
        with m.If(valid):
            m.d.sync += bases[0].eq(bases[1])
        with m.If(valid & moved.crossing):
            m.d.sync += [remaining.eq(remaining - 1), none_remaining.eq(remaining == 1),
                         group_left.eq(group_left - 1), begun.eq(1)]
            with m.If(group_left == 0):
                m.d.sync += [group_left.eq(self._group_channels - 1), bases[1].eq(bases[1] + self._channels_in)]
                with m.If(moved.first_crossing):
                    m.d.sync += bases[0].eq(bases[1] + self._channels_in)
        with m.If(self._begin):
            m.d.sync += [remaining.eq(self.layer.channels_out), none_remaining.eq(0),
                         group_left.eq(self._group_channels), bases[1].eq(0), begun.eq(0)]
        return none_remaining, begun, bases

    def _issue(self, m, *located):
        """The queues, and what of their heads is issued in a cycle."""
        queues = [self._queue(m, name, *tap) for name, tap in zip(("first", "second"), located)]
        turn = Signal()             # the queue in which the next tap is
        draining = Signal()         # the next crossing may not be issued yet
        heads = [queue.o.payload for queue in queues]
        must_wait = [head.tap.crossing & draining for head in heads]
        may_go = [queue.o.valid & ~wait for queue, wait in zip(queues, must_wait)]
        writes = m.submodules.writes = WriteCycles(self._cfg)
        joins = [queue.o.valid & ~head.tap.crossing & ~writes.writes for queue, head in zip(queues, heads)]
        issued, both = Signal(), Signal()
        head = Signal(_QUEUED)
        m.d.comb += [
            head.eq(Mux(turn, heads[1], heads[0])),
            issued.eq(Mux(turn, may_go[1], may_go[0])),
            both.eq(Mux(turn, may_go[1] & joins[0] & ~heads[1].single, may_go[0] & joins[1] & ~heads[0].single)),
            queues[0].o.ready.eq(Mux(turn, both, issued)), queues[1].o.ready.eq(Mux(turn, issued, both)),
            writes.load_request.eq(self.load_request),
            self.load_slot.eq(writes.load_slot),
            self.room.eq(queues[0].room & (queues[1].room | self._single)),
            self.starving.eq(self.active & queues[0].empty & queues[1].empty),
        ]
        with m.If(issued):
            m.d.sync += turn.eq(Mux(head.single, 0, turn ^ ~both))
        with m.If(self.start):
            m.d.sync += self.active.eq(1)
        with m.Elif(self.ended):
            m.d.sync += self.active.eq(0)
        self._count_captured(m, writes, issued & head.tap.capture, head.blocks)
        self._wait(m, draining, issued & head.tap.crossing, head)
        self._emit(m, issued, both, head.tap, Mux(turn, heads[0].tap, heads[1].tap))
        valid = Mux(turn, queues[1].o.valid, queues[0].o.valid)
        m.d.sync += [self.tap_taken.eq(Cat((issued & ~head.tap.terminator) ^ both, both)),
                     self.stall_decoder.eq(self.active & ~valid),
                     self.stall_drain.eq(valid & Mux(turn, must_wait[1], must_wait[0]))]

    def _queue(self, m, name: str, valid, tap):
        queue = m.submodules[f"{name}_queue"] = CreditQueue(_QUEUED, depth=QUEUE_TAPS)
        m.d.comb += [
            queue.release.eq(self._begin),
            queue.reserve.eq(self.reserve if name == "first" else self.reserve & ~self._single),
            queue.write.valid.eq(valid),
            queue.write.payload.eq(tap),
        ]
        return queue

    def _count_captured(self, m, writes: WriteCycles, captured, blocks):
        if self._cfg.merges_blocks:
            m.d.comb += [writes.captured.eq(captured & ~blocks), writes.captured_blocks.eq(captured & blocks)]
        else:
            m.d.comb += writes.captured.eq(captured)

    def _wait(self, m, draining, crossing, head):
        """The distance between output channels, and between tiles."""
        gap, cfg = tile_gap_cycles(self._cfg), self._cfg
        least = cfg.drain_cycles - 1
        if cfg.merges_blocks:
            least = Mux(head.blocks, cfg.block_cycles - 1, least)
        left = Signal(range(gap))           # cycles until the next crossing may be issued
        with m.If(crossing):
            m.d.sync += [left.eq(Mux(head.tap.terminator, gap - 1, least)), draining.eq(1)]
        with m.Elif(draining):
            m.d.sync += [left.eq(left - 1), draining.eq(left != 1)]

    def _emit(self, m, issued, both, first, second):
        out = self.o.payload
        m.d.comb += [self.o.valid.eq(issued), out.first.eq(first), out.second.take.eq(both)]
        second = data.View(PLACED_TAP, second)
        m.d.comb += [getattr(out.second, name).eq(getattr(second, name))
                     for name in ("weight", "place", "channel", "bad_code", "bad_place")]
