"""Adversarial training: what the attack on a batch may do, and what networks learn from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from fer_cli import catalog
from fer_cli.errors import UsageError
from fer_cli.gradients import compiled
from fer_cli.store.reader import open_dataset
from fer_cli.training import adversarial, fit
from fer_cli.training.settings import Settings
from fer_cli.training.targets import one_hot
from tests import helpers, tiny

LABELS = (np.arange(28) % 7).astype(np.uint8)
FACES = helpers.planted_faces(LABELS)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


@pytest.fixture
def network(model: Path) -> Any:
    """It names planted faces rightly, by brightness alone: its loss is linear in each pixel."""
    return keras.saving.load_model(model)


def cross_entropy(network: Any, images: Any) -> np.ndarray:
    return -np.log(np.asarray(network(images))[np.arange(28), LABELS])


@pytest.mark.parametrize(("attack", "steps"), [("fgsm", None), ("pgd", 3)])
def test_the_attack_stays_within_epsilon_and_misleads(network: Any, attack: str, steps: int | None) -> None:
    adversary = adversarial.Adversary(network, Settings(adversarial=attack, epsilon=8 / 255, attack_steps=steps))
    attacked = np.asarray(compiled(adversary.from_targets)(FACES, one_hot(LABELS, 7)))
    change = attacked - FACES
    assert np.abs(change).max() == pytest.approx(8, abs=1e-3)
    assert attacked.min() >= 0
    assert attacked.max() <= 255
    # Darker where the class's block is, brighter where those of the others are; elsewhere the random start is left.
    own = np.stack([face[helpers.place(label)] for face, label in zip(change, LABELS, strict=True)])
    assert (own < 0).mean() > 0.95
    assert (cross_entropy(network, attacked) > cross_entropy(network, FACES)).all()


def test_random_starts_differ_from_step_to_step_and_come_from_the_seed(network: Any) -> None:
    def starts(seed: int) -> list[np.ndarray]:
        adversary = adversarial.Adversary(network, Settings(adversarial="fgsm", seed=seed))
        return [np.asarray(adversary.from_targets(FACES, one_hot(LABELS, 7))) for _ in range(2)]

    first, again, other = starts(1), starts(1), starts(2)
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()
    assert (first[0] != other[0]).any()


def test_a_mixed_target_and_one_with_a_teacher_are_left_for_their_most_probable_class(network: Any) -> None:
    hard = one_hot(LABELS, 7)
    soft = np.concatenate([0.6 * hard + 0.4 * np.roll(hard, 1, 1), np.roll(hard, 3, 1)], 1)
    expected, got = (
        np.asarray(adversarial.Adversary(network, Settings(adversarial="pgd")).from_targets(FACES, targets))
        for targets in (hard, soft)
    )
    np.testing.assert_array_equal(got, expected)


def divergence(network: Any, images: Any) -> np.ndarray:
    before, after = np.asarray(network(FACES)), np.asarray(network(images))
    return np.sum(before * np.log(before / after), 1)


def test_the_answers_are_left_much_farther_than_by_noise_of_that_size(network: Any) -> None:
    adversary = adversarial.Adversary(network, Settings(adversarial="pgd", epsilon=8 / 255))
    noise = np.random.default_rng(0).choice([-8.0, 8.0], FACES.shape)
    attacked = divergence(network, adversary.from_answers(FACES))
    assert (attacked > 10 * divergence(network, np.clip(FACES + noise, 0, 255))).mean() > 0.9


def history(dataset: Path, **options: Any) -> dict[str, list[float]]:
    settings = Settings(
        architecture="tiny", epochs=2, batch_size=14, lr=0.05, warmup=0, augment="light", mixup=0.2, **options
    )
    with open_dataset(dataset) as data:
        found = fit.train(data, settings, Path("net.keras"), Path("net.training"), lambda status: None)
    return found.state.history


def test_trades_without_weight_is_plain_training(dataset: Path) -> None:
    """But for the moving statistics of batch normalisation, which see the attacked images too."""
    plain = history(dataset)
    trades = history(dataset, adversarial="fgsm", trades_beta=0.0)
    assert "val_robust" in trades
    for column in ("loss", "accuracy", "top3", "lr"):
        np.testing.assert_allclose(trades[column], plain[column], rtol=1e-5, err_msg=column)


def test_trades_adds_the_divergence_of_the_attacked_answers(network: Any) -> None:
    """At a step of length 0, so that the network is the same before and after."""
    settings = Settings(adversarial="pgd", epsilon=8 / 255, trades_beta=5.0)
    twin = keras.models.clone_model(network)
    twin.set_weights(network.get_weights())
    adversarial.harden(twin, settings)
    twin.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy", jit_compile=False)
    targets = one_hot(LABELS, 7)
    loss = twin.train_on_batch(FACES, targets, np.ones(28, np.float32))

    attacked = adversarial.Adversary(network, settings).from_answers(FACES)
    expected = cross_entropy(network, FACES).mean() + 5 * divergence(network, attacked).mean()
    assert loss == pytest.approx(expected, rel=1e-3)


def test_evaluation_and_copies_know_nothing_of_it(network: Any) -> None:
    targets, clean = one_hot(LABELS, 7), cross_entropy(network, FACES).mean()
    adversarial.harden(network, Settings(adversarial="pgd", epsilon=0.5, trades_beta=5.0))
    network.compile("sgd", "categorical_crossentropy", jit_compile=False)
    assert network.evaluate(FACES, targets, verbose=0) == pytest.approx(clean, rel=1e-4)
    copy = keras.models.clone_model(network)
    assert len(copy.variables) == len(copy.weights) == len(network.weights)
    assert "compute_loss" not in vars(copy)


def test_accuracy_under_attack_falls_with_epsilon(dataset: Path, network: Any) -> None:
    """At half the range a block may be as dark as its surroundings."""
    with open_dataset(dataset) as data:
        images, labels = data.images("val"), data.labels("val")
        weak, strong = (
            adversarial.Probe(Settings(epsilon=epsilon)).accuracy(network, images, labels) for epsilon in (1 / 255, 0.5)
        )
    assert (weak, strong) == (1.0, 0.0)


def test_float16_is_refused(network: Any) -> None:
    with pytest.raises(UsageError, match="--adversarial needs --precision float32 or mixed_bfloat16"):
        adversarial.harden(network, Settings(adversarial="pgd", precision="mixed_float16"))


def test_gradients_of_the_weights_do_not_pass_through_the_attack(network: Any) -> None:
    import tensorflow as tf

    adversary = adversarial.Adversary(network, Settings(adversarial="pgd"))
    with tf.GradientTape() as tape:
        attacked = ops.sum(adversary.from_answers(FACES))
    assert tape.gradient(attacked, network.trainable_variables[0].value) is None
