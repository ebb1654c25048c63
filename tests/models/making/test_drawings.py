"""Pictures of emoji sets, from packages that the test writes itself."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.train.labelled import read_labelled
from firelane.models.making import drawings
from firelane.models.making.drawing_sets import PACKAGES, Package
from firelane.models.making.drawings import class_names, main, read_set, write_pictures

DISC = '<circle cx="8" cy="8" r="6" fill="{}"/>'
NOTO = {"icons": {"ant": {"body": DISC.format("red")}, "pie": {"body": DISC.format("tan"), "width": 32},
                  "cat": {"body": DISC.format("gray")}, "cat-face": {"body": DISC.format("blue")}}, "height": 16}
LATER = {"icons": {"insect": {"body": DISC.format("black")}, "cat": {"body": ""}, "cat-face": {"body": ""}},
         "aliases": {"ant": {"parent": "insect"}, "pie": {"parent": "cat", "hFlip": True}}}
JOINED = {"icons": {"cat": {"body": "face"}, "catside": {"body": "side"}, "ant": {"body": "ant"}}}
KINDS = {"categories": {"Animals & Nature": ["ant", "cat", "cat-face"], "Food & Drink": ["pie"], "Flags": ["kiwi"]}}


def packed(folder: Path, package: Package, icons: object, about: object = KINDS) -> Package:
    """Write a package as npm packs it; what describes it then."""
    with tarfile.open(folder / package.file, "w:gz") as archive:
        for name, content in (("icons", icons), ("metadata", about)):
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(f"package/{name}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return replace(package, digest=hashlib.sha256((folder / package.file).read_bytes()).hexdigest())


def known(name: str) -> Package:
    return next(package for package in PACKAGES if package.set == name)


@pytest.fixture
def sets(tmp_path):
    """Three sets; the one without hyphens in its names is not asked which classes there are."""
    return [read_set(packed(tmp_path, known(name), icons), tmp_path)
            for name, icons in (("noto", NOTO), ("twemoji", LATER), ("fxemoji", JOINED))]


def test_classes_are_the_animals_and_food_that_each_set_draws(sets):
    assert class_names(sets) == ["ant", "cat", "cat-face"]      # a mirrored cat is no pie


def test_other_names_of_a_drawing_and_names_of_a_set_are_followed(sets):
    assert "black" in sets[1].svg("ant")
    assert "side" in sets[2].svg("cat") and "face" in sets[2].svg("cat-face")
    assert sets[2].svg("pie") is None


def test_the_size_of_a_drawing_is_its_own_or_that_of_its_set(sets):
    assert 'viewBox="0 0 32 16"' in sets[0].svg("pie") and 'viewBox="0 0 16 16"' in sets[0].svg("ant")


def test_pictures_are_in_folders_by_vendor_and_class_with_lists_without_each_vendor(sets, tmp_path):
    output = tmp_path / "out"
    counts = write_pictures(sets, output, lambda svg: svg.encode())
    assert counts == {"google": 3, "mozilla": 3, "twitter": 3}
    assert (output / "mozilla/cat/fxemoji.png").read_bytes() == sets[2].svg("cat").encode()
    learnt = read_labelled(output / "without-twitter.txt", "FOLDER")
    assert learnt.classes == ("ant", "cat", "cat-face")
    assert [file.parts[-3] for file in learnt.files] == ["google"] * 3 + ["mozilla"] * 3


def test_a_package_of_another_digest_is_refused_unless_that_is_asked_for(tmp_path):
    packed(tmp_path, known("noto"), NOTO)
    with pytest.raises(FirelaneError, match="another digest than @iconify-json/noto"):
        read_set(known("noto"), tmp_path)
    assert read_set(known("noto"), tmp_path, any_version=True).svg("ant")
    later = replace(known("noto"), version="0.1")
    assert read_set(later, tmp_path, any_version=True).svg("ant")
    with pytest.raises(FirelaneError, match=r"noto-0\.1\.tgz: no such file"):
        read_set(later, tmp_path)


def test_what_is_no_package_is_named(tmp_path):
    (tmp_path / known("noto").file).write_bytes(b"no archive")
    with pytest.raises(FirelaneError, match="is no package of Iconify"):
        read_set(known("noto"), tmp_path, any_version=True)


def test_missing_packages_are_one_line_that_says_how_to_get_them(tmp_path, capsys):
    assert main([str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "npm pack @iconify-json/noto@" in said


def test_drawings_are_on_white(sets, tmp_path):
    pytest.importorskip("resvg_py", reason="drawing needs resvg-py")
    write_pictures(sets[:1], tmp_path / "out", drawings.resvg())
    picture = Image.open(tmp_path / "out/google/ant/noto.png").convert("RGB")
    assert picture.size == (drawings.SIDE, drawings.SIDE)
    assert picture.getpixel((0, 0)) == (255, 255, 255) and picture.getpixel((128, 128)) == (255, 0, 0)


def test_nine_packages_of_six_vendors_are_described():
    assert len({package.set for package in PACKAGES}) == 9 and len({package.vendor for package in PACKAGES}) == 6
    assert all(len(package.digest) == 64 for package in PACKAGES)
