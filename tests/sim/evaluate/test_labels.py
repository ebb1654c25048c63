"""Labels in each form, and whatever is not clear."""

import re
from pathlib import Path

import pytest

from firelane.compiler.support.errors import ConfigError
from firelane.sim.evaluate.labels import labels_of

CLASSES = "0\tn01440764\ttench\n1\tn01443537\tgoldfish\n2\tn01484850\tgreat white shark\n"


@pytest.fixture
def read(tmp_path):
    """Labels of images with these names, from a labels file with this text, for a network of three classes."""
    def labels(names: list[str], text: str | None = None, classes: int = 3):
        path = tmp_path / "labels.txt"
        if text is not None:
            path.write_text(text)
        return labels_of([tmp_path / "images" / name for name in names], tmp_path / "images",
                         None if text is None else path, classes)
    return labels


class TestForms:
    def test_nobody_says(self, read):
        assert read(["0001.png", "b.png"]) is None

    @pytest.mark.parametrize("text", [CLASSES, "tench\ngoldfish\ngreat white shark\n", "0\ta 0\n1\tb\n2\tc\n"])
    def test_class_list_and_numbers_that_names_begin_with(self, read, text):
        assert read(["0002_x.png", "1.png", "00001-77.jpg"], text) == (2, 1, 1)

    def test_wordnet_id_that_agrees(self, read):
        assert read(["0002_n01484850.png"], CLASSES) == (2,)

    def test_list_of_images_may_be_longer_and_in_any_order(self, read):
        assert read(["a.png", "b c.png", "d/e.png"], "d/e.png 2\nb c.png\t0\nz.png 2\na.png 1\n") == (1, 0, 2)

    def test_folders_called_by_id_name_or_number(self, read):
        names = ["n01484850/a.png", "tench/b.png", "1/c.png"]
        assert read(names, CLASSES) == (2, 0, 1)

    def test_folders_called_as_the_network_records_its_classes(self, tmp_path):
        """Some of them, and in another order than that of the alphabet."""
        files = [tmp_path / name for name in ("10/a.png", "9/b.png", "9/c.png")]
        assert labels_of(files, tmp_path, None, 3, ("8", "9", "10")) == (2, 1, 1)

    def test_folders_without_a_file(self, read):
        assert read(["2/a.png", "0/b.png"]) == (2, 0)
        assert read(["cat/a.png", "ant/b.png", "dog/c.png", "ant/d.png"]) == (1, 0, 2, 0)


class TestRefused:
    @pytest.mark.parametrize("names, text, message", [
        (["3_a.png"], CLASSES, "labels: 3_a.png has class 3; the network has classes 0 to 2"),
        (["cat.png"], CLASSES, "labels: the name of image cat.png does not begin with the index of its class; give"),
        (["0001_n01484850.png"], CLASSES, "labels: image 0001_n01484850.png is said to show class 1, which is "
                                          "n01443537; the list of classes must be in the order of the network's"),
        (["dog/a.png"], CLASSES, "labels: folder dog is no class; call it by the index of its class"),
        (["crane/a.png"], "heron\ncrane\ncrane\n", "labels: folder crane may be any of the classes 1, 2; call it"),
        (["1/a.png"], "1\n0\nx\n", "labels: folder 1 may be any of the classes 0, 1; call it by the index"),
        (["0.png"], "one\ntwo\n", "labels: .*labels.txt has 2 lines, the network 3 classes; a line for each class"),
        (["0.png"], "", "labels: .*labels.txt has 0 lines, the network 3 classes; a line for each class"),
        (["0.png"], "0\t5\n1\t6\n2\t7\n", "labels: .*labels.txt may be a list of images or of classes; separate"),
        (["a.png", "b.png", "c.png"], "a.png 1\n", "labels: .*labels.txt has no line for 2 of 3 images, the first is "
                                                   "b.png; `name index`, the name as the path below the folder"),
        (["a.png"], "a.png 1\na.png 2\n", "labels: .*labels.txt has a.png twice, with classes 1 and 2; one line"),
        (["a.png"], "a.png 3\n", "labels: .*labels.txt: a.png has class 3; the network has classes 0 to 2"),
        (["1/a.png", "b.png"], None, "images: image b.png stands beside folders of classes; all images in folders"),
        (["3/a.png"], None, "labels: folder 3 has class 3; the network has classes 0 to 2"),
        (["cat/a.png", "dog/a.png"], None, "images: 2 folders, the network has 3 classes; call them by the index")])
    def test_in_one_line(self, read, names, text, message):
        with pytest.raises(ConfigError) as refused:
            read(names, text)
        assert re.match(message, str(refused.value)) and "\n" not in str(refused.value)

    def test_files_that_cannot_be_read(self, tmp_path):
        with pytest.raises(ConfigError, match="^labels: .*none.txt: no such file; a list of classes or of images$"):
            labels_of([tmp_path / "0.png"], tmp_path, Path(tmp_path / "none.txt"), 3)
        (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError, match="^labels: .*bytes.txt: not a text file; "):
            labels_of([tmp_path / "0.png"], tmp_path, tmp_path / "bytes.txt", 3)
