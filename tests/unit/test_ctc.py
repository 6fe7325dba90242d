"""Best-path decoding of probabilities written out by hand: class 0 is the blank, 1 is a, 2 is b."""

import numpy as np
import pytest
from ziyan.ctc import greedy, masked


def steps(*rows):
    return np.array(rows, np.float32)


def test_drops_blanks():
    classes, confidences = greedy(steps([0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1], [0.1, 0.3, 0.6]))
    assert classes.tolist() == [1, 2]
    assert confidences == pytest.approx([0.7, 0.6])


def test_merges_repeats_and_keeps_the_most_certain_step():
    classes, confidences = greedy(steps([0.4, 0.6, 0.0], [0.05, 0.95, 0.0], [0.3, 0.7, 0.0]))
    assert classes.tolist() == [1]
    assert confidences == pytest.approx([0.95])


def test_a_blank_between_them_keeps_a_character_twice():
    classes, confidences = greedy(steps([0.1, 0.9, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0]))
    assert classes.tolist() == [1, 1]
    assert confidences == pytest.approx([0.9, 0.8])


def test_neighbours_need_no_blank_between_them():
    classes, _ = greedy(steps([0, 1, 0], [0, 0, 1], [0, 1, 0]))
    assert classes.tolist() == [1, 2, 1]


def test_decodes_the_example_of_graves():
    # Graves et al. 2006, section 3.1: B(a-ab-) = B(-aa--abb) = aab, with - for the blank.
    for path in ([1, 0, 1, 2, 0], [0, 1, 1, 0, 0, 1, 2, 2]):
        classes, _ = greedy(np.eye(3, dtype=np.float32)[path])
        assert classes.tolist() == [1, 1, 2]


def test_the_confidence_of_a_blank_is_not_given_to_a_character():
    _, confidences = greedy(steps([0.99, 0.01, 0.0], [0.45, 0.55, 0.0], [0.99, 0.01, 0.0]))
    assert confidences == pytest.approx([0.55])


@pytest.mark.parametrize(
    "probabilities",
    [np.empty((0, 3), np.float32), steps([1, 0, 0], [0.8, 0.1, 0.1])],
    ids=["no steps", "only blanks"],
)
def test_reads_nothing_from(probabilities):
    classes, confidences = greedy(probabilities)
    assert classes.shape == confidences.shape == (0,)


def test_gives_one_confidence_a_character_and_never_more_than_there_are_steps():
    random = np.random.default_rng(2006)
    for length in range(1, 40):
        probabilities = random.dirichlet(np.ones(4), size=length).astype(np.float32)
        classes, confidences = greedy(probabilities)
        assert classes.shape == confidences.shape
        assert len(classes) <= length
        assert 0 not in classes


def test_only_allowed_characters_are_possible_and_the_next_best_of_them_is_read():
    # O or 0? The letter is likelier; where only digits (class 2) are allowed, the digit is as certain as it can be.
    probabilities = steps([0.05, 0.55, 0.40])
    assert greedy(probabilities)[0].tolist() == [1]
    classes, confidences = greedy(masked(probabilities, np.array([True, False, True])))
    assert classes.tolist() == [2]
    assert confidences == pytest.approx([0.40 / 0.45])


def test_a_character_that_the_picture_does_not_show_is_not_read_although_no_other_is_allowed():
    probabilities = steps([0.001, 0.99, 0.009])
    assert greedy(masked(probabilities, np.array([True, False, True])))[0].tolist() == []


def test_masked_rows_are_probabilities_again():
    random = np.random.default_rng(11)
    probabilities = random.dirichlet(np.full(6, 0.2), size=50).astype(np.float32)
    given = probabilities.copy()
    rows = masked(probabilities, np.array([True, True, False, False, True, False]))
    assert rows.sum(axis=1) == pytest.approx(np.ones(50))
    assert not rows[:, [2, 3, 5]].any()
    assert np.array_equal(probabilities, given)
