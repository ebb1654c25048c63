"""Plots of a schedule: what runs when, and what activation memory holds meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from plotly.graph_objects import Bar, Figure, Scatter

from firelane.compiler.schedule.lifetimes import Lifetime, live_words
from firelane.compiler.schedule.search import Schedule
from firelane.compiler.tiles.layers import AnyLayer, AverageLayer, LoadLayer, OutputLayer, TileLayer
from firelane.report.figures.style import BLUE, CYCLE, GREEN, ORANGE, PINK, RED, SKY, by_layer, new_figure
from firelane.sim.judge.layer_cycles import whole_name

KINDS = (("tile with weights", BLUE), ("tile of pooling or addition", SKY), ("load of image rows", ORANGE),
         ("average", GREEN), ("output of results", PINK))
ENDS = tuple[int, ...]          #: cycle in which each instruction is through (`compiler.schedule.cost_model.FrameCost`)


def timeline(plan: Schedule, ends: ENDS) -> Figure:
    """Every instruction of a frame: a bar from its beginning to its end, in the row of its layer."""
    begins = (0, *ends)
    names = list(dict.fromkeys(whole_name(layer.name) for layer in plan.network.layers))
    figure = by_layer(names, "cycles from the start of the frame", barmode="overlay", bargap=0.15)
    for kind, colour in KINDS:
        chosen = [number for number, step in enumerate(plan.steps) if kind_of(plan.network.layers[step.layer]) == kind]
        if not chosen:
            continue
        steps = [plan.steps[number] for number in chosen]
        figure.add_trace(Bar(
            y=[whole_name(plan.network.layers[step.layer].name) for step in steps],
            base=[begins[number] for number in chosen], x=[ends[number] - begins[number] for number in chosen],
            customdata=[[number, plan.network.layers[step.layer].name, step.first_row, step.first_row + step.rows - 1]
                        for number, step in zip(chosen, steps)],
            orientation="h", name=kind, marker={"color": colour, "line": {"width": 0}},
            hovertemplate="%{customdata[1]}: rows %{customdata[2]} to %{customdata[3]}<br>instruction "
                          "%{customdata[0]}, %{x:,} cycles from %{base:,}<extra></extra>"))
    figure.update_xaxes(range=[0, ends[-1]])
    return figure


def kind_of(layer: AnyLayer) -> str:
    """What an instruction of a layer is, in the words of KINDS."""
    match layer:
        case TileLayer():
            return KINDS[0 if layer.weights is not None else 1][0]
        case LoadLayer():
            return KINDS[2][0]
        case AverageLayer():
            return KINDS[3][0]
        case OutputLayer():
            return KINDS[4][0]


def words(plan: Schedule, ends: ENDS, capacity: int) -> Figure:
    """Words of activation memory that live while each instruction runs, under the line of what there are."""
    live = live_words(plan.lives, len(plan.steps)).tolist()
    figure = new_figure(280, "cycles from the start of the frame", "words of a bank")
    figure.add_trace(Scatter(x=[0, *ends], y=[*live, live[-1]], mode="lines", name="words that live", fill="tozeroy",
                             line={"shape": "hv", "color": BLUE, "width": 1.5},
                             hovertemplate="from cycle %{x:,}: %{y:,} words<extra></extra>"))
    figure.add_trace(Scatter(x=[0, ends[-1]], y=[capacity, capacity], mode="lines", name="words that there are",
                             line={"color": RED, "width": 2, "dash": "dash"},
                             hovertemplate="%{y:,} words<extra></extra>"))
    figure.update_xaxes(range=[0, ends[-1]])
    figure.update_yaxes(rangemode="tozero")
    return figure


def live_ranges(plan: Schedule, ends: ENDS, capacity: int) -> Figure:
    """Where each block of a map is stored, and from when to when; a colour a map, as far as there are colours."""
    begins = (0, *ends)
    names = [_whole_map(plan, life) for life in plan.lives]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    figure = new_figure(420, "cycles from the start of the frame", "address, words", showlegend=False,
                        uniformtext={"minsize": 8, "mode": "hide"})
    addresses = [plan.addresses[life.block] for life in plan.lives]
    figure.add_trace(Bar(
        orientation="h", base=[begins[life.start] for life in plan.lives],
        x=[ends[life.end] - begins[life.start] for life in plan.lives],
        y=[address + life.words / 2 for address, life in zip(addresses, plan.lives)],
        width=[life.words for life in plan.lives], text=names, textposition="inside", insidetextanchor="middle",
        textangle=0, constraintext="inside", textfont={"size": 10, "color": "#ffffff"},
        marker={"color": [CYCLE[numbers[name] % len(CYCLE)] for name in names],
                "line": {"width": 0.5, "color": "rgba(128,128,128,0.6)"}},
        customdata=[[life.block.group, address, life.words] for address, life in zip(addresses, plan.lives)],
        hovertemplate="%{text}, row group %{customdata[0]}<br>%{customdata[2]:,} words from %{customdata[1]:,}, "
                      "%{x:,} cycles from %{base:,}<extra></extra>"))
    figure.update_xaxes(range=[0, ends[-1]])
    figure.update_yaxes(range=[0, capacity])
    return figure


def _whole_map(plan: Schedule, life: Lifetime) -> str:
    """The map that a block is of; of a chunk, the map that it is a chunk of."""
    chunk = plan.network.chunks.get(life.block.map)
    return chunk.whole.map if chunk else life.block.map


def worst(plan: Schedule) -> tuple[int, int, Sequence[str]]:
    """The instruction at which most words live, how many, and the maps that live then."""
    live = live_words(plan.lives, len(plan.steps))
    time = int(live.argmax())
    names = dict.fromkeys(_whole_map(plan, life) for life in plan.lives if life.start <= time <= life.end)
    return time, int(live[time]), tuple(names)
