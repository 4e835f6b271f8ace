"""The terms of the losses, who learns in whose turn, and whether a game teaches what was planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_cli.models import load_network, save_model
from fer_cli.store.reader import open_dataset
from fer_cli.translation.game import Game
from fer_cli.translation.guide import load_identity_guide
from fer_cli.translation.losses import Openness, PersonDistance, PixelDistance, Realness, Roughness
from fer_cli.translation.settings import Settings
from tests.helpers import planted_faces, write_model

SHAPE = (24, 24, 1)
EYE = np.eye(7, dtype=np.float32)
SMALL = Settings(width=16, blocks=1, lr=2e-3, sparsity=0.0, smoothness=0.1, ema=0.9)


def weights(network: object) -> np.ndarray:
    return np.concatenate([w.ravel() for w in network.get_weights()])  # type: ignore[attr-defined]


def batch(step: int, count: int = 28) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = (np.arange(count) % 7).astype(np.uint8)
    wanted = np.random.default_rng(step).integers(7, size=count)
    return planted_faces(labels, seed=step), EYE[labels], EYE[wanted]


def test_terms_are_what_the_papers_say() -> None:
    black, half = np.zeros((2, 4, 4, 1), np.float32), np.full((2, 4, 4, 1), 127.5, np.float32)
    assert float(PixelDistance()(black, half)) == pytest.approx(1.0)
    patches = np.array([0.5, 1.0], np.float32).reshape(2, 1, 1, 1)
    assert float(Realness()(np.ones((2, 1), np.float32), patches)) == pytest.approx(0.125)
    change = np.zeros((1, 4, 4, 1), np.float32)
    change[:, 1:3] = 127.5
    nothing = np.zeros((1, 1), np.float32)
    assert float(Openness()(nothing, change / 255)) == pytest.approx(0.25)
    assert float(Roughness()(nothing, change)) == pytest.approx(2 / 3)


def test_persons_are_as_far_apart_as_their_embeddings_point() -> None:
    pairs = np.array([[[3, 0], [1, 0]], [[2, 0], [0, 5]], [[1, 1], [-2, -2]], [[0, 0], [1, 0]]], np.float32)
    assert np.asarray(PersonDistance(reduction="none")(np.zeros((4, 1)), pairs)) == pytest.approx(
        [0, 1, 2, 1], abs=1e-5
    )


def write_persons(path: Path) -> Path:
    """A network of features drawn at random, each of a patch of the face."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    features = keras.layers.Conv2D(4, 4, 4)(keras.layers.Rescaling(1 / 255)(inputs))
    network = keras.Model(inputs, keras.layers.Flatten(name="embedding")(features))
    save_model(network, path, {"class_names": ["a", "b"], "input_shape": list(SHAPE)})
    return path


def test_an_identity_guide_sees_nothing_in_an_untouched_face_and_holds_back_later_changes(
    tmp_path: Path, dataset: Path
) -> None:
    far = {}
    for likeness in (0.0, 20.0):
        with open_dataset(dataset) as faces:
            persons = load_identity_guide(write_persons(tmp_path / "persons.keras"), faces)
        before = weights(persons)
        guide = load_network(write_model(tmp_path / "guide.keras"))
        game = Game(SHAPE, 7, replace(SMALL, likeness=likeness), 40, [guide], persons)
        found = [game.step(*batch(step))["person_loss"] for step in range(40)]
        # A new generator changes nothing, and both faces are jittered alike.
        assert found[0] == pytest.approx(0, abs=1e-6)
        assert (weights(persons) == before).all()
        far[likeness] = np.mean(found[-5:])
    assert 0 < far[20.0] < 0.5 * far[0.0]
    assert "person_loss" not in Game(SHAPE, 7, SMALL, 1).step(*batch(0))


def test_the_highest_seed_is_a_seed(tmp_path: Path) -> None:
    guides = [load_network(write_model(tmp_path / "guide.keras")) for _ in range(2)]
    persons = load_network(write_persons(tmp_path / "persons.keras"))
    game = Game(SHAPE, 7, replace(SMALL, seed=2**32 - 1), 1, guides, persons)
    assert np.isfinite(game.step(*batch(0))["loss"])


def test_each_turn_moves_one_network_and_never_the_classifier(tmp_path: Path) -> None:
    guide = load_network(write_model(tmp_path / "guide.keras"))
    game = Game(SHAPE, 7, SMALL, 1, [guide])  # too short to begin slowly
    networks = {"generator": game.generator, "discriminator": game.discriminator, "guide": guide}
    before = {name: weights(network) for name, network in networks.items()}
    game.step(*batch(0))
    moved = {name: np.abs(weights(network) - before[name]).max() for name, network in networks.items()}
    assert moved["guide"] == 0
    assert 0 < moved["generator"] <= 1.01 * SMALL.lr
    # Adam's first step is the learning rate: a larger one would be that of two turns.
    assert moved["discriminator"] > 0
    assert weights(game.averaged()) == pytest.approx(weights(game.generator), abs=1e-6)


def test_classifiers_that_contradict_each_other_cancel_out(tmp_path: Path) -> None:
    one, other = (load_network(write_model(tmp_path / name)) for name in ("one.keras", "other.keras"))
    other.set_weights([-values for values in other.get_weights()])
    # Alone, `one` would find the wanted emotion in a seventh of the unchanged faces, and lose above 4.
    assert Game(SHAPE, 7, SMALL, 1, [one, other]).step(*batch(0))["guided_loss"] == pytest.approx(np.log(7), abs=0.5)


def test_classifiers_have_a_head_start_on_what_restrains_a_change(tmp_path: Path) -> None:
    guided = Game(SHAPE, 7, SMALL, 1000, [load_network(write_model(tmp_path / "guide.keras"))]).step(*batch(0))
    # A new generator changes nothing, so what is left of the loss is what the classifier says.
    assert guided["loss"] == pytest.approx(guided["guided_loss"], rel=1e-3)
    alone = Game(SHAPE, 7, SMALL, 1000).step(*batch(0))
    assert alone["loss"] == pytest.approx(alone["wanted_loss"] + alone["realness_loss"], rel=1e-3)


def test_faces_take_on_the_wanted_emotion(tmp_path: Path) -> None:
    guide = load_network(write_model(tmp_path / "guide.keras"))
    game = Game(SHAPE, 7, SMALL, 150, [guide])
    for step in range(150):
        game.step(*batch(step))
    images, _, wanted = batch(1000)
    made = game.averaged().predict({"image": images.astype(np.float32), "condition": wanted}, verbose=0)
    answers = guide.predict(made["image"], verbose=0).argmax(1)
    assert (answers == wanted.argmax(1)).mean() > 0.9
    assert (guide.predict(images, verbose=0).argmax(1) == wanted.argmax(1)).mean() < 0.4
