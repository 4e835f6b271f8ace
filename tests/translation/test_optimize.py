"""Optimising a face until a classifier sees the wanted emotion."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_cli.errors import UsageError
from fer_cli.models import LoadedModel, load_model
from fer_cli.transform.illuminate import step
from fer_cli.translation.optimize import Optimizer, Weights, features_of, prototypes
from tests import helpers

LABELS = (np.arange(7) % 7).astype(np.uint8)
#: Of the classes the one in whose mirrored place no other is: faces are seen mirrored, too.
SAD = 4
#: A planted face has no parts that could move, so the tone alone must do.
WEIGHTS = Weights(features=0.1, smoothness=1.0, identity=0.1, grid=8, shift=0.02, tone=255.0, steps=25, rate=0.5)


@pytest.fixture
def planted(model: Path) -> LoadedModel:
    return load_model(model)


def wanted(planted: LoadedModel, label: int) -> np.ndarray:
    return np.tile(np.eye(len(planted.class_names), dtype=np.float32)[label], (len(LABELS), 1))


def test_faces_become_what_is_wanted(planted: LoadedModel) -> None:
    faces = helpers.planted_faces(LABELS)
    after, masks = Optimizer(planted, weights=WEIGHTS).translate(faces, wanted(planted, SAD))
    assert (planted.probabilities(after).argmax(1) == SAD).all()
    assert (after.dtype, after.shape, masks.shape) == (np.uint8, faces.shape, (*faces.shape[:3], 1))
    change = np.abs(after.astype(int) - faces)
    assert np.allclose(masks, np.minimum(1, change / 25.5), atol=0.02)


def test_the_identity_penalty_keeps_what_need_not_change(planted: LoadedModel) -> None:
    faces = helpers.planted_faces(LABELS)
    loose, strict = (
        Optimizer(planted, weights=dataclasses.replace(WEIGHTS, identity=weight)).translate(faces, wanted(planted, SAD))
        for weight in (0.1, 30.0)
    )
    assert strict[1].mean() < 0.8 * loose[1].mean()
    assert planted.probabilities(strict[0])[:SAD, SAD].mean() > planted.probabilities(faces)[:SAD, SAD].mean()


def test_mean_features_guide(planted: LoadedModel) -> None:
    faces = helpers.planted_faces(LABELS, seed=1)
    means = prototypes(planted, faces, LABELS)
    assert means.shape == (7, helpers.SIDE**2)
    guided = dataclasses.replace(WEIGHTS, features=10.0)
    conditions = wanted(planted, SAD)
    aim = features_of(planted, faces) + (conditions - planted.probabilities(faces)) @ means
    far = [
        np.square(features_of(planted, Optimizer(planted, given, weights=guided).translate(faces, conditions)[0]) - aim)
        for given in (means, None)
    ]
    assert far[0].mean() < 0.7 * far[1].mean()


def test_the_features_of_another_face_can_be_the_aim(planted: LoadedModel) -> None:
    faces = helpers.planted_faces(LABELS)
    any_class = np.full((len(faces), 7), 1 / 7, np.float32)
    guided = dataclasses.replace(WEIGHTS, features=10.0)
    aim = features_of(planted, faces)[SAD]
    far = [
        np.square(
            features_of(planted, Optimizer(planted, like=like, weights=guided).translate(faces, any_class)[0]) - aim
        )
        for like in (aim, None)
    ]
    assert far[0].mean() < 0.7 * far[1].mean()


def test_strength_scales_the_change_and_none_leaves_the_face(planted: LoadedModel) -> None:
    faces = helpers.planted_faces(LABELS)
    optimizer = Optimizer(planted, weights=WEIGHTS)
    none, half, full = (optimizer.translate(faces, wanted(planted, SAD), s)[0] for s in (0.0, 0.5, 1.0))
    assert np.array_equal(none, faces)
    assert np.abs(half.astype(int) - faces).mean() < 0.8 * np.abs(full.astype(int) - faces).mean()


def test_chance_comes_from_the_seed(planted: LoadedModel) -> None:
    faces = helpers.planted_faces(LABELS)
    one, same, other = (
        Optimizer(planted, weights=WEIGHTS, seed=seed).translate(faces, wanted(planted, SAD))[0] for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_models_that_have_no_gradient_to_follow_are_refused(tmp_path: Path) -> None:
    light = load_model(helpers.write_model(tmp_path / "light.keras", transforms=[step("clahe")]))
    with pytest.raises(UsageError, match=r"corrected light \(clahe\), which has no gradient"):
        Optimizer(light)
    inputs = keras.Input((None, None, 1))
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(inputs))
    free = LoadedModel(Path("free.keras"), keras.Model(inputs, outputs), ("a", "b"), (None, None, 1), {})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs a network for images of a fixed size"):
        Optimizer(free)


def test_a_network_of_crops_is_optimised_where_it_looks(planted: LoadedModel) -> None:
    whole = LoadedModel(
        planted.path, planted.network, planted.class_names, planted.input_shape, {**planted.metadata, "crop": [32, 32]}
    )
    optimizer = Optimizer(whole, weights=WEIGHTS)
    assert optimizer.input_shape == (32, 32, 1)
    faces = np.pad(helpers.planted_faces(LABELS), ((0, 0), (4, 4), (4, 4), (0, 0)), constant_values=90)
    after, masks = optimizer.translate(faces, wanted(planted, SAD))
    assert (planted.probabilities(after[:, 4:-4, 4:-4]).argmax(1) == SAD).all()
    assert np.array_equal(after[:, :4], faces[:, :4])
    assert masks[:, :4].max() == 0
