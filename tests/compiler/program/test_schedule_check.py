"""compiler.program.schedule_check: a sound program passes; programs that are wrong in one place do not."""

from dataclasses import replace

import pytest

from firelane.compiler.coding.bit_fields import instruction_fields, join_words, pack, split_words, unpack
from firelane.compiler.compile import compile_graph
from firelane.compiler.frame_io.result import result_format
from firelane.compiler.lower import lower
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.emit import emit
from firelane.compiler.program.schedule_check import ScheduleError, check_schedule
from firelane.compiler.schedule.search import schedule
from firelane.compiler.tiles.layers import LoadLayer, TileLayer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import Opcode, instruction_words
from tests.compiler.build import GraphBuilder, check_against_reference

CFG = EngineConfig(banks=2, weight_words=1 << 14)


@pytest.fixture(scope="module")
def graph():
    build = GraphBuilder(3, 25, 25)
    tensor = build.pool(build.fire(build.conv("image", 4, kernel=3, stride=2, pad=1), 3, 5))
    return build.graph(build.conv(tensor, 6, kernel=3, pad=1))


@pytest.fixture(scope="module")
def network(graph):
    return lower(graph, CFG)


@pytest.fixture(scope="module")
def program(network):
    return emit(network, schedule(network, CFG), CFG)


def mutate(program, which: int, **fields):
    """The program with fields of instruction `which` changed."""
    table, size = instruction_fields(program.cfg), instruction_words(program.cfg)
    start = program.notes[which].address
    values = unpack(table, join_words(program.contents.program[start:start + size])) | fields
    contents, words = program.contents, split_words(pack(table, values, "test"), size)
    changed = (*contents.program[:start], *words, *contents.program[start + size:])
    return replace(program, contents=replace(contents, program=changed))


def find(program, opcode, number=0):
    return [n for n, note in enumerate(program.notes) if note.opcode is opcode][number]


def field(program, which, name):
    start = program.notes[which].address
    words = program.contents.program[start:start + instruction_words(program.cfg)]
    return unpack(instruction_fields(program.cfg), join_words(words))[name]


def test_a_sound_program_passes(program):
    check_schedule(program)


@pytest.mark.parametrize("name, change", [
    ("slots[0].address", 1), ("slots[0].rows", -1), ("address", 1), ("row", 1), ("rows", -1)])
def test_wrong_tiles(program, name, change):
    found = 0
    for which, note in enumerate(program.notes):
        if note.opcode is Opcode.TILE:
            value = field(program, which, name) + change
            unread = name == "slots[0].address" and field(program, which, "slots[0].rows") == 0
            if unread or value < 0 or (name == "row" and value >= CFG.banks):
                continue
            found += 1
            with pytest.raises(ScheduleError):
                check_schedule(mutate(program, which, **{name: value}))
    assert found


def test_a_reader_that_does_not_wait(program):
    which = next(n for n, note in enumerate(program.notes) if field(program, n, "wait_load"))
    with pytest.raises(ScheduleError, match="is still being loaded"):
        check_schedule(mutate(program, which, wait_load=0))


def test_a_load_beside_a_tile_that_uses_its_words(program):
    """Over what the tile before reads, or writes."""
    opcodes = [note.opcode for note in program.notes]
    which = next(n for n in range(1, len(opcodes)) if opcodes[n - 1:n + 1] == [Opcode.TILE, Opcode.LOAD])
    tile = which - 1
    for name in ("slots[0].address", "address"):
        changed = mutate(program, which, beside=1, address=field(program, tile, name))
        with pytest.raises(ScheduleError, match="the tile before still uses the words"):
            check_schedule(changed)
        with pytest.raises(ScheduleError, match="^(?!.*still uses)"):
            check_schedule(mutate(changed, which, beside=0))


