"""Batches depend on the seed, the epoch and the step, and on nothing else."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli.errors import UsageError
from fer_cli.store.reader import open_dataset
from fer_cli.training.batches import Batch, TrainingBatches, from_settings, network_shape
from fer_cli.training.mixup import draw_mixup
from fer_cli.training.settings import Settings
from fer_cli.training.targets import one_hot
from fer_cli.transform.policy import parse_policy
from tests import helpers


def make(path: Path, budget: int = 1 << 20, policy: str = "none", **options: object) -> TrainingBatches:
    """Batches of 16 of the 70 train rows of a planted dataset (images stay readable after closing only in memory)."""
    with open_dataset(path, budget) as dataset:
        labels = dataset.labels("train")
        images = dataset.images("train")
        targets = one_hot(labels, 7)
    arguments = {"batch_size": 16, "policy": parse_policy(policy)} | options
    return TrainingBatches(images, targets, np.arange(len(labels)), **arguments)  # type: ignore[arg-type]


def test_an_epoch_shows_other_rows_in_another_order(dataset: Path) -> None:
    batches = make(dataset)
    assert batches.steps == 4
    first, second = (np.concatenate([batches.batch(epoch, s)[0] for s in range(4)]) for epoch in (0, 1))
    assert len(np.unique(first.reshape(64, -1), axis=0)) == 64
    assert not np.array_equal(first, second)


def test_images_keep_their_own_targets(dataset: Path) -> None:
    images, targets, weights = make(dataset).batch(0, 0)
    for image, target in zip(images, targets, strict=True):
        assert image[helpers.place(int(target.argmax()))].min() >= 200
    np.testing.assert_array_equal(weights, 1)


def test_the_stream_is_the_batches_in_order_across_epochs(dataset: Path) -> None:
    batches = make(dataset, policy="strong", mixup=0.4, seed=5)
    streamed = list(itertools.islice(batches.stream(first_epoch=2), 6))
    numbers = [(2, 0), (2, 1), (2, 2), (2, 3), (3, 0), (3, 1)]
    for got, (epoch, step) in zip(streamed, numbers, strict=True):
        for left, right in zip(got, make(dataset, policy="strong", mixup=0.4, seed=5).batch(epoch, step), strict=True):
            np.testing.assert_array_equal(left, right)


def test_rows_streamed_from_disk_are_the_rows_in_memory(dataset: Path) -> None:
    in_memory = make(dataset).batch(1, 2)
    with open_dataset(dataset, budget=0) as data:
        labels, images = data.labels("train"), data.images("train")
        assert not images.in_memory
        targets = one_hot(labels, 7)
        on_disk = TrainingBatches(images, targets, np.arange(70), batch_size=16, policy=parse_policy("none"))
        np.testing.assert_array_equal(on_disk.batch(1, 2)[0], in_memory[0])


def test_fewer_rows_than_a_batch_make_one_batch(dataset: Path) -> None:
    batches = make(dataset, batch_size=1000)
    assert (batches.steps, batches.batch_size) == (1, 70)


def test_mixup_blends_images_targets_and_weights_alike() -> None:
    images = np.stack([np.full((2, 2, 1), value, np.uint8) for value in (0, 200)])
    targets, weights = one_hot(np.array([0, 1], np.uint8), 2), np.array([1, 3], np.float32)
    rng, both, shares = np.random.default_rng(1), np.arange(2), set()
    for _ in range(20):
        mixup = draw_mixup(2, 1.0, rng)
        mixed, blend = mixup.images(images, both, both), mixup.values(targets, both)
        np.testing.assert_allclose(mixed[:, 0, 0, 0], 200 * blend[:, 1], atol=0.51)
        np.testing.assert_allclose(blend.sum(1), 1, rtol=1e-6)
        np.testing.assert_allclose(mixup.values(weights, both), 1 + 2 * blend[:, 1], rtol=1e-6)
        shares.add(round(float(blend[0, 0]), 4))
    assert len(shares) > 3


@pytest.mark.parametrize("mixup", [0.0, 0.4])
@pytest.mark.parametrize("policy", ["none", "strong blur:0.5 noise:0.1 erase:0.5"])
def test_the_parts_of_workers_are_together_the_whole_batch(dataset: Path, policy: str, mixup: float) -> None:
    teacher = np.random.default_rng(0).dirichlet(np.ones(7), 70).astype(np.float32)
    options = {"policy": policy, "mixup": mixup, "crop": (20, 18), "views": 2, "sampler": "balanced"}
    batches = make(dataset, **options, teacher=teacher)  # type: ignore[arg-type]
    whole = batches.batch(1, 2)
    parts = [batches.batch(1, 2, part) for part in (slice(0, 5), slice(5, 6), slice(6, 16))]
    for got, expected in zip(zip(*parts, strict=True), whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(got), expected)
    streamed = next(batches.stream(1, slice(5, 6)))
    np.testing.assert_array_equal(streamed[0], batches.batch(1, 0)[0][5:6])


def test_a_balanced_sampler_shows_each_class_equally_often() -> None:
    """Also where the rows are a few of a file's: 40 of class 0, 8 of class 1, of 100 rows."""
    targets = one_hot(np.array([2] * 52 + [0] * 40 + [1] * 8, np.uint8), 3)
    rows = np.arange(52, 100)
    batches = TrainingBatches(
        Numbers(100), targets, rows, batch_size=16, policy=parse_policy("none"), sampler="balanced"
    )
    assert batches.steps == 3
    epochs = [[batches.batch(epoch, step) for step in range(3)] for epoch in (0, 1)]
    for epoch in epochs:
        assert np.concatenate([batch[1] for batch in epoch]).sum(0).tolist() == [24, 24, 0]
        for images, shown, _ in epoch:
            np.testing.assert_array_equal(targets[images[:, 0, 0, 0]], shown)
    first, second = ({int(n) for images, _, _ in epoch for n in images[:, 0, 0, 0]} for epoch in epochs)
    assert first != second


