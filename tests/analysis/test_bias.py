"""Gaps between groups whose scores are planted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.analysis.bias.groups import NONE, Grouping
from fer_cli.analysis.bias.measure import HALF_WIDTH, MIN_ROWS, measure
from fer_cli.analysis.bias.resampling import Sample, holm, p_value, persons_to_draw
from fer_cli.analysis.bias.scores import GroupBias
from fer_cli.errors import InputError

CLASSES = ("sad", "happy")
Codes = npt.NDArray[np.intp]
#: Rows of one group, class by class: how many, and how many of them are right.
Plan = Sequence[tuple[int, int]]


def rows_of(plans: Sequence[Plan]) -> tuple[Codes, Codes, Codes]:
    """Groups, labels and predictions; what is wrong is taken for the other of two classes."""
    parts = [
        (group, label, label if row < right else 1 - label)
        for group, plan in enumerate(plans)
        for label, (count, right) in enumerate(plan)
        for row in range(count)
    ]
    groups, labels, predictions = (np.array(column, np.intp) for column in zip(*parts, strict=True))
    return groups, labels, predictions


def measured(plans: Sequence[Plan], names: Sequence[str] = ("a", "b", "c"), **options: int) -> GroupBias:
    groups, labels, predictions = rows_of(plans)
    grouping = Grouping("planted", tuple(names[: len(plans)]), groups)
    (found,) = measure([grouping], labels, predictions, CLASSES, **options)
    return found


def test_a_planted_gap_is_found_with_its_size_its_groups_and_its_significance() -> None:
    found = measured([[(100, 90), (100, 90)], [(100, 80), (100, 50)], [(100, 90), (100, 80)]])
    assert [group.accuracy.value for group in found.groups] == pytest.approx([0.9, 0.65, 0.85])
    assert (found.accuracy.lowest, found.accuracy.highest) == ("b", "a")
    assert found.accuracy.gap == pytest.approx(0.25)
    assert found.accuracy.ratio == pytest.approx(0.65 / 0.9)
    assert found.accuracy.p_value == pytest.approx(1 / 2001)
    assert found.recall["happy"].gap == pytest.approx(0.4)
    assert found.recall["sad"].gap == pytest.approx(0.1)
    assert found.recall["happy"].p_holm == pytest.approx(2 / 2001)
    assert found.drawn == "rows"
    assert found.warnings == []


def test_intervals_are_as_wide_as_theory_says() -> None:
    found = measured([[(400, 360), (0, 0)], [(400, 240), (0, 0)]])
    low, high = found.groups[1].accuracy.interval or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.6 * 0.4 / 400), rel=0.1)
    low, high = found.accuracy.gap_interval or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.6 * 0.4 / 400 + 0.9 * 0.1 / 400), rel=0.1)
    assert low < 0.3 < high
    ratio_low, ratio_high = found.accuracy.ratio_interval or (0, 0)
    assert ratio_low < 0.6 / 0.9 < ratio_high


def test_equal_groups_have_a_gap_all_the_same_but_their_p_values_are_spread_evenly() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(30):
        groups, labels = rng.integers(0, 3, 300), rng.integers(0, 2, 300)
        predictions = np.where(rng.random(300) < 0.7, labels, 1 - labels)
        found += measure([Grouping("none", ("a", "b", "c"), groups)], labels, predictions, CLASSES)
    gaps, p_values = ([getattr(bias.accuracy, name) for bias in found] for name in ("gap", "p_value"))
    assert np.mean(gaps) > 0.05
    assert np.mean([bias.accuracy.by_chance for bias in found]) == pytest.approx(np.mean(gaps), rel=0.2)
    # 30 even numbers: the standard error of their mean is 0.053, of the part below 0.1 it is 0.055.
    assert 0.35 < np.mean(p_values) < 0.65
    assert np.mean(np.array(p_values) < 0.1) < 0.26
    odds = [bias.equalised_odds.p_value for bias in found if bias.equalised_odds]
    assert 0.35 < np.mean(odds) < 0.65


def test_a_gap_that_the_mix_of_classes_explains_is_not_one_of_the_group() -> None:
    # Happy faces are easy for both groups, sad ones hard, and the first group has more of the easy ones.
    found = measured([[(100, 50), (300, 300)], [(300, 150), (100, 100)]])
    assert found.accuracy.gap == pytest.approx(0.25)
    assert found.accuracy.p_value > 0.4
    assert found.recall["sad"].gap == found.recall["happy"].gap == 0
    assert [group.balanced_accuracy.value for group in found.groups] == pytest.approx([0.75, 0.75])


def test_persons_are_drawn_where_their_pictures_are_alike() -> None:
    # Eight persons are always right or always wrong: three of four against one of four is no evidence.
    right = np.repeat([1, 1, 1, 0, 1, 0, 0, 0], 50)
    persons, groups = np.repeat([f"P{i}" for i in range(8)], 50), np.repeat([0, 1], 200)
    labels = np.tile([0, 1], 200)
    predictions = np.where(right, labels, 1 - labels)
    grouping = Grouping("planted", ("a", "b"), groups)
    (by_row,) = measure([grouping], labels, predictions, CLASSES)
    (by_person,) = measure([grouping], labels, predictions, CLASSES, persons.tolist())
    assert by_row.accuracy.gap == by_person.accuracy.gap == 0.5
    assert by_row.accuracy.p_value == pytest.approx(1 / 2001)
    # Of the 70 ways to deal eight persons to two groups, 34 part the right ones 3 to 1 or more unevenly.
    assert by_person.accuracy.p_value == pytest.approx(34 / 70, abs=0.05)
    assert by_person.drawn == "persons"
    assert [group.persons for group in by_person.groups] == [4, 4]
    assert by_person.warnings == ["groups of fewer than 10 persons stand for few others: a (4), b (4)"]
    low, high = by_person.groups[0].accuracy.interval or (0, 0)
    assert high - low >= 0.5


def test_rows_are_drawn_where_a_person_is_in_two_groups_or_has_one_picture() -> None:
    assert persons_to_draw(["p", "p", "q"], np.array([0, 1, 0])) is None
    assert persons_to_draw(["p", "q", "r"], np.array([0, 1, 0])) is None
    assert persons_to_draw(None, np.array([0, 1, 0])) is None
    drawn = persons_to_draw(["p", "p", "q"], np.array([0, 0, 1]))
    assert drawn is not None
    assert drawn.tolist() == [0, 0, 1]


def test_equalised_odds_is_the_largest_gap_of_any_rate() -> None:
    # Recall of sad .9 and .8, of happy .6 and .9; with two classes a false-positive rate is 1 - the other's recall.
    found = measured([[(100, 90), (50, 30)], [(100, 80), (50, 45)]]).equalised_odds
    assert found is not None
    assert found.gap == pytest.approx(0.3)
    assert (found.class_name, found.rate) == ("happy", "true-positive rate")
    assert (found.lowest, found.highest) == ("a", "b")
    assert found.p_value < 0.01


def test_equalised_odds_sees_a_false_positive_rate_where_every_recall_is_the_same() -> None:
    groups, labels = np.repeat([0, 1], 180), np.tile([0, 1, 2], 120)
    # A third of x and y is misnamed: as each other in the first group, as z in the second.
    wrong = (np.arange(360) // 3 % 3 == 0) & (labels < 2)
    predictions = np.where(wrong, np.where(groups == 0, 1 - labels, 2), labels)
    (bias,) = measure([Grouping("g", ("a", "b"), groups)], labels, predictions, ("x", "y", "z"))
    assert all(gap.gap == 0 for gap in bias.recall.values())
    odds = bias.equalised_odds
    assert odds is not None
    assert (odds.class_name, odds.rate, odds.lowest, odds.highest) == ("z", "false-positive rate", "a", "b")
    assert odds.gap == pytest.approx(1 / 3)
    assert odds.p_value == pytest.approx(1 / 2001)
    cells = {(cell.class_name, cell.group): cell.false_positive_rate for cell in bias.cells}
    assert (cells["z", "b"].n, cells["z", "b"].value) == (120, pytest.approx(1 / 3))
    assert cells["x", "a"].value == pytest.approx(1 / 6)


def test_small_cells_and_groups_take_no_part_and_are_named() -> None:
    found = measured([[(100, 90), (24, 0)], [(100, 80), (100, 50)], [(10, 0), (10, 0)]])
    assert found.accuracy.lowest == "b"
    assert "happy" not in found.recall
    assert [group.counted for group in found.groups] == [True, True, False]
    assert [cell.counted for cell in found.cells] == [True, True, False, False, True, False]
    assert found.warnings == [
        "groups of fewer than 25 rows are left out of the gaps: c",
        "3 of 6 cells (class × group) are left out of the gaps: in fewer than 25 rows a recall of 0.5 is uncertain "
        "by ±0.20 or more (95 %)",
    ]


def test_the_least_number_of_rows_keeps_a_share_within_the_stated_width() -> None:
    assert 1.96 * np.sqrt(0.25 / MIN_ROWS) <= HALF_WIDTH < 1.96 * np.sqrt(0.25 / (MIN_ROWS - 1))


def test_one_group_alone_is_refused() -> None:
    with pytest.raises(InputError, match=r"planted: expected two groups with at least 25 rows. Received: a 100, b 10"):
        measured([[(50, 40), (50, 40)], [(5, 1), (5, 1)]])


def test_classes_that_no_group_has_are_left_undefined() -> None:
    found = measured([[(100, 90), (0, 0)], [(100, 80), (0, 0)]])
    cell = found.cells[2]
    assert (cell.recall.n, cell.recall.value, cell.recall.interval) == (0, None, None)
    assert found.groups[0].balanced_accuracy.value == pytest.approx(0.9)
    nothing_right = measured([[(100, 0), (0, 0)], [(100, 0), (0, 0)]])
    assert nothing_right.accuracy.ratio is None
    assert nothing_right.accuracy.p_value == 1


def test_rows_without_a_group_do_not_count() -> None:
    groups, labels, predictions = rows_of([[(60, 50), (60, 50)], [(60, 40), (60, 40)]])
    groups[:20] = NONE
    (found,) = measure([Grouping("g", ("a", "b"), groups)], labels, predictions, CLASSES)
    assert found.n == 220
    assert found.groups[0].accuracy.n == 100
    assert found.groups[0].accuracy.value == pytest.approx(0.8)


def test_several_groupings_raise_each_others_p_values() -> None:
    groups, labels, predictions = rows_of([[(100, 90), (100, 90)], [(100, 60), (100, 60)]])
    shuffled = np.random.default_rng(0).permutation(groups)
    pair = [Grouping("planted", ("a", "b"), groups), Grouping("shuffled", ("a", "b"), shuffled)]
    planted, chance = measure(pair, labels, predictions, CLASSES)
    assert planted.accuracy.p_holm == pytest.approx(2 * planted.accuracy.p_value)
    assert chance.accuracy.p_holm == chance.accuracy.p_value > 0.05


def test_the_same_seed_draws_the_same() -> None:
    plans = [[(50, 40), (50, 40)], [(50, 30), (50, 40)]]
    assert measured(plans, seed=3) == measured(plans, seed=3)
    assert measured(plans, seed=3).accuracy.gap_interval != measured(plans, seed=4).accuracy.gap_interval


def planted_sample(persons: bool) -> Sample:
    groups, labels, predictions = rows_of([[(30, 20), (10, 5)], [(20, 10), (40, 35)]])
    return Sample(groups, labels, predictions, 2, 2, np.arange(100) // 5 if persons else None)


def test_the_exchange_keeps_what_the_group_cannot_change() -> None:
    sample = planted_sample(persons=False)
    counts, drawn = sample.counts(), sample.exchanged(seed=0, draws=200)
    assert (drawn.sum(-1) == counts.sum(-1)).all()
    assert (drawn.sum(1) == counts.sum(0)).all()
    # Sad faces: 30 of 50 are right, and 30 of 50 are of the first group.
    assert drawn[:, 0, 0, 0].mean() == pytest.approx(30 * 30 / 50, rel=0.03)


def test_the_exchange_of_persons_keeps_their_rows_together() -> None:
    sample = planted_sample(persons=True)
    drawn = sample.exchanged(seed=0, draws=200)
    assert (drawn.sum(1) == sample.counts().sum(0)).all()
    # Each of the 20 persons has five rows, and eight of them are in the first group.
    assert (drawn[:, 0].sum((-2, -1)) == 40).all()


@pytest.mark.parametrize("persons", [False, True])
def test_the_bootstrap_keeps_the_size_of_each_group(persons: bool) -> None:
    drawn = planted_sample(persons).bootstrap(seed=0, draws=200)
    assert (drawn.sum((-2, -1)) == [40, 60]).all()
    assert drawn.mean(0) == pytest.approx(planted_sample(persons).counts(), abs=2)


def test_a_p_value_is_never_0_and_counts_equals() -> None:
    assert p_value(0.5, np.array([0.1, 0.2, 0.3])) == 0.25
    assert p_value(0.2, np.array([0.1, 0.2, 0.3])) == 0.75
    assert p_value(0.1 + 0.2, np.array([0.3])) == 1


def test_holm_as_worked_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []
