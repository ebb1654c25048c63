"""What is lost, by the probabilities of two networks."""

import numpy as np
import pytest

from firelane.compiler.compress.quality import TELLING, compare, held_out, least_share, one_class, share_error

RNG = np.random.default_rng(1)


def moved(wanted: np.ndarray, by: float) -> np.ndarray:
    """Other probabilities: logits with noise."""
    logits = np.log(wanted) + by * RNG.standard_normal(wanted.shape)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def made(images: int) -> np.ndarray:
    return moved(np.full((images, 10), 0.1), 2.0)


def test_one_in_five_is_held_out():
    used, judged = held_out(range(100))
    assert len(judged) == 20 and sorted([*used, *judged]) == list(range(100))


def test_no_class_is_held_out_as_a_whole():
    """The digits of `models.digit_images` repeat in tens: each fifth of them is a one or a six."""
    classes = [number % 10 for number in range(100)]
    used, judged = held_out(classes)
    assert len(set(used)) == 10 and len(set(judged)) > 7


def test_the_loss_is_what_the_other_choice_has_less():
    wanted = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]])
    found = np.array([[0.6, 0.3, 0.1], [0.3, 0.6, 0.1]])
    quality = compare(wanted, found, found.argmax(axis=1))
    assert quality.drop == pytest.approx(0.05) and quality.agreement == 0.5 and quality.images == 2
    lost = [0.0, 0.1, (0.2 + 0.4) / 2]             # the last: as much as was moved
    assert quality.error == pytest.approx(np.std(lost, ddof=1) / np.sqrt(3))
    assert str(quality).startswith("expected loss of top-1: 5.00 ± 8.82 points; divergence ")
    assert str(quality).endswith("\nsame class as the float network: 50.0%; of other images probably 9% or more")


def test_the_same_class_everywhere_is_no_certainty():
    """The nearer the probabilities and the more images, the smaller the error; 0 only where nothing has changed."""
    errors = []
    for images, by in ((20, 0.05), (20, 0.01), (200, 0.01)):
        wanted = made(images)
        errors.append(compare(wanted, moved(wanted, by), wanted.argmax(axis=1)).error)
    assert errors[0] > errors[1] > errors[2] > 0
    assert compare(wanted, wanted, wanted.argmax(axis=1)).error == 0


def test_one_class_for_all_images_is_warned_about():
    """A network that answers anything with the same class loses nothing: these images do not say so."""
    wanted = np.tile([0.3, 0.3, 0.4], (TELLING, 1))
    quality = compare(wanted, wanted, wanted.argmax(axis=1))
    assert quality.only_class == 2
    assert quality.warning.startswith(f"warning: class 2 is the answer to each of {TELLING} images: ")
    other = wanted.argmax(axis=1)
    other[1] = 0
    assert compare(wanted, wanted, other).only_class is None and compare(wanted, wanted, other).warning == ""
    assert one_class(TELLING - 1, 2) == ""                      # so few may well show the same


def test_bounds_of_a_share():
    """Binomial samples of 30 are below the lower end once in 20 times at most; 30 of 30 is no certainty."""
    for share in (0.6, 0.9, 0.99):
        found = RNG.binomial(30, share, 4000) / 30
        assert np.mean([least_share(value, 30) <= share for value in found]) >= 0.95
    assert [round(share_error(1.0, images), 3) for images in (12, 100)] == [0.038, 0.005] and least_share(0.0, 5) == 0


def test_no_image_loses_more_than_its_probabilities_moved():
    wanted = made(500)
    found = moved(wanted, 1.0)
    rows, choice = np.arange(500), found.argmax(axis=1)
    lost = wanted.max(axis=1) - wanted[rows, choice]
    assert lost.max() > 0 and np.all(lost <= np.abs(wanted - found).sum(axis=1))


def test_the_error_covers_what_a_few_images_say():
    """Among many small samples, as many as should miss the loss over all by no more than two errors."""
    wanted = made(20_000)
    found = moved(wanted, 0.5)
    choice = found.argmax(axis=1)
    all_of_them = compare(wanted, found, choice).drop
    near = [abs(quality.drop - all_of_them) <= 2 * quality.error for quality in (
        compare(wanted[part], found[part], choice[part]) for part in np.arange(20_000).reshape(1000, 20))]
    assert np.mean(near) >= 0.95