def test_each_row_has_its_views_side_by_side_and_each_is_another_crop() -> None:
    batches = TrainingBatches(
        Numbers(30), one_hot(np.arange(30).astype(np.uint8) % 7, 7), np.arange(30),
        batch_size=24, policy=parse_policy("none"), views=4, crop=(5, 3),
    )  # fmt: skip
    assert (batches.steps, batches.batch_size, batches.rows) == (5, 24, 30)
    images, targets, weights = batches.batch(0, 0)
    assert images.shape == (24, 5, 3, 3)
    assert (len(targets), len(weights)) == (24, 24)
    numbers = images[:, 0, 0, 0].reshape(6, 4)
    assert (numbers == numbers[:, :1]).all()
    assert len(set(numbers[:, 0])) == 6
    np.testing.assert_array_equal(targets.argmax(1), images[:, 0, 0, 0] % 7)
    shown = np.concatenate([batches.batch(0, step)[0][:, 0, 0, 0] for step in range(5)])
    assert np.bincount(shown).tolist() == [4] * 30
    # The pixels of `Numbers` hold their own row and column: a crop is a window of them, and every window is met.
    corners = corners_of(batches, 40)
    assert corners == {(top, left) for top in range(8 - 5 + 1) for left in range(6 - 3 + 1)}


def test_crops_depend_on_seed_epoch_and_step_alone(dataset: Path) -> None:
    one, again, other = (make(dataset, crop=(20, 20), seed=seed) for seed in (3, 3, 4))
    for number in ((0, 0), (2, 1)):
        np.testing.assert_array_equal(one.batch(*number)[0], again.batch(*number)[0])
    assert not np.array_equal(one.batch(0, 0)[0], other.batch(0, 0)[0])


