"""Generator and discriminator before they learn anything, and the jitter that both are judged under."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from fer_cli import models
from fer_cli.errors import InputError, UsageError
from fer_cli.translation.discriminator import Jitter, build_discriminator
from fer_cli.translation.generator import build_generator
from fer_cli.translation.model import Generator, load_generator
from tests.helpers import write_model

CLASSES = ("happy", "sad", "neutral")


def faces(count: int = 5, shape: tuple[int, int, int] = (24, 20, 3)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)


def conditions(count: int = 5) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[np.arange(count) % 3]


def write_generator(path: Path) -> keras.Model:
    """A generator that has learnt a little of everything: every weight is moved."""
    keras.utils.set_random_seed(0)
    network = build_generator((24, 20, 3), 3, width=8, blocks=1)
    network.set_weights([w + 0.05 * np.random.default_rng(1).standard_normal(w.shape) for w in network.get_weights()])
    metadata = {"kind": "generator", "class_names": list(CLASSES), "input_shape": [24, 20, 3]}
    models.save_model(network, path, metadata)
    return network


def test_a_new_generator_leaves_faces_as_they_are() -> None:
    network = build_generator((24, 20, 3), 3, width=8, blocks=1)
    generator = Generator(Path("x"), network, CLASSES, (24, 20, 3), {})
    images, masks = generator.translate(faces(), conditions())
    np.testing.assert_array_equal(images, faces())
    assert masks.shape == (5, 24, 20, 1)
    assert ((masks > 0) & (masks < 1)).all()


def test_keras_alone_loads_the_file_and_strength_scales_the_change(tmp_path: Path) -> None:
    network = write_generator(tmp_path / "g.keras")
    alone = keras.saving.load_model(tmp_path / "g.keras", safe_mode=True)
    given = {"image": faces().astype(np.float32), "condition": conditions()}
    expected = ops.convert_to_numpy(network(given)["image"])
    np.testing.assert_allclose(ops.convert_to_numpy(alone(given)["image"]), expected, atol=1e-3)

    generator = load_generator(tmp_path / "g.keras")
    assert generator.class_names == CLASSES
    whole, mask = generator.translate(faces(), conditions())
    np.testing.assert_allclose(whole, expected, atol=0.51)
    assert np.abs(whole.astype(int) - faces()).mean() > 1
    none, same_mask = generator.translate(faces(), conditions(), strength=0.0)
    np.testing.assert_array_equal(none, faces())
    np.testing.assert_array_equal(mask, same_mask)
    half, _ = generator.translate(faces(), conditions(), strength=0.5)
    np.testing.assert_allclose(half, (faces().astype(float) + expected) / 2, atol=0.51)


def test_the_condition_changes_the_face(tmp_path: Path) -> None:
    write_generator(tmp_path / "g.keras")
    generator = load_generator(tmp_path / "g.keras")
    same = np.repeat(faces(1), 3, axis=0)
    images, _ = generator.translate(same, conditions(3))
    assert (images[0] != images[1]).any()
    assert (images[1] != images[2]).any()


def test_wrong_files_and_arrays_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"multiples of 4\. Received: 24×18"):
        build_generator((24, 18, 1), 3)
    with pytest.raises(InputError, match=r"expected a generator of fer transfer fit\. Received: a model that names"):
        load_generator(write_model(tmp_path / "net.keras"))
    write_generator(tmp_path / "g.keras")
    with pytest.raises(ValueError, match=r"expected \(5, 24, 20, 3\) and \(5, 3\)\. Received: \(5, 24, 24, 1\)"):
        load_generator(tmp_path / "g.keras").translate(faces(shape=(24, 24, 1)), conditions())


def test_a_discriminator_scores_patches_and_classes() -> None:
    found = build_discriminator((24, 20, 3), 3, width=4)(faces().astype(np.float32))
    assert found["realness"].shape == (5, 3, 3, 1)
    assert found["classes"].shape == (5, 4)


def test_jitter_cuts_out_the_centre_but_in_training() -> None:
    images = faces().astype(np.float32)
    layer = Jitter((16, 18), seed=1)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(images)), images[:, 4:-4, 1:-1], atol=1e-4)
    first, second = (ops.convert_to_numpy(layer(images, training=True)) for _ in range(2))
    assert first.shape == (5, 16, 18, 3)
    assert np.abs(first - second).mean() > 1
    assert np.abs(first.mean() - images.mean()) < 30


def test_jitter_moves_faces_by_what_it_is_told() -> None:
    images = np.zeros((64, 24, 24, 1), np.float32)
    images[:, 12, 6] = 255
    layer = Jitter((24, 24), shift=2 / 24, zoom=0.0, light=0.0, grain=0.0, seed=0)
    moved = ops.convert_to_numpy(layer(images, training=True))[..., 0]
    np.testing.assert_allclose(moved.sum((1, 2)), 255, rtol=1e-4)
    row = (moved.sum(2) * np.arange(24)).sum(1) / 255
    column = (moved.sum(1) * np.arange(24)).sum(1) / 255
    assert np.abs(row - 12).max() < 2.01
    assert np.abs(column - 6).max() < 2.01
    assert np.abs(row - 12).max() > 1


def test_a_generator_is_no_classifier(tmp_path: Path) -> None:
    write_generator(tmp_path / "g.keras")
    with pytest.raises(InputError, match=r"expected a model that names expressions\. Received: a generator of fer"):
        models.load_model(tmp_path / "g.keras")
