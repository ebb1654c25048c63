"""The inner loops of `boards.place.anneal.annealing`, compiled by Numba.

Whole numbers only and a generator of random numbers of its own, so results are the same on every machine.
"""

from __future__ import annotations

import numpy as np

from firelane.boards.place.anneal.compiled import compiled
from firelane.boards.place.anneal.layout import CLOSED, LOG_BITS, LOG_STEPS
from firelane.boards.place.netlist.placed_netlist import EMPTY
from firelane.boards.place.timing.wire_estimate import wire_units

NEAR_CELLS = 400        #: neighbours that take turns, so that what is known of them stays in the processor's cache
TURNS = 2000            #: of these
STRAY = 8               #: one in so many goes anywhere, the others to where their nets are
JITTER = 2              #: tiles around that

_wire_units = compiled(wire_units)


@compiled
def random_below(s, below):
    """Marsaglia's xorshift64*, scaled to 0 .. `below` - 1; that is less than 2^31."""
    x = s.random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    s.random[0] = x
    return (np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33)) * below) >> 31


@compiled
def _scan(places, nets, net, boxes, k):
    """The extent of a net, into `boxes[k]`."""
    first = nets.cells[nets.start[net]]
    x0 = x1 = places.x[first]
    y0 = y1 = places.y[first]
    for i in range(nets.start[net] + 1, nets.start[net + 1]):
        cell = nets.cells[i]
        x0, x1 = min(x0, places.x[cell]), max(x1, places.x[cell])
        y0, y1 = min(y0, places.y[cell]), max(y1, places.y[cell])
    boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3] = x0, x1, y0, y1


@compiled
def _extend(boxes, k, old_x, old_y, new_x, new_y):
    """A cell moves; gives whether the box must be scanned anew, because the cell was at its edge."""
    if ((old_x == boxes[k, 0] and new_x > old_x) or (old_x == boxes[k, 1] and new_x < old_x)
            or (old_y == boxes[k, 2] and new_y > old_y) or (old_y == boxes[k, 3] and new_y < old_y)):
        return True
    boxes[k, 0], boxes[k, 1] = min(boxes[k, 0], new_x), max(boxes[k, 1], new_x)
    boxes[k, 2], boxes[k, 3] = min(boxes[k, 2], new_y), max(boxes[k, 3], new_y)
    return False


@compiled
def _length(boxes, k):
    return boxes[k, 1] - boxes[k, 0] + boxes[k, 3] - boxes[k, 2]


@compiled
def _wire_price(places, wires, wire):
    a, b = wires.driver[wire], wires.reader[wire]
    return wires.price[wire] * _wire_units(wires.estimate, places.x[a] - places.x[b], places.y[a] - places.y[b])


@compiled
def _note_wires(layout, count):
    """All wires with a price of the cells that move, each once; returns how many, and what they cost."""
    wires, s = layout.wires, layout.scratch
    found = cost = 0
    for i in range(count):
        cell = s.cells[i]
        for j in range(wires.start[cell], wires.start[cell + 1]):
            wire = wires.of[j]
            if wires.price[wire] and s.wire_stamp[wire] != s.stamp[0]:
                s.wire_stamp[wire] = s.stamp[0]
                s.wires[found] = wire
                found += 1
                cost += _wire_price(layout.places, wires, wire)
    return found, cost


@compiled
def _note_nets(layout, count):
    """All nets of the cells that have moved, with their new boxes; returns how many."""
    places, nets, s = layout.places, layout.nets, layout.scratch
    found = 0
    for i in range(count):
        cell = s.cells[i]
        for j in range(nets.of_start[cell], nets.of_start[cell + 1]):
            net = nets.of[j]
            if s.net_stamp[net] != s.stamp[0]:
                s.net_stamp[net] = s.stamp[0]
                s.number[net], s.nets[found], s.scan[found] = found, net, False
                for edge in range(4):
                    s.box[found, edge] = nets.box[net, edge]
                found += 1
            k = s.number[net]
            if not s.scan[k]:
                s.scan[k] = _extend(s.box, k, s.old_x[i], s.old_y[i], places.x[cell], places.y[cell])
    for k in range(found):
        if s.scan[k]:
            _scan(places, nets, s.nets[k], s.box, k)
    return found


