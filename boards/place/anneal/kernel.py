"""The inner loops of `boards.place.anneal.annealing`, compiled by Numba.

Whole numbers only and a generator of random numbers of its own, so results are the same on every machine.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from firelane.boards.place.anneal.state import CLOSED, LOG_BITS, LOG_STEPS
from firelane.boards.place.ecp5.slice_rules import EMPTY, PLACES
from firelane.boards.place.timing.timing_graph import wire_units

NEAR_CELLS = 400        #: neighbours that take turns, so that what is known of them stays in the processor's cache
TURNS = 2000            #: of these
STRAY = 8               #: one in so many goes anywhere, the others to where their nets are
JITTER = 2              #: tiles around that

_wire_units = njit(wire_units)


@njit(cache=True)
def random_below(s, below):
    """Marsaglia's xorshift64*, scaled to 0 .. `below` - 1; that is less than 2^31."""
    x = s.random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    s.random[0] = x
    return (np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33)) * below) >> 31


@njit(cache=True)
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


@njit(cache=True)
def _extend(boxes, k, old_x, old_y, new_x, new_y):
    """A cell moves; gives whether the box must be scanned anew, because the cell was at its edge."""
    if ((old_x == boxes[k, 0] and new_x > old_x) or (old_x == boxes[k, 1] and new_x < old_x)
            or (old_y == boxes[k, 2] and new_y > old_y) or (old_y == boxes[k, 3] and new_y < old_y)):
        return True
    boxes[k, 0], boxes[k, 1] = min(boxes[k, 0], new_x), max(boxes[k, 1], new_x)
    boxes[k, 2], boxes[k, 3] = min(boxes[k, 2], new_y), max(boxes[k, 3], new_y)
    return False


@njit(cache=True)
def _length(boxes, k):
    return boxes[k, 1] - boxes[k, 0] + boxes[k, 3] - boxes[k, 2]


@njit(cache=True)
def _wire_price(places, wires, wire):
    a, b = wires.driver[wire], wires.reader[wire]
    return wires.price[wire] * _wire_units(places.x[a] - places.x[b], places.y[a] - places.y[b])


@njit(cache=True)
def _note_wires(board, count):
    """All wires with a price of the cells that move, each once; returns how many, and what they cost."""
    wires, s = board.wires, board.scratch
    found = cost = 0
    for i in range(count):
        cell = s.cells[i]
        for j in range(wires.start[cell], wires.start[cell + 1]):
            wire = wires.of[j]
            if wires.price[wire] and s.wire_stamp[wire] != s.stamp[0]:
                s.wire_stamp[wire] = s.stamp[0]
                s.wires[found] = wire
                found += 1
                cost += _wire_price(board.places, wires, wire)
    return found, cost


@njit(cache=True)
def _note_nets(board, count):
    """All nets of the cells that have moved, with their new boxes; returns how many."""
    places, nets, s = board.places, board.nets, board.scratch
    found = 0
    for i in range(count):
        cell = s.cells[i]
        for j in range(nets.of_start[cell], nets.of_start[cell + 1]):
            net = nets.of[j]
            if s.net_stamp[net] != s.stamp[0]:
                s.net_stamp[net] = s.stamp[0]
                s.index[net], s.nets[found], s.scan[found] = found, net, False
                for edge in range(4):
                    s.box[found, edge] = nets.box[net, edge]
                found += 1
            k = s.index[net]
            if not s.scan[k]:
                s.scan[k] = _extend(s.box, k, s.old_x[i], s.old_y[i], places.x[cell], places.y[cell])
    for k in range(found):
        if s.scan[k]:
            _scan(places, nets, s.nets[k], s.box, k)
    return found


@njit(cache=True)
def make_move(board, count, temperature, extra):
    """Move `cells` to `new_x`, `new_y` and keep that or not, as the Metropolis rule says; returns whether it is kept.

    `extra` is what the move costs besides longer wires.
    """
    places, nets, wires, s = board.places, board.nets, board.wires, board.scratch
    s.stamp[0] += 1
    wire_count, before = _note_wires(board, count)
    worse = extra - before
    for i in range(count):
        cell = s.cells[i]
        s.old_x[i], s.old_y[i] = places.x[cell], places.y[cell]
        places.x[cell], places.y[cell] = s.new_x[i], s.new_y[i]
    for i in range(wire_count):
        worse += _wire_price(places, wires, s.wires[i])
    net_count = _note_nets(board, count)
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


@njit(cache=True)
def _is_allowed(board, tile):
    """Whether the flip-flops of a tile may stand together, and beside its LUTs."""
    places, rules = board.places, board.rules
    control = -1
    for z in range(PLACES):
        one = places.flip_flops[tile * PLACES + z]
        if one < 0:
            continue
        if control >= 0 and rules.tile[one] != control:
            return False
        control = rules.tile[one]
        other, lut = places.flip_flops[tile * PLACES + (z ^ 1)], places.luts[tile * PLACES + z]
        if other >= 0 and rules.slice[other] != rules.slice[one]:
            return False
        if lut >= 0 and rules.uses_m[lut] and rules.uses_m[one]:
            return False
    return True


