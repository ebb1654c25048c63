"""compiler.compress.course: what is said of a search whose end is not known."""

from pathlib import Path

import pytest

from firelane.compiler.compress.course import Course, node_operations
from firelane.compiler.onnx_import import load_graph

IMAGES = 40


@pytest.fixture(scope="module")
def graph():
    return load_graph(Path("models/digits_squeezenet.onnx"))


@pytest.fixture
def told():
    return []


def course_of(told, graph, **options) -> Course:
    course = Course(lambda *words: told.append(words), **options)
    course.begin(graph, IMAGES, 1)
    return course


def attempt(course: Course, graph) -> None:
    tell = course.attempt()
    for number in range(len(graph.nodes) + 1):
        tell(number)


def test_the_total_is_the_most_until_the_search_is_over(told, graph):
    """Three attempts of at most eight, then one for the estimate: shares grow all the way, and end at the total."""
    course = course_of(told, graph, most=8, further=1)
    for number in range(IMAGES):
        course.measuring(number + 1, IMAGES)
    for _ in range(3):
        attempt(course, graph)
    bound = told[-1][2]
    course.found("estimating the loss")
    course.begin(graph, IMAGES * 4 // 5, 1)
    course.measuring(IMAGES * 4 // 5, IMAGES * 4 // 5)
    attempt(course, graph)
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == ["compressing, measuring sensitivity", *(f"compressing, attempt {number} of at most 8"
                      for number in (1, 2, 3)), "compressing, estimating the loss"]
    shares = [round(done / total, 9) for _, done, total in told]
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == pytest.approx(1)
    assert bound == pytest.approx(told[-1][2] + 5)              # as many attempts were not needed


def test_a_search_of_so_many_attempts(told, graph):
    course = course_of(told, graph, most=2, exact=True)
    attempt(course, graph)
    attempt(course, graph)
    assert told[-1][0] == "compressing, attempt 2 of 2"
    assert [round(done) for _, done, _ in (told[0], told[len(graph.nodes)], told[-1])] == [0, 1, 2]


def test_images_and_steps_take_time(graph):
    """Twice the images: products of the maps take twice as long; three steps in place of one: levels do."""
    few, many, thorough = (sum(node_operations(graph, *given)) for given in ((40, 1), (80, 1), (40, 3)))
    assert few < many < 2 * few and few < thorough < 3 * few
