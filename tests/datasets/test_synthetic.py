"""The synthetic data set: balanced, split by person, with its truth beside it, and no toy for a linear model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from fer_cli.datasets import synthetic
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.facs.action_units import EMOTION_UNITS, MOVED_UNITS, WEAKEST
from fer_cli.datasets.facs.person import SKIN_GROUPS
from fer_cli.datasets.synthetic import SyntheticFaces
from fer_cli.errors import UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from fer_cli.store.reader import open_dataset
from fer_cli.store.writer import create_dataset


def faces(count: int = 140, **options: object) -> Records:
    (block,) = SyntheticFaces(Path("synthetic"), ReadOptions(count=count, **options)).records()
    return block


def test_the_bare_word_is_the_source_unless_a_file_has_that_name(tmp_path: Path) -> None:
    assert SyntheticFaces.detects(Path("synthetic"))
    assert not SyntheticFaces.detects(Path("synthetic.csv"))
    assert not SyntheticFaces.detects(tmp_path / "synthetic")
    Path("synthetic").mkdir()
    assert not SyntheticFaces.detects(Path("synthetic"))


def test_a_seed_fixes_every_face_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = faces(42, seed=3)
    monkeypatch.setattr(synthetic, "_BLOCK", 10)
    blocks = list(SyntheticFaces(Path("synthetic"), ReadOptions(count=42, seed=3)).records())

    assert [len(block) for block in blocks] == [10, 10, 10, 10, 2]
    np.testing.assert_array_equal(whole.images, np.concatenate([block.images for block in blocks]))
    assert list(whole.source) == [name for block in blocks for name in block.source]


def test_another_seed_draws_other_faces() -> None:
    assert (faces(14, seed=3).images != faces(14, seed=4).images).any(axis=(1, 2, 3)).all()


def test_classes_are_balanced_and_the_default_is_six_thousand() -> None:
    assert SyntheticFaces(Path("synthetic"), ReadOptions()).rows == 6000
    records = faces(150)

    assert len(records) == 150
    assert records.images.shape == (150, 48, 48, 1)
    counts = np.bincount(records.labels, minlength=7)
    assert counts.max() - counts.min() <= 1
    assert len(set(records.source)) == 150
    assert records.source[123] == "synthetic:000123"


@pytest.mark.parametrize("count", [21, 41, 42, 120, 500])
def test_no_person_is_in_two_splits_and_every_split_has_every_class(count: int) -> None:
    records = faces(count)
    subjects = [{records.subject[i] for i in np.flatnonzero(records.split == code)} for code in range(3)]

    assert len(set.union(*subjects)) == sum(map(len, subjects))
    for code in range(3):
        assert set(records.labels[records.split == code]) == set(range(7))


def test_about_seven_in_ten_persons_are_for_training() -> None:
    shares = np.bincount(faces(504, size=8).split) / 504

    np.testing.assert_allclose(shares, [0.7, 0.15, 0.15], atol=0.03)


@pytest.mark.parametrize("count", [1, 8, 20])
def test_fewer_faces_than_every_split_needs_still_come(count: int) -> None:
    assert len(faces(count)) == count


def test_planted_label_errors_are_as_many_as_asked_and_the_truth_is_kept() -> None:
    clean, noisy = faces(200), faces(200, label_noise=0.1)
    wrong = noisy.labels != noisy.attributes["true_label"]

    np.testing.assert_array_equal(clean.labels, clean.attributes["true_label"])
    np.testing.assert_array_equal(clean.labels, noisy.attributes["true_label"])
    np.testing.assert_array_equal(clean.images, noisy.images)
    assert wrong.sum() == 20


def test_falsified_labels_are_spread_over_the_other_classes() -> None:
    labels = np.zeros(7000, np.uint8)
    wrong = synthetic.falsify(labels, 1.0, np.random.default_rng(0))

    counts = np.bincount(wrong, minlength=7)
    assert counts[0] == 0
    assert counts[1:].min() > 1000


def test_a_note_says_how_many_labels_are_false() -> None:
    source = SyntheticFaces(Path("synthetic"), ReadOptions(count=100, label_noise=0.05))

    assert source.findings.notes == ["5 of 100 labels were falsified; true_label keeps the right ones"]


def test_attributes_tell_the_truth_in_their_units() -> None:
    records = faces(210)
    columns = records.attributes

    assert set(columns) == {
        "skin_tone", "glasses", "beard", "true_label", "gaze_x", "gaze_y", "head_yaw", "head_pitch", "head_roll",
        "light_azimuth", "light_elevation", "light_strength", *MOVED_UNITS,
    }  # fmt: skip
    assert set(columns["skin_tone"]) == set(range(len(SKIN_GROUPS)))
    assert set(columns["glasses"]) == set(columns["beard"]) == {0, 1}
    for name in ("gaze_x", "gaze_y", "head_yaw", "head_pitch", "head_roll"):
        assert columns[name].dtype == np.float32
        assert np.abs(columns[name]).max() <= 30
        assert columns[name].min() < -5 < 5 < columns[name].max()
    for unit in MOVED_UNITS:
        part = np.isin(records.labels, [k for k, name in enumerate(EMOTIONS) if unit in EMOTION_UNITS[name]])
        assert (columns[unit][~part] == 0).all()
        assert columns[unit][part].min() >= WEAKEST
        assert columns[unit].max() <= 1


def test_persons_keep_their_traits_from_picture_to_picture() -> None:
    records = faces(140)
    for trait in ("skin_tone", "glasses", "beard"):
        pairs = set(zip(records.subject, records.attributes[trait].tolist(), strict=True))
        assert len(pairs) == len(set(records.subject)) == 10


@pytest.mark.parametrize(("size", "color", "shape"), [(24, "gray", (24, 24, 1)), (96, "rgb", (96, 96, 3))])
def test_any_size_in_grey_or_colour(size: int, color: str, shape: tuple[int, int, int]) -> None:
    assert faces(7, size=size, color=color).images.shape == (7, *shape)


def test_the_records_fit_a_dataset_file() -> None:
    source = SyntheticFaces(Path("synthetic"), ReadOptions(count=42))
    with create_dataset(Path("faces.h5"), source.class_names, source.attribute_values) as writer:
        for block in source.records():
            writer.append(block)
        writer.finish({"command": "test"})

    with open_dataset(Path("faces.h5")) as dataset:
        assert tuple(dataset.class_names) == EMOTIONS
        assert len(dataset) == source.rows == 42
        assert (dataset.table() > 0).all()
        assert dataset.attribute_values("skin_tone") == SKIN_GROUPS
        assert set(dataset.subjects("train")).isdisjoint(dataset.subjects("test"))
    assert source.inputs == []


def test_a_linear_model_on_pixels_learns_something_but_not_enough() -> None:
    records = faces(504)
    pixels = records.images.reshape(len(records), -1).astype(np.float32)
    train, test = records.split == 0, records.split == 2
    pixels = StandardScaler().fit(pixels[train]).transform(pixels)
    accuracy = LinearSVC(C=1e-5).fit(pixels[train], records.labels[train]).score(pixels[test], records.labels[test])

    assert 1 / 7 < accuracy < 0.85


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count of synthetic faces: expected at least 1. Received: 0"),
        ({"label_noise": 1.5}, "label noise: expected a fraction from 0 to 1. Received: 1.5"),
        ({"label_noise": -0.1}, "label noise: expected a fraction from 0 to 1. Received: -0.1"),
    ],
)
def test_what_cannot_be_drawn_is_wrong_usage(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        SyntheticFaces(Path("synthetic"), ReadOptions(**options))
    assert str(caught.value) == message
    assert caught.value.exit_code == 2