@compiled
def make_move(layout, count, temperature, extra):
    """Move `cells` to `new_x`, `new_y` and keep that or not, as the Metropolis rule says; returns whether it is kept.

    `extra` is what the move costs besides longer wires.
    """
    places, nets, wires, s = layout.places, layout.nets, layout.wires, layout.scratch
    s.stamp[0] += 1
    wire_count, before = _note_wires(layout, count)
    worse = extra - before
    for i in range(count):
        cell = s.cells[i]
        s.old_x[i], s.old_y[i] = places.x[cell], places.y[cell]
        places.x[cell], places.y[cell] = s.new_x[i], s.new_y[i]
    for i in range(wire_count):
        worse += _wire_price(places, wires, s.wires[i])
    net_count = _note_nets(layout, count)
    for k in range(net_count):
        net = s.nets[k]
        worse += nets.price[net] * (_length(s.box, k) - _length(nets.box, net))
    if worse > 0 and worse > (temperature * s.logs[random_below(s, LOG_STEPS)]) >> LOG_BITS:
        for i in range(count):
            places.x[s.cells[i]], places.y[s.cells[i]] = s.old_x[i], s.old_y[i]
        return False
    for k in range(net_count):
        for edge in range(4):
            nets.box[s.nets[k], edge] = s.box[k, edge]
    return True


@compiled
def _is_allowed(layout, tile):
    """Whether the flip-flops of a tile may stand together, and beside its LUTs."""
    places, rules = layout.places, layout.rules
    places_of_a_tile = len(places.numbers)
    control = -1
    for z in range(places_of_a_tile):
        one = places.flip_flops[tile * places_of_a_tile + z]
        if one < 0:
            continue
        if control >= 0 and rules.tile[one] != control:
            return False
        control = rules.tile[one]
        other, lut = places.flip_flops[tile * places_of_a_tile + (z ^ 1)], places.luts[tile * places_of_a_tile + z]
        if other >= 0 and rules.slice[other] != rules.slice[one]:
            return False
        if lut >= 0 and rules.uses_m[lut] and rules.uses_m[one]:
            return False
    return True


@compiled
def _gather(layout, holders, first, size, target, lonely, count):
    """Note the cells in `size` places from `first` on, to go to those from `target` on; returns -1 if one may not."""
    rules, s = layout.rules, layout.scratch
    for i in range(size):
        cell = holders[first + i]
        if cell == CLOSED:
            return -1
        if cell >= 0:
            if rules.grain[cell] > size or (lonely and not rules.alone[cell]):
                return -1
            s.cells[count], s.goals[count] = cell, target + i
            count += 1
    return count


@compiled
def _exchange(layout, holders, first, size, target, lonely, count):
    """What stands in two blocks of places is to change them; as `_gather`."""
    if count >= 0:
        count = _gather(layout, holders, first, size, target, lonely, count)
    if count >= 0:
        count = _gather(layout, holders, target, size, first, lonely, count)
    return count


@compiled
def _set(layout, slots, old, count):
    """The cells to `slots`, from those in `old`."""
    places, is_flip_flop, cells = layout.places, layout.rules.is_flip_flop, layout.scratch.cells
    for i in range(count):
        (places.flip_flops if is_flip_flop[cells[i]] else places.luts)[old[i]] = EMPTY
    for i in range(count):
        (places.flip_flops if is_flip_flop[cells[i]] else places.luts)[slots[i]] = cells[i]
        places.slot[cells[i]] = slots[i]


@compiled
def target_place(layout, cell, reach):
    """Column and row to try: most often between the cell and another one of one of its nets."""
    places, nets, s = layout.places, layout.nets, layout.scratch
    x, y, around = places.x[cell], places.y[cell], reach
    count = nets.of_start[cell + 1] - nets.of_start[cell]
    if count and random_below(s, STRAY):
        net = nets.of[nets.of_start[cell] + random_below(s, count)]
        other = nets.cells[nets.start[net] + random_below(s, nets.start[net + 1] - nets.start[net])]
        quarters = 1 + random_below(s, 4)
        x += (places.x[other] - x) * quarters // 4
        y += (places.y[other] - y) * quarters // 4
        around = JITTER
    return x + random_below(s, 2 * around + 1) - around, y + random_below(s, 2 * around + 1) - around


