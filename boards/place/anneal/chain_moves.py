"""The inner loop that moves carry chains, compiled as those in `boards.place.anneal.moves` are.

A chain fills tiles from left to right. It changes places with another strip of as many tiles, with all that stands in
both: so all that stood together in a tile still does.
"""

from __future__ import annotations

from firelane.boards.place.anneal.compiled import compiled
from firelane.boards.place.anneal.moves import make_move, random_below, shift_load, target_place


@compiled
def _can_be_exchanged(chains, places, x, y, length):
    """Whether all `length` tiles from (x, y) on have logic, whole chains only, and nothing that must stay."""
    if x < 0 or y < 0 or x + length > places.tile_at.shape[0] or y >= places.tile_at.shape[1]:
        return False
    for i in range(length):
        tile = places.tile_at[x + i, y]
        if tile < 0 or chains.closed[tile]:
            return False
        chain = chains.of_tile[tile]
        if chain >= 0:
            left = places.tile_x[chains.first[chain]]
            if left < x or left + chains.length[chain] > x + length:
                return False
    return True


@compiled
def _gather(layout, tile, there, count):
    """Note all cells of a tile, to go to another one; returns how many there are now, and how many pins these have."""
    places, s, pins = layout.places, layout.scratch, 0
    for holders in (places.luts, places.carries, places.flip_flops):
        for z in range(len(places.numbers)):
            cell = holders[tile * len(places.numbers) + z]
            if cell >= 0:
                s.cells[count], s.new_x[count], s.new_y[count] = cell, places.tile_x[there], places.tile_y[there]
                pins += layout.crowds.pins[cell]
                count += 1
    return count, pins


@compiled
def _swap(chains, places, here, there):
    """Exchange all that two tiles hold."""
    for holders in (places.luts, places.carries, places.flip_flops):
        for z in range(len(places.numbers)):
            a, b = here * len(places.numbers) + z, there * len(places.numbers) + z
            holders[a], holders[b] = holders[b], holders[a]
            if holders[a] >= 0:
                places.slot[holders[a]] = a
            if holders[b] >= 0:
                places.slot[holders[b]] = b
    chains.of_tile[here], chains.of_tile[there] = chains.of_tile[there], chains.of_tile[here]


@compiled
def _note_first(chains, places, x, y, length):
    """Where the chains of a strip begin now."""
    before = -1
    for i in range(length):
        tile = places.tile_at[x + i, y]
        chain = chains.of_tile[tile]
        if chain >= 0 and chain != before:
            chains.first[chain] = tile
        before = chain


@compiled
def _try_chain(layout, chains, chain, temperature, reach):
    """Try to exchange the strip of a chain with the one that brings one of its cells to a place chosen at random."""
    places, s = layout.places, layout.scratch
    x, y, length = places.tile_x[chains.first[chain]], places.tile_y[chains.first[chain]], chains.length[chain]
    bits = chains.start[chain + 1] - chains.start[chain]
    cell = chains.cells[chains.start[chain] + random_below(s, bits)]
    there_x, there_y = target_place(layout, cell, reach)
    there_x += x - places.x[cell]
    if there_y == y and abs(there_x - x) < length:
        return
    if not (_can_be_exchanged(chains, places, x, y, length)
            and _can_be_exchanged(chains, places, there_x, there_y, length)):
        return
    count = extra = 0
    for i in range(length):
        here, there = places.tile_at[x + i, y], places.tile_at[there_x + i, there_y]
        count, away = _gather(layout, here, there, count)
        count, back = _gather(layout, there, here, count)
        s.goals[i] = away - back        # in case they must come back
        extra += shift_load(layout.crowds, here, there, s.goals[i])
    kept = make_move(layout, count, temperature, extra)
    for i in range(length):
        here, there = places.tile_at[x + i, y], places.tile_at[there_x + i, there_y]
        if kept:
            _swap(chains, places, here, there)
        else:
            shift_load(layout.crowds, there, here, s.goals[i])
    if kept:
        _note_first(chains, places, x, y, length)
        _note_first(chains, places, there_x, there_y, length)


@compiled
def anneal_chains(layout, chains, moves, temperature, reach):
    """Try so many exchanges of chains with other strips."""
    for _ in range(moves if len(chains.first) else 0):
        _try_chain(layout, chains, random_below(layout.scratch, len(chains.first)), temperature, reach)
