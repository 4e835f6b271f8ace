"""Searches whose right answer is planted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fer_cli.classical import search as module
from fer_cli.classical.search import Plan, fits, rounds, search
from fer_cli.errors import UsageError
from tests.classical.planted import blobs, folds_of, rings

#: Only the last tells rings apart: the first three see the plane from too far, or fit hardly anything.
SETTINGS = [{"gamma": 1e-6}, {"C": 1e-3}, {"kernel": "linear"}, {"gamma": 1.0, "C": 10}]


@pytest.mark.parametrize("plan", [Plan(), Plan(backend="processes", jobs=2)], ids=["threads", "processes"])
def test_the_right_cell_of_the_grid_is_found(plan: Plan) -> None:
    x, labels = rings(600)
    folds, told = folds_of(labels), []
    found = search("svm-rbf", SETTINGS, x, labels, 3, folds, plan, told.append)
    assert found.best == 3
    assert np.mean(found.accuracies(3)) > 0.97
    assert np.mean(found.accuracies(0)) < 0.6
    assert len(found.cells) == sum(told) <= fits(4, folds, plan)


def test_held_out_logits_are_those_of_the_best_setting_on_rows_it_has_not_seen() -> None:
    x, labels = blobs(240)
    noise = np.random.default_rng(1).permutation(labels)
    found = search("knn", [{"n_neighbors": 1}], x, noise, 3, folds_of(noise), Plan())
    accuracy = (found.held_out.argmax(1) == noise).mean()
    assert accuracy == pytest.approx(np.mean(found.accuracies(0)), abs=0.02)
    assert accuracy < 0.5  # its own rows a nearest neighbour would name without a mistake


def test_every_fold_scales_by_its_own_rows_and_scores_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = blobs(90)
    seen = []
    preparation = module.preparation
    monkeypatch.setattr(
        module, "preparation", lambda pca, rows, seed: seen.append(rows) or preparation(pca, rows, seed)
    )
    found = search("logistic", [{}, {"C": 0.1}], x, labels, 3, folds_of(labels), Plan(pca=2))
    assert seen == [60, 60, 60]
    assert sorted((cell.setting, cell.fold) for cell in found.cells) == [(s, f) for s in range(2) for f in range(3)]
    assert {cell.rows for cell in found.cells} == {60}


def test_halving_gives_most_settings_few_rows_and_keeps_the_defaults() -> None:
    x, labels = rings(900)
    folds = folds_of(labels)
    assert rounds(9, folds, True) == [(9, 66), (3, 200), (1, None)]
    assert rounds(9, folds, False) == [(9, None)]
    settings = [{}, *({"gamma": 1e-6, "C": c} for c in range(1, 8)), {"gamma": 1.0}]
    found = search("svm-rbf", settings, x, labels, 3, folds, Plan(halving=True))
    rows = [{cell.rows for cell in found.cells if cell.round == number} for number in range(3)]
    assert rows == [{66}, {200}, {600}]
    assert 0 in {cell.setting for cell in found.cells if cell.round == 2}
    assert found.settings[found.best] in ({}, {"gamma": 1.0})
    assert len(found.cells) < 9 * 3 * 2
    assert not any(math.isnan(a) for a in found.accuracies(0))


def test_a_value_that_the_classifier_does_not_take() -> None:
    x, labels = blobs(60)
    with pytest.raises(UsageError, match=r"svm-rbf \{'C': -1\}: The 'C' parameter of SVC must be a float"):
        search("svm-rbf", [{"C": -1}], x, labels, 3, folds_of(labels), Plan())


def test_more_components_than_the_rows_have() -> None:
    x, labels = blobs(60)
    with pytest.raises(UsageError, match="n_components=9 must be between 0 and"):
        search("knn", [{}], x, labels, 3, folds_of(labels), Plan(pca=9))
