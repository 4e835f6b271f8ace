"""A study of one classifier, from the search to the scored file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_cli.classical.features import parse
from fer_cli.classical.search import Plan
from fer_cli.classical.study import bench, study
from fer_cli.records import Records
from fer_cli.store.reader import open_dataset
from tests import helpers

COUNTS = (1400, 280, 7)


def faint_faces() -> Records:
    """Faces whose class shows so faintly in the noise that a classifier of few rows hardly finds it."""
    rng, labels = np.random.default_rng(0), (np.arange(sum(COUNTS)) % 7).astype(np.uint8)
    faces = rng.normal(128, 40, (len(labels), helpers.SIDE, helpers.SIDE, 1))
    for face, label in zip(faces, labels, strict=True):
        face[helpers.place(int(label))] += 14
    images, split = np.clip(faces, 0, 255).astype(np.uint8), np.repeat(np.arange(3, dtype=np.uint8), COUNTS)
    return Records(images, labels, split, [f"faint:{row}" for row in range(len(labels))])


def test_a_search_on_few_rows_does_not_make_the_classifier_of_all_rows_unsure(tmp_path: Path) -> None:
    with open_dataset(helpers.write_dataset(tmp_path / "faces.h5", faint_faces())) as dataset:
        shared = bench(dataset, parse("pca:40"), "val", (3, 90), Plan(pca=40), lambda images: None)
        outcome = study("svm-rbf", [{}], shared, tmp_path, tmp_path, lambda fits: None)
    confidence = outcome.evaluation.probabilities.max(1).mean()
    accuracy = (outcome.evaluation.predictions == outcome.evaluation.labels).mean()
    searched = np.mean(outcome.search.accuracies(0))
    assert searched < accuracy - 0.1
    assert abs(confidence - accuracy) < 0.1
