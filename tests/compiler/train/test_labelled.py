"""Pictures by class, from folders and from lists."""

from __future__ import annotations

import re

import pytest

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.train.labelled import contradictions, read_labelled
from tests.compiler.train.pictures import folder_of_stripes


@pytest.fixture
def folder(tmp_path):
    return folder_of_stripes(tmp_path / "images", 2)


class TestFolders:
    def test_a_folder_for_each_class(self, folder):
        found = read_labelled(folder, "FOLDER")
        assert found.classes == ("across", "down", "slanted") and found.labels == (0, 0, 1, 1, 2, 2)
        assert [file.parent.name for file in found.files] == [found.classes[label] for label in found.labels]
        assert len(set(found.digests)) == 6

    def test_numbers_are_ordered_as_numbers(self, folder):
        for old, new in (("across", "10"), ("down", "9"), ("slanted", "08")):
            (folder / old).rename(folder / new)
        assert read_labelled(folder, "FOLDER").classes == ("08", "9", "10")

    def test_folders_in_it_and_hidden_ones(self, folder):
        (folder / "down/more").mkdir()
        (folder / "down/000.png").rename(folder / "down/more/a.png")
        (folder / ".cache").mkdir()
        assert read_labelled(folder, "FOLDER").labels == (0, 0, 1, 1, 2, 2)

    def test_files_that_are_no_images(self, folder):
        (folder / "down/notes.txt").write_text("x")
        (folder / "licence.txt").write_text("x")
        assert len(read_labelled(folder, "FOLDER")) == 6


class TestLists:
    @pytest.mark.parametrize("lines", [
        "across/000.png\tthe cat\nslanted/001.png\tdog\n\n", "slanted/001.png  dog\nacross/000.png\tthe cat\n"])
    def test_a_line_for_each_image(self, folder, lines):
        (folder / "list.txt").write_text(lines)
        found = read_labelled(folder / "list.txt", "FOLDER")
        assert found.classes == ("dog", "the cat")
        assert {file.name: found.classes[label] for file, label in zip(found.files, found.labels)} == {
            "000.png": "the cat", "001.png": "dog"}

    @pytest.mark.parametrize("text, message", [
        ("", "lists no images"), ("across/000.png\n", r"line 1: 'across/000.png'; wanted: image<tab>class"),
        ("across/000.png\ta\nnone.png\tb\n", "none.png: No such file or directory"),
        ("across/000.png a\ndown/000.png a\n", "has one class, a")])
    def test_what_is_no_list(self, folder, text, message):
        (folder / "list.txt").write_text(text)
        with pytest.raises(FirelaneError, match=message):
            read_labelled(folder / "list.txt", "FOLDER")

    def test_bytes(self, folder):
        with pytest.raises(FirelaneError, match="000.png: not a text file"):
            read_labelled(folder / "down/000.png", "FOLDER")


class TestRefused:
    def test_nothing_there(self, tmp_path):
        with pytest.raises(FirelaneError, match="none: no such file or folder"):
            read_labelled(tmp_path / "none", "--valid")

    def test_no_folders(self, tmp_path):
        with pytest.raises(FirelaneError, match="has no folders in it"):
            read_labelled(tmp_path, "FOLDER")

    def test_an_image_beside_folders(self, folder):
        (folder / "down/000.png").rename(folder / "a.png")
        with pytest.raises(FirelaneError, match=r"a\.png is in no folder of a class"):
            read_labelled(folder, "FOLDER")

    def test_an_empty_class(self, folder):
        (folder / "empty").mkdir()
        with pytest.raises(FirelaneError, match="empty has no images in it; take that class out"):
            read_labelled(folder, "FOLDER")

    def test_one_class(self, tmp_path):
        with pytest.raises(FirelaneError, match="has one class, down; two at least"):
            read_labelled(folder_of_stripes(tmp_path / "one", 2, classes=("down",)), "FOLDER")

    def test_a_class_that_is_not_learnt(self, folder):
        with pytest.raises(FirelaneError, match=r"has the class slanted, which is not learnt; did you mean slantd\?"):
            read_labelled(folder, "--valid", ("across", "down", "slantd"))


def test_classes_that_are_known_keep_their_order(folder):
    found = read_labelled(folder, "--valid", ("slanted", "none of these", "down", "across"))
    assert found.labels == (3, 3, 2, 2, 0, 0)


def test_the_same_picture_in_two_classes(folder):
    assert contradictions(read_labelled(folder, "FOLDER")) == ""
    (folder / "down/twin.png").write_bytes((folder / "across/000.png").read_bytes())
    (folder / "across/twin.png").write_bytes((folder / "across/000.png").read_bytes())
    said = contradictions(read_labelled(folder, "FOLDER"))
    assert re.search(r"across/000\.png and .*down/twin\.png are the same picture, in two classes$", said)
