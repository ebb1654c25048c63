"""A network on an engine: what fits, cycles, schedule, memory, ROM, weights; compiled, or estimated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firelane.compiler.fit.report import Report
from firelane.compiler.fit.weight_levels import weight_levels
from firelane.compiler.schedule.search import Schedule
from firelane.compiler.support.fitted_table import shortened
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig
from firelane.report.figures import layers, roofline, schedule, usage, values
from firelane.report.figures.whole_layers import BYTE_BITS, WholeLayer, whole_layers
from firelane.report.page.document import Plot, Section, Table

MAP_WIDTH = 32          #: characters of the name of a map in a sentence
MUCH_CLIPPED = 0.05     #: of a layer's weights, beside one for each channel
MOST_STEPS = 6000       #: instructions of a frame that are drawn one by one


@dataclass(frozen=True, eq=False)
class Facts:
    """What the sections are made of: all figures of a network on an engine, and its schedule if there is one."""

    report: Report
    engine: EngineConfig
    plan: Schedule | None

    @property
    def layers(self) -> list[WholeLayer]:
        """Its layers; the parts into which the compiler has cut one count together."""
        return whole_layers(self.report.layers, self.report.macs)


def sections(facts: Facts) -> Iterator[Section]:
    """All of them, those first that answer most."""
    yield fits(facts)
    yield cycles(facts)
    if facts.plan is not None:
        yield timeline(facts, facts.plan)
        yield memory(facts, facts.plan)
    yield rom(facts)
    if facts.plan is not None:
        yield weights(facts.plan)
    if roofline.streamed(facts.layers):
        yield roofs(facts)
    yield figures(facts)


def fits(facts: Facts) -> Section:
    """What is used of the engine's memories and of the board's device."""
    lines = [line for line in facts.report.usage if line.available]
    short = [line.name for line in lines if not line.fits]
    fullest = max(lines, key=lambda line: line.used / (line.available or 1))
    sees = (f"A bar beyond the dashed line is something that there is not enough of: {', '.join(short)}." if short else
            f"Nothing is beyond the dashed line, so all of it fits; {fullest.name} is fullest.")
    rows = tuple((line.name, f"{line.used:,}", "" if line.available is None else f"{line.available:,}",
                  "" if line.available is None else f"{line.used / line.available:.1%}",
                  "" if line.available is None else "fits" if line.fits else f"{line.used - line.available:,} too many")
                 for line in facts.report.usage)
    return Section("fits", "What fits", "", (
        Plot("usage", "Used of what there is", sees, usage.usage(lines)),
        Plot("blocks", "What block RAMs are for", "Blocks of 18 Kbit (EBR) by the memory that they are part of; the "
             "activation memory takes the same number however many of its words are used.",
             usage.blocks(facts.report.usage)),
        Table("What is needed, in numbers", ("", "needed", "there are", "share", ""), rows, folded=True)))


def cycles(facts: Facts) -> Section:
    """Cycles of each layer beside the ideal."""
    rows, cost = facts.layers, facts.report.cost
    ideal = sum(row.ideal for row in rows)
    most = max(rows, key=lambda row: row.cycles)
    text = (f"A frame takes {cost.total:,} cycles, {ideal:,} of them ideal ({ideal / cost.total:.1%}): a cycle for "
            f"each weight that is not zero, or place of a window, in each tile. The rest are starts and ends of tiles, "
            f"fetches, {cost.waiting:,} cycles of waiting for the image, and what is computed twice to save memory.")
    sees = (f"The longest bar is where time goes: {most.name} takes {most.cycles / cost.total:.0%}. Light that sticks "
            "out far beyond dark is overhead: many small tiles, or a layer that is computed more than once.")
    if not facts.plan:
        text = (f"A frame takes at least {cost.total:,} cycles: a cycle for each weight that is not zero, or place of "
                "a window, in each pass of a layer's pixels over the multipliers. There is no schedule, because the "
                "engine cannot run the network as it is.")
    return Section("cycles", "Cycles of each layer", text, (
        Plot("cycles-by-layer", "Cycles of a frame by layer, ideal and all", sees, layers.cycles(rows)),))


def timeline(facts: Facts, plan: Schedule) -> Section:
    """The schedule as bars."""
    text = (f"{len(plan.steps):,} instructions run one after the other, a tile of some rows each; layers take turns, "
            "so that few rows of each map have to be stored at a time.")
    if len(plan.steps) > MOST_STEPS:
        return Section("schedule", "Schedule", f"{text} They are too many to be drawn.", ())
    sees = ("Time runs to the right. A layer in many short bars takes turns with its neighbours; one in a single bar "
            "needs all of its input first. Zoom in by drawing a box, and out by a double click.")
    return Section("schedule", "Schedule", text, (
        Plot("timeline", "Instructions of a frame", sees, schedule.timeline(plan, facts.report.cost.ends)),))


def memory(facts: Facts, plan: Schedule) -> Section:
    """Words of activation memory by time, and where blocks are stored."""
    ends, capacity = facts.report.cost.ends, facts.engine.activation_words
    time, most, maps = schedule.worst(plan)
    layer = plan.network.layers[plan.steps[time].layer].name
    text = (f"Each bank has {capacity:,} words of 14 pixels. At the worst moment, in {layer}, {most:,} words live: of "
            f"{', '.join(shortened(name, MAP_WIDTH) for name in maps[:4])}{' and others' if len(maps) > 4 else ''}.")
    parts = [Plot("words", "Words of activation memory by time",
                  "The line must stay below the dashed one. Where it comes near, maps that are not needed at once cost "
                  "most: there a smaller input, or more banks, would help.", schedule.words(plan, ends, capacity))]
    if plan.addresses and len(plan.lives) <= MOST_STEPS:
        parts.append(Plot("live-ranges", "Where row groups of maps are stored, and for how long",
                          "A box is a row group of a map: as high as it has words, as long as it is needed. Boxes of "
                          "one colour side by side are a map that is made row by row; gaps between boxes are "
                          "free memory.", schedule.live_ranges(plan, ends, capacity)))
    return Section("memory", "Activation memory", text, tuple(parts))


def rom(facts: Facts) -> Section:
    """Bytes of ROM by layer and kind."""
    rows, size = facts.layers, facts.report.rom
    entropy = sum(row.entropy_bits for row in rows)
    coded = size.values + size.runs
    text = (f"{size.bytes:,} bytes: {size.values / BYTE_BITS:,.0f} of values, {size.runs / BYTE_BITS:,.0f} of runs of "
            f"zeros between them, {size.parameters / BYTE_BITS:,.0f} of biases and scales, "
            f"{size.tables / BYTE_BITS:,.0f} of code tables. Values and runs are {coded / entropy - 1:.1%} above the "
            "entropy of their symbols, layer by layer." if entropy else f"{size.bytes:,} bytes.")
    if facts.report.coding:
        text += f" {facts.report.coding}."
    sees = ("The longest bars are where firelane compress has most to win. The upright mark is the entropy of values "
            "and runs, the least that a code symbol by symbol could take: where blue ends to the right of it, the code "
            "pays for whole bits.")
    return Section("rom", "ROM", text, (
        Plot("rom-by-layer", "Bytes of ROM by layer and kind", sees, layers.rom(rows)),
        Plot("density", "Density, and bits a weight", "Left: how many weights are not zero, which is what cycles go "
             "with. Right: what each of them takes in ROM, its position included; 8 bits would be plain int8 without "
             "positions.", layers.density(rows))))


def weights(plan: Schedule) -> Section:
    """Histograms of weights, and clipping."""
    found = [layer for layer in weight_levels(plan.network) if layer.nonzero]
    whole = values.whole(found)
    worst = max(whole, key=lambda layer: layer.excess)
    clipping = (f"In {worst.layer} {worst.excess:.2%} are there beside these, which is clipping."
                if worst.excess > MUCH_CLIPPED else
                f"Few others are ({worst.excess:.2%} at most, in {worst.layer}): nothing is clipped.")
    text = (f"{sum(layer.nonzero for layer in found):,} weights are not zero: these are what the engine multiplies by, "
            "and what is shown below.")
    return Section("weights", "Weights", text, (
        Plot("levels", "How often each weight occurs", "A bell is what training leaves; a gap around zero is what "
             "pruning leaves; few separate bars are a network that was compressed to few levels. The scale is "
             "logarithmic.", values.levels(found)),
        Plot("levels-by-layer", "Weights by layer", "Each row is a layer. Colour that ends well before the edges is a "
             "layer that uses part of its int8 range; bright columns are levels that it shares.",
             values.levels_by_layer(found)),
        Plot("weights-clipped", "Weights at the end of their range",
             "Weights of ±127 or -128. The largest of each output channel is there in any case, because its scale is "
             f"chosen so, and where few weights are not zero that is a large share. {clipping}",
             values.clipped([layer.layer for layer in whole], [layer.clipped for layer in whole],
                            "weights other than zero"))))


def roofs(facts: Facts) -> Section:
    """The roofline."""
    lanes, rate = facts.report.lanes, facts.report.macs_per_lane_and_cycle
    rows = roofline.streamed(facts.layers)
    memory_bound = [row.name for row in rows if row.macs / row.streamed_bits < lanes / MEMORY_BITS]
    text = (f"{lanes} multipliers do a multiplication a cycle each: that is the flat roof. Weights come from a memory "
            f"of {MEMORY_BITS} bits a cycle, compressed, and are read again for every tile: that is the slanted one. "
            "Multiplications by zero are counted here and not done there, so a sparse layer may be above the flat "
            f"roof; the whole frame does {rate:.2f} a multiplier and cycle.")
    sees = ("Orange marks are what a layer could reach if every multiplier had work in every cycle; how far its circle "
            "is below is what narrow maps and starts of tiles cost. "
            + (f"Left of the knee weights would be the limit: {', '.join(memory_bound[:3])}." if memory_bound else
               "All layers are right of the knee: multipliers are the limit, not the weight memory."))
    return Section("roofline", "Roofline", text, (
        Plot("roofline-by-layer", "Multiplications a cycle against what a bit of weights brings", sees,
             roofline.roofline(facts.layers, lanes)),))


def figures(facts: Facts) -> Section:
    """The figures of all layers as a table."""
    total = facts.report.cost.total
    return Section("figures", "Figures of all layers", "What the plots above are drawn from.",
                   (layer_table(facts.layers, total),))


def layer_table(rows: Sequence[WholeLayer], total: int) -> Table:
    """A row for each layer."""
    heads = ("layer", "runs as", "instructions", "cycles", "share", "ideal", "weights", "not zero", "bits/weight",
             "ROM bytes")
    return Table("Figures of all layers", heads, tuple(
        (row.name, row.kind, f"{row.instructions:,}", f"{row.cycles:,}", f"{row.cycles / total:.1%}",
         f"{row.ideal:,}" if row.ideal else "", f"{row.weights:,}" if row.weights else "",
         "" if row.density is None else f"{row.density:.1%}", "" if row.code_bits is None else f"{row.code_bits:.2f}",
         f"{row.rom.bytes:,}" if row.rom.bits else "") for row in rows), folded=True)