def test_maxima_by_blocks(graph):
    """Rows that the merged lanes see are looked at, too, and whether lanes are merged as the layer says."""
    cfg = replace(CFG, taps_per_cycle=2)
    network = lower(graph, cfg)
    program = emit(network, schedule(network, cfg), cfg)
    number, pool = next((number, layer) for number, layer in enumerate(network.layers)
                        if isinstance(layer, TileLayer) and layer.block_rows)
    check_schedule(program)
    for block_rows, message in ((0, "dense is 1, not 0"), (3 - pool.block_rows, "merges . rows")):
        layers = (*network.layers[:number], replace(pool, block_rows=block_rows), *network.layers[number + 1:])
        with pytest.raises(ScheduleError, match=message):
            check_schedule(replace(program, network=replace(network, layers=layers)))
    tile = next(n for n, note in enumerate(program.notes) if note.layer == pool.name)
    for slot in {slot for entry in pool.kernel.entries for slot in (entry.slot, entry.wrap_slot)}:
        with pytest.raises(ScheduleError, match="is not at word"):
            address = field(program, tile, f"slots[{slot}].address") + 1
            check_schedule(mutate(program, tile, **{f"slots[{slot}].address": address}))


@pytest.mark.parametrize("opcode, name", [(Opcode.LOAD, "last"), (Opcode.LOAD, "rows"), (Opcode.OUTPUT, "last"),
                                          (Opcode.OUTPUT, "slots[0].address"), (Opcode.OUTPUT, "slots[0].rows")])
def test_wrong_loads_and_outputs(program, opcode, name):
    which = find(program, opcode)
    with pytest.raises(ScheduleError):
        check_schedule(mutate(program, which, **{name: field(program, which, name) ^ 1}))


def test_a_missing_instruction(network):
    plan = schedule(network, CFG)
    for gone in (n for n, step in enumerate(plan.steps) if not isinstance(network.layers[step.layer], LoadLayer)):
        kept = [n for n in range(len(plan.steps)) if n != gone]
        fewer = replace(plan, steps=tuple(plan.steps[n] for n in kept),
                        wait_load=tuple(plan.wait_load[n] for n in kept))
        with pytest.raises(ScheduleError):
            check_schedule(emit(network, fewer, CFG))


def test_two_blocks_at_one_address(network, graph):
    """Each wrong placement is found, unless the rows that are overwritten are none that anybody reads again."""
    plan = schedule(network, CFG)
    victims = [life for life in plan.lives if life.end > life.start]
    pairs = [(life, other) for life in victims for other in plan.lives
             if life.start < other.start < life.end and life.block.map != other.block.map]
    found = 0
    for life, other in pairs[::3]:
        moved = replace(plan, addresses=plan.addresses | {other.block: plan.addresses[life.block]})
        program = emit(network, moved, CFG)
        try:
            check_schedule(program)
        except ScheduleError:
            found += 1
        else:
            check_against_reference(Compiled(graph, program, moved, result_format(network, (6, 6, 6), CFG)))
    assert found > len(pairs) // 6


def test_a_convolution_may_not_run_in_place():
    build = GraphBuilder(4, 14, 14)
    network = lower(build.graph(build.conv("image", 4)), CFG)
    plan = schedule(network, CFG)
    layer = next(n for n, layer in enumerate(network.layers) if isinstance(layer, TileLayer))
    addresses = dict(plan.addresses)
    for step in plan.steps:
        if step.layer == layer:
            addresses[step.output] = addresses[step.blocks_read[0]]
    with pytest.raises(ScheduleError, match="overwrites what it still has to read"):
        check_schedule(emit(network, replace(plan, addresses=addresses), CFG))


def test_sums_of_two_layers_do_not_mix():
    build = GraphBuilder(2, 20, 9)
    graph = build.graph(build.concat(build.average(build.conv("image", 3)), build.average(build.conv("image", 2))))
    program = compile_graph(graph, CFG).program
    check_schedule(program)
    which = next(n for n, note in enumerate(program.notes) if field(program, n, "first"))
    with pytest.raises(ScheduleError, match="adds to sums that were not begun"):
        check_schedule(mutate(program, which, first=0))


def test_a_missing_border():
    build = GraphBuilder(2, 20, 9)
    graph = build.graph(build.average(build.conv("image", 3, pad=1)))
    network = lower(graph, CFG)
    plan = schedule(network, CFG)
    check_schedule(emit(network, plan, CFG))
    border = next(n for n, layer in enumerate(network.layers) if getattr(layer, "continues", False))
    kept = [n for n, step in enumerate(plan.steps) if step.layer != border]
    fewer = replace(plan, steps=tuple(plan.steps[n] for n in kept), wait_load=tuple(plan.wait_load[n] for n in kept))
    with pytest.raises(ScheduleError, match="summed are {'conv0': 20}"):
        check_schedule(emit(network, fewer, CFG))