@njit(cache=True)
def _gather(board, holders, first, size, target, lonely, count):
    """Note the cells in `size` places from `first` on, to go to those from `target` on; returns -1 if one may not."""
    rules, s = board.rules, board.scratch
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


@njit(cache=True)
def _exchange(board, holders, first, size, target, lonely, count):
    """What stands in two blocks of places is to change them; as `_gather`."""
    if count >= 0:
        count = _gather(board, holders, first, size, target, lonely, count)
    if count >= 0:
        count = _gather(board, holders, target, size, first, lonely, count)
    return count


@njit(cache=True)
def _set(board, slots, old, count):
    """The cells to `slots`, from those in `old`."""
    places, is_flip_flop, cells = board.places, board.rules.is_flip_flop, board.scratch.cells
    for i in range(count):
        (places.flip_flops if is_flip_flop[cells[i]] else places.luts)[old[i]] = EMPTY
    for i in range(count):
        (places.flip_flops if is_flip_flop[cells[i]] else places.luts)[slots[i]] = cells[i]
        places.slot[cells[i]] = slots[i]


@njit(cache=True)
def target_place(board, cell, reach):
    """Column and row to try: most often between the cell and another one of one of its nets."""
    places, nets, s = board.places, board.nets, board.scratch
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


@njit(cache=True)
def _choose(board, cell, there):
    """Note what moves if the cell goes to the tile `there`; returns how many cells do, -1 if they may not."""
    places, rules, s = board.places, board.rules, board.scratch
    size = rules.grain[cell]
    first = places.slot[cell] // size * size
    target = there * PLACES + random_below(s, PLACES // size) * size
    lonely = size == 1 and rules.alone[cell] and random_below(s, 2) == 1
    count = 0
    if not lonely or not rules.is_flip_flop[cell]:
        count = _exchange(board, places.luts, first, size, target, lonely, count)
    if not lonely or rules.is_flip_flop[cell]:
        count = _exchange(board, places.flip_flops, first, size, target, lonely, count)
    return count


@njit(cache=True)
def _crowding_cost(crowds, square, more):
    """What it costs that a square has so many pins more."""
    room = crowds.room[square]
    before, after = max(crowds.load[square] - room, 0), max(crowds.load[square] + more - room, 0)
    return crowds.price * (after * after - before * before) // max(room, 1) + crowds.toll[square] * more


@njit(cache=True)
def shift_load(crowds, here, there, pins):
    """So many pins go from one tile to another; returns what it costs."""
    old, new = crowds.square[here], crowds.square[there]
    if old == new:
        return 0
    cost = _crowding_cost(crowds, old, -pins) + _crowding_cost(crowds, new, pins)
    crowds.load[old] -= pins
    crowds.load[new] += pins
    return cost


@njit(cache=True)
def _try_logic(board, cell, temperature, reach):
    """Try to exchange the cell, and what moves with it, with what stands in a place that is chosen at random."""
    places, crowds, s = board.places, board.crowds, board.scratch
    x, y = target_place(board, cell, reach)
    if x < 0 or y < 0 or x >= places.tile_at.shape[0] or y >= places.tile_at.shape[1]:
        return
    here, there = places.slot[cell] // PLACES, places.tile_at[x, y]
    if there < 0 or here == there:
        return
    count = _choose(board, cell, there)
    if count < 0:
        return
    pins = 0                            # more of them there, fewer here
    for i in range(count):
        tile = s.goals[i] // PLACES
        pins += crowds.pins[s.cells[i]] if tile == there else -crowds.pins[s.cells[i]]
        s.old_slot[i], s.new_x[i], s.new_y[i] = places.slot[s.cells[i]], places.tile_x[tile], places.tile_y[tile]
    _set(board, s.goals, s.old_slot, count)
    if _is_allowed(board, here) and _is_allowed(board, there):
        if make_move(board, count, temperature, shift_load(crowds, here, there, pins)):
            return
        shift_load(crowds, there, here, pins)
    _set(board, s.old_slot, s.goals, count)


@njit(cache=True)
def anneal_logic(board, movable, moves, temperature, reach):
    """Try so many exchanges of the `movable` cells of slices, sorted by their places."""
    start = 0
    near = min(NEAR_CELLS, len(movable))
    for turn in range(moves if near else 0):
        if turn % TURNS == 0:
            start = random_below(board.scratch, len(movable) - near + 1)
        _try_logic(board, movable[start + random_below(board.scratch, near)], temperature, reach)


@njit(cache=True)
def anneal_blocks(board, blocks, moves, temperature):
    """Try so many exchanges of the sites of blocks."""
    s = board.scratch
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
        if make_move(board, count, temperature, 0):
            blocks.holder[here], blocks.holder[there], blocks.site[block] = other, block, there
            if other >= 0:
                blocks.site[other] = here
