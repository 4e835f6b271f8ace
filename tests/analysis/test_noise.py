"""Accuracy under corruption, on corruptions and answers that are known."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.analysis.noise.images import Chosen, Corrupted, Subject, chosen_rows
from fer_cli.analysis.noise.levels import CLEAN, SEVERITY_REPEATS, VARIANCE, VARIANCE_REPEATS, Level, levels
from fer_cli.analysis.noise.published import beside_levels, label, variance_points
from fer_cli.analysis.noise.samples import FACES, samples
from fer_cli.analysis.noise.scores import corruption_errors, holm, level_pair, level_score, spread
from fer_cli.analysis.noise.sweep import Sweep, passes, sweep
from fer_cli.analysis.published import Published
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import ImageRows, open_dataset
from fer_cli.transform.corrupt import choose
from tests import helpers

Pixels = npt.NDArray[np.uint8]

START = Level(CLEAN, 0.0, None, 1)


class Reader:
    """Names a planted face by its brightest block, which is no work; `path` is all that tells it from others.

    wrong: classes that it names one class on.
    """

    class_names = EMOTIONS
    input_shape = (helpers.SIDE, helpers.SIDE, 1)
    parameters = None

    def __init__(self, name: str = "reader", wrong: tuple[int, ...] = ()) -> None:
        self.path, self.metadata = Path(f"{name}.keras"), dict[str, Any]()
        self._answers = np.array([(label + 1) % 7 if label in wrong else label for label in range(7)])

    def probabilities(self, images: npt.NDArray[np.generic], batch_size: int = 256) -> npt.NDArray[np.float32]:
        blocks = np.stack([images[:, rows, columns].mean((1, 2, 3)) for rows, columns in map(helpers.place, range(7))])
        return np.eye(7, dtype=np.float32)[self._answers[blocks.argmax(0)]]


def blanked(share: float) -> Level:
    """A corruption that makes a share of the faces black, whereupon every network names them angry."""

    def blank(images: Pixels, rng: np.random.Generator) -> Pixels:
        return images * (rng.random((len(images), 1, 1, 1)) >= share).astype(np.uint8)

    return Level("blank", share, blank, 20)


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """280 planted faces, 40 of each class."""
    path = helpers.write_dataset(tmp_path / "many.h5", helpers.planted_records((0, 280, 0)))
    with open_dataset(path) as dataset:
        return Subject(dataset.images("val"), dataset.labels("val"), dataset.class_names)


def published(name: str, accuracy: float) -> Published:
    return Published(name, None, "other faces", None, None, accuracy, None, None, "a study")


def test_levels_begin_with_clean_images_and_repeat_what_is_drawn() -> None:
    found = levels([0.2, 0.0, 0.01], choose(["fog", "contrast"], 1), None)
    assert [level.name for level in found[:4]] == ["clean", "variance-0.01", "variance-0.2", "fog-1"]
    assert [(level.kind, level.value) for level in found[3:]] == [
        (k, s) for k in ("fog", "contrast") for s in range(1, 6)
    ]
    repeats = {level.kind: level.repeats for level in found}
    assert repeats == {CLEAN: 1, VARIANCE: VARIANCE_REPEATS, "fog": SEVERITY_REPEATS, "contrast": 1}
    assert passes(found) == 1 + 2 * VARIANCE_REPEATS + 5 * SEVERITY_REPEATS + 5
    assert {lv.kind: lv.repeats for lv in levels([0.1], choose(["fog", "contrast"], 1), 3)} == {
        CLEAN: 1, VARIANCE: 3, "fog": 3, "contrast": 1,
    }  # fmt: skip


def test_a_variance_is_that_of_the_noise() -> None:
    (level,) = (lv for lv in levels([0.01], {}, None) if lv.kind == VARIANCE)
    grey = np.full((50, 24, 24, 1), 128, np.uint8)
    assert level.corrupt is not None
    out = level.corrupt(grey, np.random.default_rng(0)) / 255
    assert out.var() == pytest.approx(0.01, rel=0.05)


def test_pixels_depend_on_row_seed_kind_and_repeat_and_on_nothing_else(subject: Subject) -> None:
    level = levels([0.05], {}, 1)[1]

    def seen(size: int | None, kind: str = VARIANCE, repeat: int = 0, seed: int = 0) -> Pixels:
        assert level.corrupt is not None
        return np.concatenate(list(Corrupted(subject.images, level.corrupt, kind, repeat, seed).blocks(size)))

    first = seen(None)
    assert first.shape == subject.images.shape
    for size in (1, 100, 5000):
        np.testing.assert_array_equal(first, seen(size))
    for other in (seen(None, "fog"), seen(None, repeat=1), seen(None, seed=1)):
        assert (first != other).mean() > 0.5


def test_rows_are_made_in_blocks_and_ahead_but_never_all_at_once(subject: Subject) -> None:
    made: list[int] = []

    class Rows(Chosen):
        def __len__(self) -> int:
            return 10 * 1024

        def blocks(self, size: int | None = None) -> Iterator[Pixels]:
            assert size == 1024
            for _ in range(10):
                yield np.zeros((size, *self.shape[1:]), np.uint8)

    def corrupt(images: Pixels, rng: np.random.Generator) -> Pixels:
        made.append(len(images))
        return images

    assert isinstance(subject.images, ImageRows)
    stream = Corrupted(Rows(subject.images, np.arange(3)), corrupt, "none", 0, 0).blocks(256)
    next(stream)
    assert sum(made) <= 3 * 1024
    assert 1 + sum(1 for _ in stream) == 40
    assert sum(made) == 10 * 1024


def test_a_limit_draws_rows_of_each_class(subject: Subject) -> None:
    rows = chosen_rows(subject.labels, 5, 0)
    assert np.bincount(subject.labels[rows]).tolist() == [5] * 7
    assert (rows != chosen_rows(subject.labels, 5, 1)).any()
    assert isinstance(subject.images, ImageRows)
    chosen = Chosen(subject.images, rows)
    np.testing.assert_array_equal(np.concatenate(list(chosen.blocks(3))), subject.images.take(rows))
    np.testing.assert_array_equal(chosen.take(np.array([4, 1])), subject.images.take(rows[[4, 1]]))


def test_accuracy_is_what_the_corruption_leaves(subject: Subject) -> None:
    done: list[int] = []
    found = sweep([Reader()], subject, [START, blanked(0.35)], advance=done.append)
    clean, blank = found.scores
    assert (clean.accuracy, clean.repeats, clean.accuracies) == (1.0, 1, [1.0])
    # A blank face is named angry, which one of seven is.
    assert blank.accuracy == pytest.approx(1 - 0.35 * 6 / 7, abs=0.02)
    low, high = blank.accuracy_interval
    assert low < 1 - 0.35 * 6 / 7 < high
    assert len(set(blank.accuracies)) > 5
    assert np.mean(blank.accuracies) == pytest.approx(blank.accuracy)
    assert sum(done) == 280 * 21
    assert found.pairs == []
    assert sweep([Reader()], subject, [START, blanked(0.35)]).scores == found.scores
    assert sweep([Reader()], subject, [START, blanked(0.35)], seed=1).scores[1] != blank


def test_models_are_compared_on_the_same_pixels(subject: Subject) -> None:
    models = Reader("a"), Reader("twin"), Reader("worse", wrong=(3,))
    found = sweep(models, subject, [START, blanked(0.4)])
    equal, lost = found.pairs[1], found.pairs[3]
    assert (equal.difference, equal.gained, equal.lost, equal.p_value) == (0, 0, 0, 1)
    assert (equal.model, equal.against) == ("twin.keras", "a.keras")
    # Happy faces that are still there, 60 % of a seventh, are misnamed.
    assert lost.difference == pytest.approx(-0.6 / 7, abs=0.02)
    assert lost.difference_interval[0] < -0.6 / 7 < lost.difference_interval[1] < 0
    assert lost.gained == 0
    assert lost.lost == pytest.approx(24, abs=10)  # of the first repeat alone
    assert lost.p_value < 0.001
    assert lost.p_holm == pytest.approx(min(1, 2 * max(lost.p_value, found.pairs[2].p_value)), abs=1e-3)


def test_a_reference_is_scored_once_and_divides(subject: Subject) -> None:
    plain, worse = Reader("plain"), Reader("worse", wrong=(3,))
    every = [START, blanked(0.4)]
    apart, within = sweep([plain], subject, every, worse), sweep([plain, worse], subject, every, worse)
    for found in (apart, within):
        own, theirs = found.errors
        assert found.reference == str(worse.path)
        assert theirs.mce == theirs.relative_mce == 1
        assert own.ce["blank"] == pytest.approx(own.error["blank"] / theirs.error["blank"])
        assert own.clean_error == 0
    assert [score.model for score in apart.scores] == ["plain.keras"] * 2 + ["worse.keras"] * 2
    assert apart.pairs == []
    alone = sweep([plain], subject, every).errors[0]
    assert (alone.mce, alone.mce_interval, alone.ce) == (None, None, {"blank": None})
    assert alone.mean_error == pytest.approx(0.4 * 6 / 7, abs=0.03)


def test_classes_that_do_not_match_are_refused(subject: Subject) -> None:
    strange = Subject(subject.images, subject.labels, tuple("abcdefg"))
    with pytest.raises(InputError, match="the classes do not match"):
        sweep([Reader()], strange, [START])


def test_quartiles_and_outliers_are_those_of_a_box_plot() -> None:
    found = spread(np.array([0.60, 0.61, 0.62, 0.63, 0.64, 0.90]))
    assert (found.minimum, found.median, found.maximum, found.outliers) == (0.60, 0.625, 0.90, [0.90])
    assert (found.lower_quartile, found.upper_quartile) == (pytest.approx(0.6125), pytest.approx(0.6375))
    assert spread(np.array([0.5])).outliers == []


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """The truth being the mean over all faces and all noise, of which rows and repeats are drawn."""
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        chances = rng.beta(1, 0.5, 150)  # of being right, which differs by face; the mean is 2/3
        score = level_score("m", VARIANCE, 0.1, rng.random((4, 150)) < chances, trial)
        covered += score.accuracy_interval[0] <= 2 / 3 <= score.accuracy_interval[1]
    assert 180 <= covered <= 199


def test_repeats_that_agree_make_no_interval_narrower() -> None:
    right = np.random.default_rng(0).random((1, 400)) < 0.7
    once, often = (level_score("m", VARIANCE, 0.1, np.repeat(right, times, 0), 0) for times in (1, 10))
    assert often.accuracy == pytest.approx(once.accuracy)
    assert often.accuracy_interval == pytest.approx(once.accuracy_interval)
    pair = level_pair(often, often, np.repeat(right, 10, 0), np.repeat(~right, 10, 0), 0)
    assert pair.gained + pair.lost == 400


def test_holm_equals_an_example_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.9]) == [1, 1]
    assert holm([]) == []


def test_corruption_errors_equal_the_definitions_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    clean, fog, snow = (rng.random(2000) < share for share in (0.2, 0.5, 0.3))
    own = np.stack([clean, fog, snow], 1).astype(float)
    other = np.stack([rng.random(2000) < share for share in (0.1, 0.4, 0.6)], 1).astype(float)
    found = corruption_errors("m", ["fog", "snow"], own, other, 0)
    e, r = own.mean(0), other.mean(0)
    ce = {"fog": e[1] / r[1], "snow": e[2] / r[2]}
    relative = {"fog": (e[1] - e[0]) / (r[1] - r[0]), "snow": (e[2] - e[0]) / (r[2] - r[0])}
    assert found.ce == pytest.approx(ce)
    assert found.relative == pytest.approx(relative)
    assert found.mce == pytest.approx(np.mean(list(ce.values())))
    assert found.relative_mce == pytest.approx(np.mean(list(relative.values())))
    assert found.mean_error == pytest.approx((e[1] + e[2]) / 2)
    assert found.mce_interval is not None
    low, high = found.mce_interval
    # The standard error of a ratio of shares, to first order, of the mean of two.
    error = math.sqrt(sum(ce[k] ** 2 * ((1 - a) / a + (1 - b) / b) for k, a, b in zip(ce, e[1:], r[1:], strict=True)))
    assert high - low == pytest.approx(2 * 1.96 * error / math.sqrt(2000) / 2, rel=0.15)


def test_a_reference_without_errors_gives_no_ratio() -> None:
    own = np.full((10, 3), 0.5)
    other = np.array([[0.2, 0.2, 0.0]]).repeat(10, 0)
    found = corruption_errors("m", ["fog", "snow"], own, other, 0)
    assert found.ce == {"fog": 2.5, "snow": None}
    assert found.relative == {"fog": None, "snow": None}
    assert found.mce is None
    assert found.relative_mce_interval is None


def test_published_figures_stand_beside_the_level_of_their_name(subject: Subject) -> None:
    found = sweep([Reader()], subject, levels([0.01], {}, 2))
    theirs = [published("variance-0.2", 0.4), published("clean", 0.9), published("variance-0.01", 0.8)]
    ((path, entries),) = beside_levels(theirs, found.scores, Path("data/many.h5"), "val").items()
    assert path == "reader.keras"
    ours = {entry["published"]["name"]: entry["accuracy"] for entry in entries}
    assert ours == {"variance-0.2": None, "clean": 1.0, "variance-0.01": found.scores[1].accuracy}
    assert variance_points([*theirs, published("fog-3", 0.1)]) == [(0, 0.9), (0.01, 0.8), (0.2, 0.4)]
    assert label(theirs) == "published: other faces, a study"
    assert beside_levels([], found.scores, Path("x.h5"), "val") == {}


def test_samples_show_every_level_once(subject: Subject) -> None:
    rows = samples(subject, levels([0.01, 0.1], choose(["fog", "mask"], 1), None), 0)
    assert [row[0] for row in rows] == [VARIANCE] * FACES + ["fog", "mask"]
    assert rows[0][2] == ["0", "0.01", "0.1"]
    assert rows[-1][2] == ["0", "1", "2", "3", "4", "5"]
    np.testing.assert_array_equal(rows[-1][1][0], subject.images.take(np.array([0]))[0])
    assert [row[0] for row in samples(subject, [START], 0)] == [CLEAN] * FACES


def test_results_can_be_written_as_json(subject: Subject) -> None:
    found = sweep([Reader(), Reader()], subject, [START, blanked(0.5)])
    assert isinstance(found, Sweep)
    results = json.loads(json.dumps(found.results()))
    assert results["levels"][1]["spread"]["median"] == found.scores[1].spread.median
    assert "before they are brought to a network's input" in results["protocol"]
