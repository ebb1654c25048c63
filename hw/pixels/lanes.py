"""Lanes: 14 multipliers and accumulators a bank, all with the same weight."""

from amaranth import Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.accumulator import Accumulator
from firelane.hw.blocks.multiplier import LogicMultiplier, Multiplier
from firelane.hw.blocks.pair_sums import LogicPairSums, PairSums
from firelane.hw.blocks.pipeline import copies, delay
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, WEIGHT_BITS, EngineConfig
from firelane.hw.contract.geometry import bank_pixels, pixel_sums
from firelane.hw.contract.timing import accumulate_latency

LANE_TAP = data.StructLayout({"take": 1, "first": 1, "capture": 1, "weight": signed(WEIGHT_BITS)})
"""What lanes need of a tap; a cycle without a tap has `take` = `capture` = 0."""

SECOND_LANE_TAP = data.StructLayout({"take": 1, "weight": signed(WEIGHT_BITS)})
"""What they need of the second tap of a cycle; there is none if `take` = 0."""

PRODUCT_BITS = 16       #: uint8 x int8
LOAD_GROUP = 2          #: lanes that share a copy of "load, do not add"
ENABLE_GROUP = 7        #: lanes that share copies of the other controls, and of the weight
ENABLE_GROUPS = BANK_PIXELS // ENABLE_GROUP


