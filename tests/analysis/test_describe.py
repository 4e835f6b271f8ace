"""Describing faces whose classes, light and variance are planted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.analysis.describe import BINS, LIMITS, describe, sample_rows

NAMES = ("dark", "absent", "single", "bright")


def faces(channels: int = 1, side: int = 12) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """60 dark faces of low contrast, one single face, 40 bright ones of high contrast, mixed."""
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.repeat(np.array([0, 2, 3], np.uint8), (60, 1, 40)))
    low, high = np.array([[20, 30], [0, 0], [100, 101], [150, 250]])[labels].T[:, :, None, None, None]
    images = rng.integers(low, high, (len(labels), side, side, channels), np.uint8, endpoint=True)
    return images, labels


def blocks(images: npt.NDArray[np.uint8], step: int = 17) -> list[npt.NDArray[np.uint8]]:
    return [images[start : start + step] for start in range(0, len(images), step)]


@pytest.mark.parametrize("channels", [1, 3])
def test_mean_faces_are_numpys(channels: int) -> None:
    images, labels = faces(channels)
    found = describe(blocks(images), labels, NAMES)
    assert [(group.name, len(group)) for group in found.groups] == [
        ("all", 101),
        ("dark", 60),
        ("single", 1),
        ("bright", 40),
    ]
    np.testing.assert_allclose(found.groups[0].mean, images.mean(0))
    for group in found.groups[1:]:
        np.testing.assert_allclose(group.mean, images[labels == NAMES.index(group.name)].mean(0))


def test_brightness_and_contrast_are_those_of_each_image() -> None:
    images, labels = faces()
    everyone, dark, _, bright = describe(blocks(images), labels, NAMES).groups
    np.testing.assert_allclose(everyone.brightness, images.mean((1, 2, 3)))
    np.testing.assert_allclose(everyone.contrast, images.std((1, 2, 3)))
    assert dark.brightness.max() < 30 < 150 < bright.brightness.min()
    assert dark.contrast.max() < 10 < bright.contrast.min()


def test_histograms_hold_every_image_once() -> None:
    images, labels = faces()
    # The ends of both ranges: all black, all white, and half of each.
    images[0], images[1], images[2], images[2, 6:] = 0, 255, 0, 255
    found = describe(blocks(images), labels, NAMES)
    for measure in LIMITS:
        assert [int(group.histogram(measure).sum()) for group in found.groups] == [101, 60, 1, 40]
        parts = np.sum([group.histogram(measure) for group in found.groups[1:]], axis=0)
        assert parts.tolist() == found.groups[0].histogram(measure).tolist()
    assert found.groups[0].histogram("brightness")[[0, -1]].tolist() == [1, 1]
    assert found.groups[0].histogram("contrast")[-1] == 1


def test_a_planted_number_of_components_is_found() -> None:
    # Ten blocks of pixels, each lighter or darker than grey in every combination with the others.
    signs = 2 * (np.arange(1024)[:, None] >> np.arange(10) & 1) - 1
    images = np.full((1024, 10, 8, 1), 128, np.uint8)
    images[..., 0] += (20 * signs[:, :, None]).astype(np.uint8)
    labels = (np.arange(1024) % 7 > 3).astype(np.uint8)
    found = describe(blocks(images, 300), labels, ("a", "b"), components=12)
    assert np.count_nonzero(found.variances > 1e-6) == 10
    results = found.results()
    assert (results["components_90"], results["components_95"], results["pixels"]) == (9, 10, 80)
    assert results["variance"] == pytest.approx(80 * 20**2)
    assert len(found.groups[0].eigenfaces) == 10
    assert found.groups[0].shares.sum() == pytest.approx(1)


def test_eigenfaces_are_those_of_each_class() -> None:
    images = np.full((64, 8, 8, 1), 100, np.uint8)
    labels = np.repeat(np.array([0, 1], np.uint8), 32)
    images[:32:2, 2, 3], images[32::2, 5, 6] = 200, 200
    everyone, first, second = describe([images], labels, ("a", "b"), components=1).groups
    assert np.unravel_index(first.eigenfaces[0].argmax(), (8, 8)) == (2, 3)
    assert np.unravel_index(second.eigenfaces[0].argmax(), (8, 8)) == (5, 6)
    assert first.shares.tolist() == pytest.approx([1])
    assert everyone.shares[0] < 1


def test_a_class_of_one_face_and_faces_that_are_all_alike_have_no_eigenfaces() -> None:
    images, labels = faces()
    assert len(describe(blocks(images), labels, NAMES).groups[2].eigenfaces) == 0
    alike = describe([np.full((9, 8, 8, 1), 50, np.uint8)], np.zeros(9, np.uint8), ("a",))
    assert [len(group.eigenfaces) for group in alike.groups] == [0, 0]
    assert alike.results()["components_95"] == 0


def test_large_and_coloured_images_are_reduced_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_cli.analysis.describe.EXACT_SIDE", 12)
    monkeypatch.setattr("fer_cli.analysis.describe.REDUCED_SIDE", 8)
    images, labels = faces(3, side=13)
    found = describe(blocks(images), labels, NAMES, components=1)
    assert found.groups[0].mean.shape == (13, 13, 3)
    assert found.groups[0].eigenfaces.shape == (1, 8, 8)
    assert "reduced from 13×13 to 8×8" in found.notes()[1]
    assert "grey" in found.notes()[0]
    assert describe(blocks(faces()[0]), labels, NAMES).notes() == []


def test_the_same_seed_gives_the_same_eigenfaces() -> None:
    images, labels = faces()
    first, again = (describe([images], labels, NAMES, seed=5).groups[3].eigenfaces for _ in range(2))
    assert first.tolist() == again.tolist()


def test_tables_say_what_the_arrays_hold() -> None:
    images, labels = faces()
    advanced: list[int] = []
    found = describe(blocks(images, 50), labels, NAMES, advance=advanced.append)
    assert advanced == [50, 50, 1]
    tables = found.tables()
    assert tables["variance"][-1]["cumulative_share"] == pytest.approx(1)
    assert [row["component"] for row in tables["variance"]] == list(range(1, 145))
    assert len(tables["histograms"]) == 2 * BINS
    assert sum(row["bright"] for row in tables["histograms"] if row["measure"] == "contrast") == 40
    assert [row["images"] for row in tables["per_class"]] == [101, 60, 1, 40]


def test_sampled_rows_belong_to_their_class() -> None:
    _, labels = faces()
    drawn = sample_rows(labels, 5, seed=1)
    assert {label: len(rows) for label, rows in drawn.items()} == {0: 5, 2: 1, 3: 5}
    for label, rows in drawn.items():
        assert (labels[rows] == label).all()
        assert (np.diff(rows) > 0).all()
    assert drawn[0].tolist() == sample_rows(labels, 5, seed=1)[0].tolist()
    assert drawn[0].tolist() != sample_rows(labels, 5, seed=2)[0].tolist()
