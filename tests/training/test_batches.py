"""Batches depend on the seed, the epoch and the step, and on nothing else."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from fer_cli.store.reader import open_dataset
from fer_cli.training import batches as batching
from fer_cli.training.batches import TrainingBatches
from fer_cli.transform.policy import parse_policy
from tests import helpers


def make(path: Path, budget: int = 1 << 20, policy: str = "none", **options: object) -> TrainingBatches:
    """Batches of 16 of the 70 train rows of a planted dataset (images stay readable after closing only in memory)."""
    with open_dataset(path, budget) as dataset:
        labels = dataset.labels("train")
        images = dataset.images("train")
        targets = batching.one_hot(labels, 7)
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
        targets = batching.one_hot(labels, 7)
        on_disk = TrainingBatches(images, targets, np.arange(70), batch_size=16, policy=parse_policy("none"))
        np.testing.assert_array_equal(on_disk.batch(1, 2)[0], in_memory[0])


def test_fewer_rows_than_a_batch_make_one_batch(dataset: Path) -> None:
    batches = make(dataset, batch_size=1000)
    assert (batches.steps, batches.batch_size) == (1, 70)


def test_mixup_blends_images_targets_and_weights_alike() -> None:
    images = np.stack([np.full((2, 2, 1), value, np.uint8) for value in (0, 200)])
    targets = batching.one_hot(np.array([0, 1], np.uint8), 2)
    rng = np.random.default_rng(1)
    blends = [batching.mixup(images, targets, np.array([1, 3], np.float32), 1.0, rng) for _ in range(20)]
    shares = set()
    for mixed, mixed_targets, weights in blends:
        np.testing.assert_allclose(mixed[:, 0, 0, 0], 200 * mixed_targets[:, 1], atol=0.51)
        np.testing.assert_allclose(mixed_targets.sum(1), 1, rtol=1e-6)
        np.testing.assert_allclose(weights, 1 + 2 * mixed_targets[:, 1], rtol=1e-6)
        shares.add(round(float(mixed_targets[0, 0]), 4))
    assert len(shares) > 3


def test_balanced_weights_give_each_class_the_same_sum() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [3] * 1, np.uint8)
    weights = batching.balanced_weights(labels, 4)
    np.testing.assert_allclose(weights * [6, 3, 0, 1], [10 / 3, 10 / 3, 0, 10 / 3], rtol=1e-6)


@pytest.mark.parametrize(("fraction", "expected"), [(1.0, [40, 20]), (0.5, [20, 10]), (0.001, [1, 1])])
def test_a_fraction_takes_the_same_part_of_each_class(fraction: float, expected: list[int]) -> None:
    labels = np.array([0] * 40 + [1] * 20, np.uint8)
    rows = batching.choose_fraction(labels, fraction, seed=3)
    assert np.bincount(labels[rows]).tolist() == expected
    np.testing.assert_array_equal(rows, np.unique(rows))
