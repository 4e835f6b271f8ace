"""Targets of the train rows, and the weights of classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli.errors import InputError
from fer_cli.store.reader import open_dataset
from fer_cli.training.settings import Settings
from fer_cli.training.targets import balanced_weights, one_hot, soften, training_targets
from tests import helpers


def test_labels_are_one_hot(dataset: Path) -> None:
    with open_dataset(dataset) as data:
        targets = training_targets(data, Settings())
        assert (targets.shape, targets.dtype) == ((70, 7), np.float32)
        np.testing.assert_array_equal(targets.argmax(1), data.labels("train"))
        np.testing.assert_array_equal(np.sort(targets)[:, -2:], np.tile([0, 1], (70, 1)))


def test_votes_are_those_of_the_train_rows_and_sum_to_one(tmp_path: Path) -> None:
    records = helpers.planted_records()
    votes = np.random.default_rng(0).dirichlet(np.ones(7), len(records)).astype(np.float32)
    # A file may be off by a thousandth.
    path = helpers.write_dataset(tmp_path / "votes.h5", replace(records, votes=votes * np.float32(1.0005)))
    with open_dataset(path) as data:
        targets = training_targets(data, Settings(targets="votes"))
    np.testing.assert_allclose(targets, votes[:70], rtol=1e-5)
    np.testing.assert_allclose(targets.sum(1), 1, rtol=1e-6)


def test_a_file_without_votes_is_refused(dataset: Path) -> None:
    with (
        open_dataset(dataset) as data,
        pytest.raises(InputError, match=r"planted\.h5: --targets votes: expected /votes .* Received: labels only"),
    ):
        training_targets(data, Settings(targets="votes"))


def test_balanced_weights_give_each_class_the_same_sum() -> None:
    weights = balanced_weights(one_hot(np.array([0] * 6 + [1] * 3 + [3] * 1, np.uint8), 4))
    np.testing.assert_allclose(weights * [6, 3, 0, 1], [10 / 3, 10 / 3, 0, 10 / 3], rtol=1e-6)


def test_votes_count_by_their_parts() -> None:
    votes = np.array([[0.75, 0.25], [0.5, 0.5], [1, 0], [0.75, 0.25]], np.float32)
    np.testing.assert_allclose(balanced_weights(votes), [4 / (2 * 3), 4 / (2 * 1)], rtol=1e-6)


def test_softened_logits_are_a_softmax_and_do_not_overflow() -> None:
    logits = np.array([[0, np.log(3)], [-100, 900]], np.float32)
    np.testing.assert_allclose(soften(logits, 1), [[0.25, 0.75], [0, 1]], rtol=1e-6)
    np.testing.assert_allclose(soften(logits, 2)[0], [1 / (1 + 3**0.5), 3**0.5 / (1 + 3**0.5)], rtol=1e-6)
