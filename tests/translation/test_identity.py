"""The network that tells persons apart, on persons whose marks are planted: a coarse pattern beside much else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli import models
from fer_cli.analysis.embedding import Embedding
from fer_cli.analysis.translation.identity import identity
from fer_cli.analysis.translation.trial import choose_faces, known_persons
from fer_cli.errors import InputError
from fer_cli.records import Records
from fer_cli.store.reader import open_dataset
from fer_cli.translation import persons
from fer_cli.translation.identity import Settings, can_learn_identity, for_guide, learn_identity
from tests import helpers

SIDE = 24
PERSONS, PICTURES = (40, 12), 12
SMALL = Settings(architecture="pattern:CPCPF", epochs=10, batch_size=32, rate=5e-3)


def portraits(seed: int = 0) -> Records:
    """A person is a pattern of 4×4 squares in the upper third; the rest and the brightness are a picture's own."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(sum(PERSONS)), PICTURES)
    marks = rng.integers(-60, 61, (sum(PERSONS), 2, 6))[person]
    others = rng.integers(-60, 61, (len(person), 4, 6))
    pattern = np.kron(np.concatenate([marks, others], axis=1), np.ones((1, 4, 4)))
    images = 128 + rng.uniform(-40, 40, (len(person), 1, 1)) + pattern + rng.normal(0, 4, pattern.shape)
    return Records(
        images=np.clip(images, 0, 255).astype(np.uint8)[..., None],
        labels=(np.arange(len(person)) % 7).astype(np.uint8),
        split=np.repeat(np.arange(2, dtype=np.uint8), np.array(PERSONS) * PICTURES),
        source=[f"portrait:{row}" for row in range(len(person))],
        subject=[f"P{number}" for number in person],
    )


def found(embedder: persons.Embedder, path: Path) -> float:
    """Share of the real val pictures whose person is found among the val persons."""
    with open_dataset(path) as dataset:
        faces = choose_faces(dataset, "val", limit=5)
        gallery = known_persons(faces, embedder, dataset.image_shape)
        assert faces.persons is not None
        real = np.concatenate([embedder.compute(images) for _, images in faces.blocks(64)])
        scores = identity(real, real[:, None], faces.persons, faces.groups, 0, gallery)
    assert (scores.persons, scores.pictures) == (PERSONS[1], 35)
    assert scores.ceiling is not None
    return scores.ceiling


def test_persons_never_seen_are_told_apart_by_what_told_others_apart(tmp_path: Path) -> None:
    path = helpers.write_dataset(tmp_path / "portraits.h5", portraits())
    with open_dataset(path) as dataset:
        learnt = learn_identity(dataset, tmp_path / "identity.keras", SMALL)
    # By chance it would be one of twelve; the share grows with training, which is short here.
    assert found(Embedding(learnt), path) > 0.5


def test_a_guide_learns_half_of_the_persons_and_is_made_otherwise_than_the_judge(tmp_path: Path) -> None:
    judge, guide = Settings(seed=3), for_guide(3)
    assert (guide.share, guide.seed) == (0.5, 4)
    assert guide.epochs * guide.share == judge.epochs
    assert guide.augment != judge.augment
    path = helpers.write_dataset(tmp_path / "portraits.h5", portraits())
    drawn = []
    with open_dataset(path) as dataset:
        everybody = set(dataset.subjects("train") or ())
        for seed in (1, 2):
            settings = replace(guide, architecture="pattern:CPF", options={}, epochs=1, seed=seed)
            learnt = learn_identity(dataset, tmp_path / f"{seed}.keras", settings)
            drawn.append(set(models.read_metadata(learnt)["class_names"]))
    assert [len(names) for names in drawn] == [20, 20]
    assert all(names < everybody for names in drawn)
    assert drawn[0] != drawn[1]


def test_who_teaches_must_have_names_and_pictures(dataset: Path, tmp_path: Path) -> None:
    records = portraits()
    once = helpers.write_dataset(tmp_path / "once.h5", records.take(np.arange(0, len(records), PICTURES)))
    with open_dataset(once) as single:
        assert (can_learn_identity(single), persons.usual(single)) == (False, persons.HOG)
        with pytest.raises(InputError, match=r"each, to learn identity from\. Received: 40 rows of 40 persons"):
            learn_identity(single, tmp_path / "identity.keras")
    with open_dataset(dataset) as several:
        assert persons.usual(several) == persons.LEARN
