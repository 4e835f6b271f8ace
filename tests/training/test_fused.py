"""Fused batch normalisation does what Keras' own does, and leaves nothing behind in copies and files."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer_cli.training.fused import fuse_batch_norm

RNG = np.random.default_rng(0)


def network(channels: int = 16, precision: str = "float32", **options: object) -> keras.Model:
    keras.utils.set_random_seed(3)
    options["dtype"] = precision
    inputs = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(channels, 3, use_bias=False)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.8, name="bn", **options)(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    model.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy", jit_compile=False)
    return model


def trained(model: keras.Model, steps: int = 4) -> keras.Model:
    rng = np.random.default_rng(1)
    for _ in range(steps):
        images = rng.normal(3, 2, (8, 6, 6, 2)).astype(np.float32)
        model.train_on_batch(images, np.eye(3, dtype=np.float32)[rng.integers(0, 3, 8)])
    return model


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-5), ("mixed_bfloat16", 2e-2)])
def test_a_few_steps_end_at_the_weights_and_statistics_of_keras(precision: str, tolerance: float) -> None:
    fused, plain = network(precision=precision), trained(network(precision=precision))
    assert fuse_batch_norm(fused) == 1
    trained(fused)
    for ours, theirs in zip(fused.weights, plain.weights, strict=True):
        expected = theirs.numpy()
        np.testing.assert_allclose(ours.numpy(), expected, rtol=10 * tolerance, atol=tolerance, err_msg=ours.path)
        assert ours.dtype == "float32"


def test_a_training_step_has_the_operation_in_place_of_its_parts() -> None:
    model = network()
    fuse_batch_norm(model)

    @tf.function
    def step(images: tf.Tensor) -> tf.Tensor:
        return model(images, training=True)

    graph = step.get_concrete_function(tf.zeros((8, 6, 6, 2))).graph
    assert "FusedBatchNormV3" in {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize(
    ("channels", "options"), [(24, {}), (16, {"axis": 1}), (16, {"scale": False}), (16, {"synchronized": True})]
)
def test_what_the_operation_does_not_fit_is_left_alone(channels: int, options: dict[str, object]) -> None:
    assert fuse_batch_norm(network(channels, **options)) == 0


def test_a_frozen_layer_keeps_its_statistics() -> None:
    model = network()
    fuse_batch_norm(model)
    model.get_layer("bn").trainable = False
    model.compile("sgd", "categorical_crossentropy", jit_compile=False)
    trained(model)
    np.testing.assert_array_equal(model.get_layer("bn").moving_mean.numpy(), 0)


def test_copies_and_files_are_plain_keras(tmp_path: Path) -> None:
    model = network()
    fuse_batch_norm(model)
    trained(model)
    model.save(tmp_path / "network.keras")
    images = RNG.normal(3, 2, (5, 6, 6, 2)).astype(np.float32)
    expected = model.predict(images, verbose=0)
    for copy in (keras.saving.load_model(tmp_path / "network.keras"), keras.models.clone_model(model)):
        assert "call" not in vars(copy.get_layer("bn"))
        copy.set_weights(model.get_weights())
        np.testing.assert_allclose(copy.predict(images, verbose=0), expected, atol=1e-6)
