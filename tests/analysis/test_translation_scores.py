"""The figures that judges give: likeness, distance of crowds, identity, intervals over groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.analysis.translation.bootstrap import mean_interval
from fer_cli.analysis.translation.frechet import frechet_distance, realism
from fer_cli.analysis.translation.identity import Gallery, identity, person_matches
from fer_cli.analysis.translation.similarity import ssim, ssim_maps, ssim_outside

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def faces() -> Pixels:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 8, 8, 1))
    return np.clip(np.kron(coarse, np.ones((1, 5, 5, 1))) + rng.normal(0, 5, (6, 40, 40, 1)), 0, 255).astype(np.uint8)


def test_the_likeness_is_the_published_index(faces: Pixels) -> None:
    tf = pytest.importorskip("tensorflow")
    other = np.clip(faces[::-1] * 0.5 + faces * 0.5 + 7, 0, 255).astype(np.uint8)
    theirs = tf.image.ssim(faces, other, 255).numpy()
    # Theirs leaves out the margin in which a window is not whole.
    ours = ssim_maps(faces[..., 0], other[..., 0])[:, 5:-5, 5:-5].mean((1, 2))
    assert ours == pytest.approx(theirs, abs=1e-4)
    assert ssim(faces, faces) == pytest.approx(np.ones(6))


def test_what_changes_inside_the_mask_is_no_unlikeness_outside(faces: Pixels) -> None:
    masks = np.zeros((6, 40, 40, 1), np.float32)
    masks[:, 10:30, 10:30] = 1
    inside = np.where(masks > 0, 255 - faces, faces)
    assert ssim_outside(faces, inside, masks) == pytest.approx(np.ones(6))
    assert ssim(faces, inside).max() < 0.8
    outside = np.where(masks > 0, faces, 255 - faces)
    assert ssim_outside(faces, outside, masks).max() < 0.2


def test_colours_are_compared_by_their_luma(faces: Pixels) -> None:
    masks = np.zeros((6, 40, 40, 1), np.float32)
    assert ssim_outside(np.repeat(faces, 3, 3), np.repeat(255 - faces, 3, 3), masks) == pytest.approx(
        ssim(faces, 255 - faces), abs=1e-6
    )


def test_a_mask_over_everything_has_no_outside(faces: Pixels) -> None:
    assert np.isnan(ssim_outside(faces, faces, np.ones((6, 40, 40, 1), np.float32))).all()


def test_the_distance_of_two_crowds_is_that_of_their_gaussians() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)), rng.normal(2, 3, (200, 6))
    a, b = np.cov(first.T), np.cov(second.T)
    root = linalg.sqrtm(a @ b).real
    by_roots = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(a + b - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(by_roots, rel=1e-6)


def test_the_distance_needs_no_more_faces_than_features() -> None:
    few = np.random.default_rng(0).normal(size=(5, 50))
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(few, few + 2) == pytest.approx(50 * 4)


def crowd(shift: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Features of 400 faces of 4 classes, and of their translations to all classes, off by `shift`."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4
    centres = 5 * rng.normal(size=(4, 3))
    real = centres[labels] + rng.normal(size=(400, 3))
    return real, labels, centres[None] + rng.normal(size=(400, 4, 3)) + shift


def test_translations_as_real_as_real_faces_are_as_far_as_those_are_from_each_other() -> None:
    found = realism(*crowd(0), [0, 1, 2, 3], np.arange(400), seed=0)
    assert found is not None
    assert found.ratio == pytest.approx(1, abs=0.4)
    assert found.n == pytest.approx(200, abs=1)
    far = realism(*crowd(3), [0, 1, 2, 3], np.arange(400), seed=0)
    assert far is not None
    assert far.floor == found.floor
    assert far.distance > 20 * far.floor
    assert far.distance_interval[0] <= far.distance <= far.distance_interval[1]


def test_translations_to_one_class_are_held_against_its_real_faces() -> None:
    real, labels, made = crowd(0)
    right = realism(real, labels, made[:, [2]], [2], np.arange(400), seed=0)
    wrong = realism(real, labels, made[:, [1]], [2], np.arange(400), seed=0)
    assert right is not None
    assert wrong is not None
    assert right.distance < 0.1 * wrong.distance


def test_of_too_few_faces_nothing_is_said_of_realism() -> None:
    real, labels, made = crowd(0)
    assert realism(real[:3], labels[:3], made[:3], [0, 1, 2, 3], np.arange(3), seed=0) is None
    assert realism(real, labels, made, [0, 1, 2, 3], np.zeros(400, int), seed=0) is None


def portraits(persons: int = 5, pictures: int = 4) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    rng = np.random.default_rng(0)
    own = 10 * rng.normal(size=(persons, 8))
    person = np.arange(persons * pictures) % persons
    return own[person] + rng.normal(size=(len(person), 8)), person


def test_persons_who_stay_themselves_are_found_and_those_who_become_others_are_not() -> None:
    real, person = portraits()
    kept = identity(real, np.stack([real + 0.1, real - 0.1], 1), person, person, seed=0)
    assert (kept.match, kept.ceiling, kept.persons, kept.n) == (1, 1, 5, 40)
    assert kept.source_match == 1
    assert kept.within is not None
    assert kept.across is not None
    assert kept.to_source < kept.within < kept.across
    exchanged = identity(real, np.roll(real, 1, axis=0)[:, None], person, person, seed=0)
    assert exchanged.match == 0
    assert exchanged.ceiling == 1


def test_the_means_of_distances_are_those_of_all_pairs() -> None:
    real, person = portraits()
    unit = real / np.linalg.norm(real, axis=1, keepdims=True)
    distances, same = 1 - unit @ unit.T, person[:, None] == person
    pairs = ~np.eye(len(real), dtype=bool)
    found = identity(real, real[:, None], person, person, seed=0)
    assert found.within == pytest.approx(distances[same & pairs].mean())
    assert found.across == pytest.approx(distances[~same].mean())
    unnamed = identity(real, real[:, None], None, np.arange(len(real)), seed=0)
    assert unnamed.across == pytest.approx(distances[pairs].mean())
    assert (unnamed.match, unnamed.within, unnamed.source_match) == (None, None, 1)


def test_a_translation_is_not_recognised_by_its_own_picture() -> None:
    # The two pictures of person 0 have nothing in common; one of them looks a bit like person 1.
    unit = np.array([[1, 0, 0], [0, 1, 0], [0.6, 0, 0.8], [0.6, 0, 0.8]])
    person = np.array([0, 0, 1, 1])
    gallery = Gallery.of([(unit, person)])
    assert person_matches(unit, unit[:, None], person, gallery).ravel().tolist() == [False, False, True, True]


def test_a_person_is_known_by_all_pictures_and_not_only_by_those_that_were_translated() -> None:
    real, person = portraits(persons=5, pictures=6)
    chosen = np.arange(5)
    alone = identity(real[chosen], real[chosen, None], person[chosen], person[chosen], seed=0)
    assert (alone.match, alone.n) == (None, 0)
    blocks = [(real[:13], person[:13]), (3 * real[13:], person[13:])]
    known = identity(real[chosen], real[chosen, None], person[chosen], person[chosen], 0, Gallery.of(blocks))
    assert (known.match, known.ceiling, known.ceiling_interval, known.n, known.persons) == (1, 1, (1, 1), 5, 5)


def test_who_has_one_picture_only_is_not_counted() -> None:
    real, person = portraits(persons=5, pictures=2)
    found = identity(real[:-1], real[:-1, None], person[:-1], person[:-1], seed=0)
    assert (found.n, found.match) == (8, 1)
    alone = identity(real[:5], real[:5, None], person[:5], person[:5], seed=0)
    assert alone.match is None


def test_an_interval_draws_whole_groups() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.random(30) < 0.5, 20)
    groups = np.repeat(np.arange(30), 20)
    low, high = mean_interval(values, groups, seed=0)
    assert low < values.mean() < high
    naive = mean_interval(values, np.arange(600), seed=0)
    assert high - low > 3 * (naive[1] - naive[0])
    assert mean_interval(np.where(groups == 0, np.nan, 1.0), groups, seed=0) == (1, 1)
