"""What every classifier of the catalog keeps to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from fer_cli import catalog
from fer_cli.analysis import calibrate
from fer_cli.classical import pipelines
from fer_cli.classical.features import parse
from fer_cli.classical.grids import read_grids
from fer_cli.classical.model import ClassicalModel, save_classical
from fer_cli.errors import UsageError
from fer_cli.scorers import load_scorer
from tests import helpers
from tests.classical.planted import blobs, rings

FACES = np.arange(210, dtype=np.uint8) % 7


def fitted(name: str, x: np.ndarray, labels: np.ndarray, pca: float | None = None) -> Pipeline:
    prepared = pipelines.preparation(pca, len(x), 0)
    few = {"n_estimators": 5} if name == "forest" else {}
    model = pipelines.classifier(name, 0, few).fit(prepared.fit_transform(x), labels)
    return Pipeline([*prepared.steps, ("classifier", model)])


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("name", catalog.CLASSIFIERS)
def test_logits_name_the_class_that_the_classifier_predicts(name: str, classes: int) -> None:
    x, labels = blobs(120, classes)
    pipeline = fitted(name, x, labels)
    found = pipelines.logits(pipeline, x, classes)
    assert found.shape == (120, classes)
    assert np.array_equal(found.argmax(1), pipeline.predict(x))
    assert (found.argmax(1) == labels).mean() > 0.75


@pytest.mark.parametrize("name", catalog.CLASSIFIERS)
def test_a_saved_model_gives_identical_probabilities(name: str, tmp_path: Path) -> None:
    images, features = helpers.planted_faces(FACES), parse("pca:0.5")
    pipeline = fitted(name, features.compute(images), FACES, features.pca)
    names = tuple("abcdefg")
    model = ClassicalModel(tmp_path / "a.skops", features, pipeline, 0.7, names, images.shape[1:], {"note": 1})
    save_classical(model)
    again = load_scorer(model.path)
    own = model.probabilities(images)
    assert np.array_equal(again.probabilities(images), own)
    assert own.dtype == np.float32
    assert own.sum(1) == pytest.approx(np.ones(len(images)), abs=1e-5)
    assert (again.class_names, again.input_shape, again.parameters) == (names, (24, 24, 1), None)
    assert again.metadata["note"] == 1
    # Attacked images are no whole levels.
    assert np.array_equal(again.probabilities(images - np.float32(0.3)), own)


@pytest.mark.parametrize("name", catalog.CLASSIFIERS)
def test_the_default_grid_is_one_of_parameters_that_the_classifier_takes(name: str) -> None:
    x, labels = blobs(60)
    settings = read_grids("default", [name])[name]
    assert len(settings) > 4
    for setting in settings[:: max(1, len(settings) // 4)]:
        pipelines.classifier(name, 0, {**setting, **({"n_estimators": 5} if name == "forest" else {})}).fit(x, labels)


def test_only_a_kernel_tells_rings_apart() -> None:
    x, labels = rings(300)
    accuracy = {name: fitted(name, x, labels).score(x, labels) for name in ("svm-rbf", "svm-linear", "logistic")}
    assert accuracy["svm-rbf"] > 0.97
    assert max(accuracy["svm-linear"], accuracy["logistic"]) < 0.6


def test_a_class_without_train_rows_gets_no_probability() -> None:
    x, labels = blobs(60)
    pipeline = fitted("svm-rbf", x[labels != 1], labels[labels != 1])
    found = calibrate.probabilities(pipelines.logits(pipeline, x, 4), 2.0)
    assert np.array_equal(found[:, [1, 3]], np.zeros((60, 2)))
    assert found.sum(1) == pytest.approx(np.ones(60), abs=1e-6)


def test_pca_keeps_the_named_part_of_the_variance() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1200, 3)).astype(np.float32) * [3, 2, 1]
    for pca, columns in ((0.6, 1), (0.9, 2), (2, 2), (None, 3)):
        z = pipelines.preparation(pca, len(x), 0).fit_transform(x)
        assert z.shape[1] == columns
        assert z.std(0) == pytest.approx(np.ones(columns), abs=1e-3)


def test_an_unknown_classifier_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown classifier 'svm-rbg': did you mean 'svm-rbf'\?"):
        pipelines.classifier("svm-rbg", 0, {})
