"""compiler.program.rom_size: the parts add up to what is in the files."""

import json
from dataclasses import astuple

from firelane.compiler.artefact.artefact import artefact_files
from firelane.compiler.compile import compile_graph
from firelane.compiler.program.rom_size import RomSize, rom_shares, rom_size
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder

CFG = EngineConfig(banks=2, weight_words=1 << 14)


def network():
    build = GraphBuilder(3, 27, 27)
    tensor = build.fire(build.conv("image", 4, kernel=3, stride=2, pad=1), 3, 5)
    return compile_graph(build.graph(build.conv(tensor, 6)), CFG)


def test_parts_add_up_to_the_images():
    compiled = network()
    program, rom, encoded = compiled.program, rom_size(compiled.program), compiled.program.encoded.values()
    assert rom.values == sum(len(layer.value_bits) for layer in encoded)
    assert rom.runs == sum(len(layer.run_bits) for layer in encoded)
    channels = sum(len(layer.taps) for layer in encoded)
    assert rom.parameters == 45 * channels
    assert rom.values + rom.runs + rom.parameters + rom.padding == 36 * len(program.contents.weights)
    assert 0 <= rom.padding < 36 * len(program.streams)
    assert rom.tables == 8 * len(program.contents.values) + 17 * len(program.contents.runs) + len(encoded) * 8 * 36
    assert json.loads(artefact_files(compiled)["manifest.json"])["rom"]["bytes"] == rom.bytes


def added_up(program) -> RomSize:
    """All that layers add to the ROM image."""
    return RomSize(*map(sum, zip(*(astuple(share) for share in rom_shares(program)))))


def test_the_shares_of_layers_add_up():
    program = network().program
    shares = rom_shares(program)
    assert added_up(program) == rom_size(program) and len(shares) == len(program.network.layers)
    for layer, share in zip(program.network.layers, shares):
        encoded = program.encoded.get(layer.name)
        assert (share.values, share.runs) == ((len(encoded.value_bits), len(encoded.run_bits)) if encoded else (0, 0))


def test_bytes_are_rounded_up_once():
    assert RomSize(1, 1, 1, 1, 4).bytes == 1 and RomSize(1, 1, 1, 1, 5).bytes == 2 and RomSize(0, 0, 0, 0, 0).bytes == 0


def test_what_layers_share_counts_once():
    """Two equal convolutions of one tensor: their streams, tables and descriptors' codes stand there once."""
    build = GraphBuilder(3, 9, 9)
    first = build.conv("image", 4, name="a")
    weight = build.nodes[-1].weight
    single = rom_size(compile_graph(build.graph(first), CFG).program)
    build.conv("image", 4, weight=weight, name="b")
    program = compile_graph(build.graph(build.concat("a", "b")), CFG).program
    both = rom_size(program)
    assert added_up(program) == both and [share.values > 0 for share in rom_shares(program)].count(True) == 1
    assert (both.values, both.runs) == (single.values, single.runs)
    assert both.parameters == 2 * single.parameters