@compiled
def _choose(layout, cell, there):
    """Note what moves if the cell goes to the tile `there`; returns how many cells do, -1 if they may not."""
    places, rules, s = layout.places, layout.rules, layout.scratch
    size = rules.grain[cell]
    first = places.slot[cell] // size * size
    places_of_a_tile = len(places.numbers)
    target = there * places_of_a_tile + random_below(s, places_of_a_tile // size) * size
    lonely = size == 1 and rules.alone[cell] and random_below(s, 2) == 1
    count = 0
    if not lonely or not rules.is_flip_flop[cell]:
        count = _exchange(layout, places.luts, first, size, target, lonely, count)
    if not lonely or rules.is_flip_flop[cell]:
        count = _exchange(layout, places.flip_flops, first, size, target, lonely, count)
    return count


@compiled
def _crowding_cost(crowds, square, more):
    """What it costs that a square has so many pins more."""
    room = crowds.room[square]
    before, after = max(crowds.load[square] - room, 0), max(crowds.load[square] + more - room, 0)
    return crowds.price * (after * after - before * before) // max(room, 1) + crowds.toll[square] * more


@compiled
def shift_load(crowds, here, there, pins):
    """So many pins go from one tile to another; returns what it costs."""
    old, new = crowds.square[here], crowds.square[there]
    if old == new:
        return 0
    cost = _crowding_cost(crowds, old, -pins) + _crowding_cost(crowds, new, pins)
    crowds.load[old] -= pins
    crowds.load[new] += pins
    return cost


@compiled
def _try_logic(layout, cell, temperature, reach):
    """Try to exchange the cell, and what moves with it, with what stands in a place that is chosen at random."""
    places, crowds, s = layout.places, layout.crowds, layout.scratch
    places_of_a_tile = len(places.numbers)
    x, y = target_place(layout, cell, reach)
    if x < 0 or y < 0 or x >= places.tile_at.shape[0] or y >= places.tile_at.shape[1]:
        return
    here, there = places.slot[cell] // places_of_a_tile, places.tile_at[x, y]
    if there < 0 or here == there:
        return
    count = _choose(layout, cell, there)
    if count < 0:
        return
    pins = 0                            # more of them there, fewer here
    for i in range(count):
        tile = s.goals[i] // places_of_a_tile
        pins += crowds.pins[s.cells[i]] if tile == there else -crowds.pins[s.cells[i]]
        s.old_slot[i], s.new_x[i], s.new_y[i] = places.slot[s.cells[i]], places.tile_x[tile], places.tile_y[tile]
    _set(layout, s.goals, s.old_slot, count)
    if _is_allowed(layout, here) and _is_allowed(layout, there):
        if make_move(layout, count, temperature, shift_load(crowds, here, there, pins)):
            return
        shift_load(crowds, there, here, pins)
    _set(layout, s.old_slot, s.goals, count)


@compiled
def anneal_logic(layout, movable, moves, temperature, reach):
    """Try so many exchanges of the `movable` cells of slices, sorted by their places."""
    start = 0
    near = min(NEAR_CELLS, len(movable))
    for turn in range(moves if near else 0):
        if turn % TURNS == 0:
            start = random_below(layout.scratch, len(movable) - near + 1)
        _try_logic(layout, movable[start + random_below(layout.scratch, near)], temperature, reach)


@compiled
def anneal_blocks(layout, blocks, moves, temperature):
    """Try so many exchanges of the sites of blocks."""
    s = layout.scratch
    for _ in range(moves if len(blocks.cells) else 0):
        block = random_below(s, len(blocks.cells))
        here = blocks.site[block]
        there = blocks.first[block] + random_below(s, blocks.last[block] - blocks.first[block])
        if here == there:
            continue
        other, count = blocks.holder[there], 1
        s.cells[0], s.new_x[0], s.new_y[0] = blocks.cells[block], blocks.site_x[there], blocks.site_y[there]
        if other >= 0:
            s.cells[1], s.new_x[1], s.new_y[1] = blocks.cells[other], blocks.site_x[here], blocks.site_y[here]
            count = 2
        if make_move(layout, count, temperature, 0):
            blocks.holder[here], blocks.holder[there], blocks.site[block] = other, block, there
            if other >= 0:
                blocks.site[other] = here