def test_the_teacher_stands_behind_the_targets_and_mixes_like_them(dataset: Path) -> None:
    teacher = one_hot((np.arange(70) + 1).astype(np.uint8) % 7, 7)
    batches = make(dataset, teacher=teacher, mixup=0.5, class_weights=np.arange(1, 8, dtype=np.float32))
    _, targets, weights = batches.batch(0, 1)
    assert targets.shape == (16, 14)
    # The teacher names the class after the label, so mixing both alike keeps the one a shift of the other.
    np.testing.assert_array_equal(np.roll(targets[:, :7], 1, axis=1), targets[:, 7:])
    assert ((targets > 0) & (targets < 1)).any()
    np.testing.assert_allclose(weights, targets[:, :7] @ np.arange(1, 8), rtol=1e-5)


def settle(dataset: Path, **options: object) -> Batch:
    """The first batch of a run with these settings."""
    with open_dataset(dataset) as data:
        return from_settings(data, Settings(**options)).batch(0, 0)  # type: ignore[arg-type]


def test_settings_become_batches(tmp_path: Path) -> None:
    records = helpers.planted_records()
    votes = one_hot((records.labels + 1) % 7, 7)
    path = helpers.write_dataset(tmp_path / "votes.h5", replace(records, votes=votes))
    images, targets, weights = settle(path, batch_size=32, targets="votes", views=2, crop=20, class_weight="balanced")
    assert images.shape == (32, 20, 20, 1)
    assert (targets.sum(1) == 1).all()
    np.testing.assert_allclose(weights, 1, rtol=1e-6)
    images, targets, _ = settle(path, batch_size=14, targets="votes", crop=24)
    for image, target in zip(images, targets, strict=True):
        assert image[helpers.place((int(target.argmax()) - 1) % 7)].min() >= 200


def test_teacher_logits_are_softened_by_the_temperature(dataset: Path) -> None:
    logits = np.tile(np.log([1, 2, 3, 4, 5, 6, 7]), (70, 1)).astype(np.float32)
    with open_dataset(dataset) as data:
        _, targets, _ = from_settings(data, Settings(batch_size=7, temperature=2.0), logits).batch(0, 0)
    roots = np.sqrt(np.arange(1, 8))
    np.testing.assert_allclose(targets[:, 7:], np.tile(roots / roots.sum(), (7, 1)), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": 25}, "--crop 25: expected at most the side of the images. Received: images of 24×24"),
        ({"views": 3, "batch_size": 16}, "--views 3: expected a divisor of --batch-size, .* Received: 16"),
    ],
)
def test_what_does_not_fit_is_refused(dataset: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settle(dataset, **options)


def test_a_network_sees_whole_images_or_a_square_of_them() -> None:
    assert network_shape((48, 40, 3), None) == (48, 40, 3)
    assert network_shape((48, 40, 3), 40) == (40, 40, 3)


class Numbers:
    """Images (8, 6, 3) whose pixels hold the image's number, their own row and their own column."""

    def __init__(self, count: int) -> None:
        rows, columns = np.indices((8, 6))
        self.shape = (count, 8, 6, 3)
        self._images = np.stack([np.stack([np.full((8, 6), n), rows, columns], -1) for n in range(count)])

    def take(self, rows: np.ndarray) -> np.ndarray:
        return self._images[rows].astype(np.uint8)


def corners_of(batches: TrainingBatches, epochs: int) -> set[tuple[int, int]]:
    """Where the crops of many batches begin; each of them must be one window."""
    found = set()
    for epoch in range(epochs):
        for image in batches.batch(epoch, 0)[0]:
            top, left = (int(n) for n in image[0, 0, 1:])
            np.testing.assert_array_equal(image[..., 1], np.arange(top, top + 5)[:, None] + np.zeros((1, 3)))
            np.testing.assert_array_equal(image[..., 2], np.arange(left, left + 3)[None] + np.zeros((5, 1)))
            found.add((top, left))
    return found
