"""The folder that the compiler writes: formats, the same bytes every time, all or nothing."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from firelane.compiler.artefact import container
from firelane.compiler.artefact.artefact import artefact_files, write_artefact
from firelane.compiler.artefact.rom_images import rom_files
from firelane.compiler.compile import compile_graph
from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.marker import BUILD, MARKER, mark
from firelane.hw.contract.config import EngineConfig
from firelane.sim.emulator.engine import Emulator
from tests.compiler.build import GraphBuilder

CFG = EngineConfig(banks=2, weight_words=1 << 14)


def compiled():
    build = GraphBuilder(3, 27, 27)
    tensor = build.fire(build.conv("image", 4, kernel=3, stride=2, pad=1), 3, 5)
    return compile_graph(build.graph(build.conv(tensor, 6)), CFG)


@pytest.fixture(scope="module")
def network():
    return compiled()


def test_program_bin_holds_all_memories(network, tmp_path):
    write_artefact(network, tmp_path / "out")
    contents = container.read_contents(tmp_path / "out" / "program.bin")
    assert contents == network.program.contents and contents.config_digest == CFG.digest


@pytest.mark.parametrize("damage, message", [
    (lambda octets: b"x" + octets[1:], "f: not a Firelane program; give the program.bin that `firelane compile` wrote"),
    (lambda octets: octets[:20], "f: not a Firelane program; give the program.bin that `firelane compile` wrote"),
    (lambda octets: octets[:-1], "f: damaged (length or CRC); compile again"),
    (lambda octets: octets[:100] + bytes([octets[100] ^ 1]) + octets[101:],
     "f: damaged (length or CRC); compile again"),
    (lambda octets: octets[:8] + b"\x02" + octets[9:], "f: format version 2; version 1 is possible: compile again"),
])
def test_damaged_program_bin(network, damage, message):
    octets = container.to_bytes(network.program.contents)
    with pytest.raises(FirelaneError, match=f"^{re.escape(message)}$"):
        container.from_bytes(damage(octets), "f")


@pytest.mark.parametrize("place, octets, message", [
    (12, b"\0\0\0\0", "f: damaged (its program names another engine); compile again"),
    (36, b"\x10", "f: damaged (program must be 36-bit words); compile again"),
])
def test_program_bin_that_contradicts_itself(network, place, octets, message):
    """The CRC at the end is right."""
    body = bytearray(container.to_bytes(network.program.contents)[:-4])
    body[place:place + len(octets)] = octets
    with pytest.raises(FirelaneError, match=f"^{re.escape(message)}$"):
        container.from_bytes(bytes(body) + zlib.crc32(body).to_bytes(4, "little"), "f")


def test_missing_program_bin(tmp_path):
    with pytest.raises(FirelaneError, match="No such file or directory; give the program.bin"):
        container.read_contents(tmp_path / "nothing")


def test_rom_files():
    files = {name: content.decode() for name, content in rom_files("w", (1, 0xABC), 12).items() if name != "w.bin"}
    assert files == {
        "w.hex": "001\nabc\n", "w.mem": "@0\n001\nabc\n",
        "w.mif": "DEPTH = 2;\nWIDTH = 12;\nADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\nCONTENT BEGIN\n    0 : 001;\n"
                 "    1 : ABC;\nEND;\n",
        "w.coe": "memory_initialization_radix=16;\nmemory_initialization_vector=\n001,\nabc;\n"}
    assert rom_files("w", (1, 0xABC), 12)["w.bin"] == b"\x01\x00\xbc\x0a"
    assert rom_files("w", (), 12)["w.hex"] == b"000\n"


def test_manifest(network):
    files = artefact_files(network)
    document = json.loads(files["manifest.json"])
    assert document["engine"]["banks"] == 2 and document["engine_digest"] == CFG.digest
    assert document["input"]["shape"] == [27, 27, 3] and document["output"]["shape"] == [6, 14, 14]
    assert document["sha256"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()
                                  if name != "manifest.json"}
    assert [layer["name"] for layer in document["layers"]] == ["load", "conv0", "conv1", "conv2", "conv3", "conv5",
                                                                "output"]
    rows = [note for note in document["instructions"] if note["layer"] == "conv0"]
    assert sum(note["rows"] for note in rows) == 14 and rows[0]["tensor"] == "conv0"


def test_schedule_txt_has_a_line_for_each_instruction(network):
    text = artefact_files(network)["schedule.txt"].decode()
    assert text.count("  TILE ") == sum(note.opcode.name == "TILE" for note in network.program.notes)
    assert text.rstrip().endswith("END")


def test_the_same_bytes_every_time(network):
    assert artefact_files(compiled()) == artefact_files(network)


def test_the_same_bytes_under_any_hash_seed():
    script = ("import hashlib; from tests.compiler.artefact.test_artefact import compiled, artefact_files\n"
              "print(hashlib.sha256(b''.join(artefact_files(compiled()).values())).hexdigest())")
    digests = {subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, check=True,
                              capture_output=True, text=True, cwd=Path(__file__).parents[3]).stdout
               for seed in ("1", "2")}
    assert len(digests) == 1


def test_an_older_artefact_is_replaced(network, tmp_path):
    write_artefact(compile_graph(network.graph, replace(CFG, weight_words=1 << 13)), tmp_path / "out")
    (tmp_path / "out" / "schedule.txt").unlink()
    write_artefact(network, tmp_path / "out")
    files = {str(path.relative_to(tmp_path / "out")): path.read_bytes()
             for path in (tmp_path / "out").rglob("*") if path.is_file()}
    del files[MARKER]
    assert files == artefact_files(network) and [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("add, found", [
    (lambda folder: shutil.rmtree(folder) or folder.mkdir() or (folder / "manifest.json").write_text("{}"),
     "is there already, and Firelane did not write it"),
    (lambda folder: (folder / MARKER).write_text("{}"), "is there already, and Firelane did not write it"),
    (lambda folder: (folder / "rom" / "thesis.tex").write_text("x"),
     "holds what Firelane did not write (rom/thesis.tex)"),
    (lambda folder: (folder / "link").symlink_to("/etc"), "holds what Firelane did not write (link)"),
    (lambda folder: (folder / "schedule.txt").write_text("notes"), "holds what Firelane did not write (schedule.txt)"),
    (lambda folder: mark(folder, BUILD), "is there already, and is a bitstream build"),
])
def test_what_is_the_users_is_left_alone(network, tmp_path, add, found):
    write_artefact(network, tmp_path / "out")
    add(tmp_path / "out")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    with pytest.raises(FirelaneError, match=f"^{re.escape(f'{tmp_path}/out: {found}; nothing is deleted: name')}"):
        write_artefact(network, tmp_path / "out")
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_nothing_is_left_of_a_failed_write(network, tmp_path, monkeypatch):
    write_artefact(network, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    written = []

    def full_disk(path, content):
        written.append(path)
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        return len(content)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    needed = sum(map(len, artefact_files(network).values()))
    with pytest.raises(FirelaneError, match=f"No space left on device, {needed:,} bytes are needed; make room, or name "
                                            f"another with -o$"):
        write_artefact(network, tmp_path / "out")
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_way(network, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FirelaneError, match="Not a directory|File exists"):
        write_artefact(network, tmp_path / "file" / "out")


def test_another_engine_refuses_the_program(network):
    with pytest.raises(Exception, match="(?i)digest|another engine"):
        Emulator(replace(CFG, weight_words=1 << 13), network.program.contents).run_frame(
            __import__("numpy").zeros((27, 27, 3), "uint8"))
