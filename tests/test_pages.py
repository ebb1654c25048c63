"""Pages for beginners: every block of commands is run as it stands there, or says why it is not."""

from __future__ import annotations

import re

import pytest

from tests.pages import FAILS, LANGUAGES, LONG, NEVER, PAGES, ROOT, Block, blocks, run, went_well

TITLES = re.compile(rf"^.+: (run by make pages|{NEVER})$")
COMMANDS = re.compile(r"^\s*(\$ )?(firelane|make|pip|python|apt|import|from) ", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_commands_is_run_or_says_by_whom(page):
    for block in blocks(page):
        if not block.is_run:
            assert block.words in ((), ("text",)), f"{block}: neither {' nor '.join(LANGUAGES)}, nor text"
            assert page == "docs/index.md" or not COMMANDS.search(block.text), f"{block}: commands that nobody runs"
        elif block.is_long:
            assert TITLES.match(block.title), f"{block}: a title must say who runs it"
        assert set(block.words) <= {*LANGUAGES, "text", FAILS, LONG}, block


def test_the_reader_of_pages():
    block = Block("p", 1, ("sh", FAILS), "", "exit 2")
    assert went_well(block, 2) and went_well(block, 0) and not went_well(block, 1)
    found = blocks("docs/pytorch.md")
    assert any(block.is_long and block.words[0] == "python" for block in found)
    assert any(NEVER in block.title for block in found) and any(block.is_run and not block.is_long for block in found)


def test_a_block_that_fails_is_noticed(tmp_path):
    done = run(Block("p", 1, ("sh",), "", "false\ntrue"), tmp_path)
    assert not went_well(Block("p", 1, ("sh",), "", ""), done.returncode)


@pytest.mark.parametrize("page", PAGES)
def test_commands(page, tmp_path):
    """The quick ones, in their order, in one folder."""
    for block in blocks(page):
        if block.is_run and not block.is_long:
            done = run(block, tmp_path)
            assert went_well(block, done.returncode), f"{block}\n{done.stdout}{done.stderr}"


def test_a_long_block_is_needed_by_no_quick_one():
    """Files that only long blocks make are not named in quick ones."""
    for page in PAGES:
        made = {name for block in blocks(page) if block.is_long
                for name in re.findall(r"-o (\S+)|\"(\w+\.onnx)\"", block.text) for name in name if name}
        for block in blocks(page):
            if block.is_run and not block.is_long:
                assert not [name for name in made if name in block.text.split()], block


def test_pages_are_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text()
    assert [page for page in PAGES if page.removeprefix("docs/") not in text] == []
