"""What may import what: the walls between the rooms, lazy imports counted.

The order of the top-level folders is that of `ORDER`; an import never goes up. Of the hardware the compiler sees only
the contract. No two folders need each other.
"""

from __future__ import annotations

import ast

from tests.imports import MODULES, ORDER, PACKAGE, folder_of, imports


def edges() -> dict[str, set[str]]:
    """Folder -> folders that it imports from."""
    found: dict[str, set[str]] = {folder_of(module): set() for module in MODULES}
    for module in MODULES:
        found[folder_of(module)] |= {folder_of(target) for target in imports(module)} - {folder_of(module)}
    return found


def level(module: str) -> int:
    room = module.split(".")[1] if "." in module else PACKAGE
    return ORDER.index(room) if room in ORDER else ORDER.index(PACKAGE)


def test_the_walk_sees_imports():
    """A check of the checker: what is known to be imported is found."""
    assert "firelane.hw.contract.config" in imports("firelane.hw.engine")
    assert {"firelane.api.compile", "firelane.boards.report.board_fit"} <= set(imports("firelane"))
    assert "firelane.cli.commands.simulate" in imports("firelane.cli.main")
    assert len(MODULES) > 300
    assert {module.split(".")[1] for module in MODULES if "." in module} >= set(ORDER) - {PACKAGE}


def test_no_import_goes_up():
    assert [(module, target) for module in MODULES for target in imports(module) if level(target) > level(module)] == []


def test_the_compiler_sees_the_contract_alone():
    compiler = [module for module in MODULES if level(module) == ORDER.index("compiler")]
    hardware = [(module, target) for module in compiler for target in imports(module)
                if level(target) == ORDER.index("hw")]
    assert hardware and [pair for pair in hardware if folder_of(pair[1]) != "firelane.hw.contract"] == []


def test_no_two_folders_need_each_other():
    """Folders are taken away that need none of those that are left; a cycle is what cannot be taken away."""
    left = edges()
    while free := [folder for folder, needed in left.items() if not needed & left.keys()]:
        for folder in free:
            del left[folder]
    assert left == {}


def test_every_folder_says_what_it_is():
    for module, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{module} has no docstring"
