"""`firelane patch`: every word of the new model is in the bitstream, and what does not fit is refused in one line."""

import json
import random
import shutil
from dataclasses import asdict, replace

import pytest

from firelane.boards.contents.memory_map import MemoryMap
from firelane.boards.contents.routed_design import read_design
from firelane.boards.contents.trellis_config import read_blocks
from firelane.boards.flow import tools
from firelane.boards.flow.patch import patch
from firelane.cli.main import main
from firelane.compiler.artefact import container
from firelane.compiler.support.errors import MismatchError
from tests.boards.conftest import for_engine, random_contents
from tests.boards.tiny_design import CONFIG


def write_model(folder, contents, cfg=CONFIG):
    folder.mkdir()
    (folder / "program.bin").write_bytes(container.to_bytes(for_engine(contents, cfg)))
    (folder / "manifest.json").write_text(json.dumps({"engine": asdict(cfg)}))
    return folder


def unpacked(bitstream, folder) -> str:
    shutil.copy(bitstream, folder / "in.bit")           # WebAssembly sees its working folder only
    tools.ecpunpack().run("--input", "in.bit", "--textcfg", "out.config", cwd=folder, log=folder / "log")
    return (folder / "out.config").read_text()


def test_patch_replaces_every_word_and_nothing_else(tiny_build, tmp_path, capsys):
    model = write_model(tmp_path / "model", random_contents(3))
    assert main(["patch", str(tiny_build / "top.config"), str(model), "-o", str(tmp_path / "out" / "new.bit")]) == 0
    assert "7,168 words of the model, read back from the bitstream: all as compiled" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new.bit"]
    _, design = read_design(tiny_build / "top.config")
    new, old = (unpacked(bitstream, tmp_path) for bitstream in (tmp_path / "out" / "new.bit", tiny_build / "top.bit"))
    assert design.check(new, random_contents(3), "new.bit") == 7168
    with pytest.raises(MismatchError, match=r"^new\.bit: \d+ of 1024 words of memory 'program' are not the model's"):
        design.check(new, random_contents(1), "new.bit")
    assert without_contents(new) == without_contents(old)


def without_contents(config: str) -> str:
    for number in read_blocks(config, "x"):
        start = config.index(f".bram_init {number}\n")
        end = config.find("\n\n", start)
        config = config[:start] + config[end:]
    return config


def test_a_block_that_is_not_there(tiny_build):
    text, design = read_design(tiny_build / "top.config")
    with pytest.raises(MismatchError, match=r"^new\.bit: block RAM \d+ is absent$"):
        design.check(without_contents(text), random_contents(1), "new.bit")


def test_a_bitstream_with_other_words_is_never_kept(tiny_build, tmp_path, monkeypatch):
    """A map that leaves out a word: the word that stays from before is found when the bitstream is read back."""
    fill = MemoryMap.fill

    def forgetful(self, contents):
        blocks = fill(self, contents)
        blocks[min(blocks)][random.Random(1).randrange(1000)] ^= 1
        return blocks

    monkeypatch.setattr(MemoryMap, "fill", forgetful)
    with pytest.raises(MismatchError, match=r"^top\.bit: 1 of \d+ words of memory '\w+' are not the model's"):
        patch(tiny_build / "top.config", write_model(tmp_path / "model", random_contents(3)), tmp_path / "new.bit")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def refused(capsys, *arguments) -> str:
    assert main(["patch", *map(str, arguments)]) == 2
    return capsys.readouterr().err


def test_another_engine_is_refused(tiny_build, tmp_path, capsys):
    model = write_model(tmp_path / "model", random_contents(3), replace(CONFIG, banks=2, weight_words=4096))
    said = refused(capsys, tiny_build / "top.config", model, "-o", tmp_path / "new.bit")
    assert said.startswith(f"error: {model}: was compiled for another engine than the bitstream has (banks 2 in place "
                           "of 1, weight_words 4096 in place of 3072); compile it for that engine: --board ulx3s_12f "
                           "--banks 1 --weight-words 3072\n")
    assert said.count("\n") == 1 and not (tmp_path / "new.bit").exists()


def test_a_config_that_is_not_ours_is_refused(tiny_build, tmp_path, capsys):
    model = write_model(tmp_path / "model", random_contents(3))
    alone = tmp_path / "alone" / "top.config"
    alone.parent.mkdir()
    said = refused(capsys, alone, model, "-o", tmp_path / "new.bit")
    assert said == f"error: {alone}: No such file or directory; give the top.config that `firelane bitstream` wrote\n"
    text = (tiny_build / "top.config").read_text()
    alone.write_text(text)
    assert "was not built by `firelane bitstream`: " in refused(capsys, alone, model, "-o", tmp_path / "new.bit")
    memory_map = (tiny_build / "memory_map.json").read_text()
    beside = alone.with_name("memory_map.json")
    beside.write_text(memory_map.replace('"memory_map_version": 1', '"memory_map_version": 9'))
    assert "is not a memory map of this version" in refused(capsys, alone, model, "-o", tmp_path / "new.bit")
    beside.write_text(memory_map)
    alone.write_text(text.replace(".device LFE5U-12F", ".device LFE5U-25F"))
    assert "is not the design that " in refused(capsys, alone, model, "-o", tmp_path / "new.bit")
    assert not (tmp_path / "new.bit").exists()


def test_no_model(tiny_build, tmp_path, capsys):
    said = refused(capsys, tiny_build / "top.config", tmp_path / "none", "-o", tmp_path / "new.bit")
    assert "give the program.bin that `firelane compile` wrote" in said


def test_an_output_that_cannot_be_written(tiny_build, tmp_path, capsys):
    model = write_model(tmp_path / "model", random_contents(3))
    said = refused(capsys, tiny_build / "top.config", model, "-o", tmp_path / "model" / "program.bin" / "new.bit")
    assert "cannot be written: " in said and said.endswith("; name a file that can be written with -o\n")