class Lanes(wiring.Component):
    """Multiply each lane's pixel with the weight of all and accumulate; set sums aside on `capture`.

        take, MULTIPLY   acc = first ? product : acc + product
        take, MAXIMUM    acc = first ? pixel : max(acc, pixel)
        capture          hold = acc as it was before the tap of the same cycle, of every lane
        no capture       hold = hold of the bank above, so that the banks' sums leave through `shifted` one by one

    An engine that merges blocks has a chain of even banks and one of odd ones instead, which leave through `shifted`
    and `odd_shifted`. They move every second cycle, so that a bank can be picked in each, or with `blocks` in each.

    A maximum multiplies by 1, so that pixel and product are the same wires; then a lane is the larger of two bytes or
    the sum, and which one is a matter of the accumulator's enable.

    With two taps a cycle both products are added first; without a second tap, and always with a maximum, the second
    weight is 0.

    Shapes      banks x 14 pixels, 14 sums of `cfg.accumulator_bits`.
    Latency     `accumulate_latency(cfg)` cycles from `pixels` to the accumulator; capture: the same to bank 0 in
                `shifted`, bank b is there b cycles later, or in its chain; with `blocks` b div 2 cycles. `tap` comes
                LANE_TAP_LEAD cycles before its pixels.
    Throughput  `cfg.taps_per_cycle` taps a cycle; captures at least `cfg.banks` apart, with `blocks` half as much.
    Resources   1 MULT18X18D a lane, but none for the last `cfg.logic_lanes` ones, which are made of LUTs. With two taps
                a cycle lanes go by pairs (`PairSums`): 2 a pair, none for a pair with one of the last ones.
    Overflow    is for the compiler to exclude (compiler/ir/verify.py).

    Parameters
    ----------
    cfg : EngineConfig

    Members
    -------
    maximum : In(1)
        Operation.MAXIMUM; stable from 1 cycle before the first tap.
    tap : In(LANE_TAP)
    pixels : In(bank_pixels(cfg))
        Register outputs.
    second_tap : In(SECOND_LANE_TAP)
    second_pixels : In(bank_pixels(cfg))
        Only with two taps a cycle; together with the first's.
    shifted : Out(pixel_sums(cfg))
        Register outputs.
    blocks : In(1), odd_shifted : Out(pixel_sums(cfg))
        Only with `cfg.merges_blocks`. `blocks` is stable from 1 cycle before the first capture.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        self._pairs = cfg.taps_per_cycle == 2
        second = {"second_tap": In(SECOND_LANE_TAP), "second_pixels": In(bank_pixels(cfg))} if self._pairs else {}
        super().__init__({
            "maximum": In(1),
            "tap": In(LANE_TAP),
            "pixels": In(bank_pixels(cfg)),
            **second,
            "shifted": Out(pixel_sums(cfg)),
            **({"blocks": In(1), "odd_shifted": Out(pixel_sums(cfg))} if cfg.merges_blocks else {}),
        })

    def elaborate(self, platform):
        m = Module()
        weight = Signal(signed(WEIGHT_BITS), reset_less=True)
        m.d.sync += weight.eq(Mux(self.maximum, Const(1, signed(WEIGHT_BITS)), self.tap.weight))
        weights = [(copy,) for copy in copies(m, weight, self._cfg.lanes // ENABLE_GROUP, name="weight")]
        if self._pairs:
            weights = [(*first, second) for first, second in zip(weights, self._second_weights(m))]
        controls = [delay(m, signal, accumulate_latency(self._cfg), name=name) for signal, name in (
            (self.tap.take & (~self.maximum | self.tap.first), "always"),
            (self.tap.take & self.maximum, "if_larger"),
            (self.maximum | self.tap.first, "load"),
            (self.tap.capture, "capture"),
        )]
        controls.append(self._move(m, controls[-1]) if self._cfg.merges_blocks else None)
        chains = [self.shifted, self.odd_shifted] if self._cfg.merges_blocks else [self.shifted]
        above = [[Const(0, signed(self._cfg.accumulator_bits))] * BANK_PIXELS] * len(chains)
        for bank in reversed(range(self._cfg.banks)):
            chain = bank % len(chains)
            above[chain] = self._add_bank(m, bank, above[chain], weights[bank * ENABLE_GROUPS:][:ENABLE_GROUPS],
                                          controls)
        m.d.comb += [shifted[n].eq(hold) for shifted, holds in zip(chains, above) for n, hold in enumerate(holds)]
        return m

    def _move(self, m, capture) -> Signal:
        """Chains move in the next cycle: after a capture every second cycle, with `blocks` always."""
        second = Signal()
        m.d.sync += second.eq(~second & ~capture)
        move = Signal()
        m.d.comb += move.eq(capture | second | self.blocks)
        return move

    def _second_weights(self, m) -> list:
        weight = Signal(signed(WEIGHT_BITS), name="second_weight", reset_less=True)
        m.d.sync += weight.eq(Mux(self.second_tap.take & ~self.maximum, self.second_tap.weight, 0))
        return copies(m, weight, self._cfg.lanes // ENABLE_GROUP, name="second_weight")

    def _add_bank(self, m, bank: int, above: list, weights, controls) -> list:
        """The 14 lanes of one bank; controls come one clock before the products they are for. Returns its sums."""
        always, if_larger, load, capture, move = controls
        always, if_larger, capture = (copies(m, signal, ENABLE_GROUPS, name=f"{name}_{bank}") for signal, name in (
            (always, "always"), (if_larger, "if_larger"), (capture, "capture")))
        load = copies(m, load, BANK_PIXELS // LOAD_GROUP, name=f"load_{bank}")
        moves = None if move is None else copies(m, move, ENABLE_GROUPS, name=f"move_{bank}")
        holds = []
        for n, term in enumerate((self._pair_sums if self._pairs else self._products)(m, bank, weights)):
            group = n // ENABLE_GROUP
            accumulator = Accumulator(len(term), self._cfg.accumulator_bits)
            m.submodules[f"accumulator_{bank}_{n}"] = accumulator
            total = accumulator.total
            hold = Signal(signed(self._cfg.accumulator_bits), name=f"hold_{bank}_{n}", reset_less=True)
            larger = term[:8] > total[:8]           # both are pixels when this counts
            m.d.comb += [accumulator.term.eq(term), accumulator.load.eq(load[n // LOAD_GROUP]),
                         accumulator.enable.eq(always[group] | (if_larger[group] & larger))]
            following = hold.eq(Mux(capture[group], total, above[n]))
            if moves is None:
                m.d.sync += following
            else:
                with m.If(moves[group]):
                    m.d.sync += following
            holds.append(hold)
        return holds

    def _products(self, m, bank: int, weights):
        """What each lane of a bank adds, one after the other."""
        for n in range(BANK_PIXELS):
            weight, = weights[n // ENABLE_GROUP]
            multiplier = self._multiplier(bank * BANK_PIXELS + n)
            m.submodules[f"multiplier_{bank}_{n}"] = multiplier
            m.d.comb += [multiplier.a.eq(self.pixels[bank][n]), multiplier.b.eq(weight)]
            yield multiplier.product[:PRODUCT_BITS].as_signed()

    def _pair_sums(self, m, bank: int, weights):
        """The same with two taps a cycle."""
        for n in range(0, BANK_PIXELS, 2):
            first, second = weights[n // ENABLE_GROUP]
            sums = (LogicPairSums if self._of_luts(bank * BANK_PIXELS + n + 1) else PairSums)()
            m.submodules[f"sums_{bank}_{n}"] = sums
            pixels, second_pixels = self.pixels[bank], self.second_pixels[bank]
            m.d.comb += [sums.first_lower.eq(pixels[n]), sums.first_upper.eq(pixels[n + 1]),
                         sums.second_lower.eq(second_pixels[n]), sums.second_upper.eq(second_pixels[n + 1]),
                         sums.first_weight.eq(first), sums.second_weight.eq(second)]
            yield from (sums.lower, sums.upper)

    def _of_luts(self, lane: int) -> bool:
        return lane >= self._cfg.lanes - self._cfg.logic_lanes

    def _multiplier(self, lane: int):
        return LogicMultiplier() if self._of_luts(lane) else Multiplier(unsigned(PIXEL_BITS), signed(WEIGHT_BITS))
