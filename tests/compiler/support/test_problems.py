"""compiler.support.problems: many at once."""

from firelane.compiler.support.errors import FirelaneError
from firelane.compiler.support.problems import LISTED_MAX, listed, together


def problem(number: int, found: str = "8 x 8 pixels", hint: str = "resize") -> FirelaneError:
    return FirelaneError(f"{number:02}.png", found, hint=hint)


def test_files_with_the_same_fault_are_one_line_in_the_place_of_the_first():
    broken = problem(3, "not an image", "PNG")
    mixed = [problem(0), broken, *(problem(number) for number in range(4, 15))]
    assert [str(each) for each in together(mixed)] == ["00.png and 11 more: 8 x 8 pixels; resize", str(broken)]


def test_few_files_are_all_named():
    few = [problem(number) for number in range(3)]
    assert together(few) == few


def test_faults_that_differ_in_size_alone():
    found = together([problem(number, f"{number} x 8 pixels") for number in range(1, 1001)])
    assert [str(each) for each in found] == ["01.png and 999 more: 1 x 8 pixels, the first of them; resize"]


def test_problems_without_a_hint_are_alike_only_if_they_are_the_same():
    different = [FirelaneError("node", f"fault {number}") for number in range(5)]
    assert together(different) == different


def test_no_more_are_listed_than_help():
    assert len(listed([problem(number) for number in range(100)])) == LISTED_MAX + 1
