"""Convolutions in fewer multiplications give what Keras' own give, and leave nothing behind in copies and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer_cli.training import winograd
from fer_cli.training.winograd import FORMS, convolution, save_multiplications, tile_side

RNG = np.random.default_rng(0)
#: Enough of them for every layer here.
IMAGES = 10**9


def normal(*shape: int) -> tf.Tensor:
    return tf.constant(RNG.normal(size=shape), tf.float32)


@pytest.mark.parametrize("m", FORMS)
def test_a_form_gives_m_outputs_of_three_taps(m: int) -> None:
    signal, taps = RNG.integers(-9, 10, m + 2).astype(float), RNG.integers(-9, 10, 3).astype(float)
    form = FORMS[m]
    assert form.inputs.shape == (m + 2, m + 2)
    outputs = form.outputs @ ((form.taps @ taps) * (form.inputs @ signal))
    np.testing.assert_allclose(outputs, np.correlate(signal, taps), atol=1e-4)


def with_gradients(convolve: Any, x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = convolve(x, kernel)
    return [each.numpy() for each in (y, *tape.gradient(y, [x, kernel], dy))]


@pytest.mark.parametrize("size", [(5, 6), (12, 12), (7, 9)])
def test_maps_and_gradients_are_those_of_a_convolution(size: tuple[int, int]) -> None:
    asked = normal(3, *size, 4), normal(3, 3, 4, 5), normal(3, *size, 5)
    ours = with_gradients(convolution(*size), *asked)
    theirs = with_gradients(lambda x, kernel: tf.nn.conv2d(x, kernel, 1, "SAME"), *asked)
    for name, got, expected in zip(("maps", "by the input", "by the kernel"), ours, theirs, strict=True):
        np.testing.assert_allclose(got, expected, atol=2e-5 * np.abs(expected).max(), err_msg=name)


@pytest.mark.parametrize(("size", "side"), [((48, 48), 4), ((12, 12), 4), ((6, 6), 2), ((7, 7), 4), ((6, 4), 4)])
def test_tiles_are_those_that_need_the_fewest_products(size: tuple[int, int], side: int) -> None:
    assert tile_side(*size) == side


def network(precision: str = "float32", side: int = 8, **options: Any) -> keras.Model:
    """The layer that may be replaced, `wide`, between others."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((side, side, 2), name="image")
    x = keras.layers.Conv2D(64, 1, name="narrow")(inputs)
    x = keras.layers.Conv2D(
        **{"filters": 64, "kernel_size": 3, "padding": "same", "dtype": precision, **options}, name="wide"
    )(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", jit_compile=False)
    return model


def trained(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(1)
    for count in (8, 8, 8, 5):  # the last batch of an epoch is a smaller one
        images = rng.normal(0, 1, (count, *model.input_shape[1:])).astype(np.float32)
        model.train_on_batch(images, np.eye(3, dtype=np.float32)[rng.integers(0, 3, count)])
    return model


@pytest.mark.parametrize("options", [{}, {"activation": "relu", "use_bias": False}])
def test_a_few_steps_end_at_the_weights_of_keras(options: dict[str, Any]) -> None:
    fast, plain = network(**options), trained(network(**options))
    before = [weight.numpy() for weight in fast.weights]
    assert save_multiplications(fast, IMAGES) == 1
    trained(fast)
    for ours, theirs, start in zip(fast.weights, plain.weights, before, strict=True):
        moved = np.abs(theirs.numpy() - start).max()
        assert moved > 0
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-3 * moved, err_msg=ours.path)
    images = RNG.normal(size=(3, 8, 8, 2))
    np.testing.assert_allclose(fast(images), plain(images), atol=1e-5)


def test_a_training_step_multiplies_matrices_in_place_of_convolving() -> None:
    model = network()
    save_multiplications(model, IMAGES)
    graph = tf.function(model).get_concrete_function(tf.zeros((2, 8, 8, 2))).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("BatchMatMulV2") == 6
    assert kinds.count("Conv2D") == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"precision": "mixed_bfloat16"}, {"side": 5}, {"filters": 63}, {"kernel_size": 5}, {"strides": 2},
        {"padding": "valid"}, {"dilation_rate": 2}, {"groups": 2},
    ],
)  # fmt: skip
def test_layers_that_would_not_gain_stay(asked: dict[str, Any]) -> None:
    assert save_multiplications(network(**asked), IMAGES) == 0


def test_short_runs_stay_as_they_are() -> None:
    assert save_multiplications(network(), 1000) == 0


def test_gpus_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert save_multiplications(model, IMAGES) == 0


def test_other_backends_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd.keras.backend, "backend", lambda: "jax")
    assert save_multiplications(network(), IMAGES) == 0


def test_copies_and_files_have_keras_own_convolutions(tmp_path: Path) -> None:
    model = network()
    save_multiplications(model, IMAGES)
    model.save(tmp_path / "a.keras")
    for other in (keras.models.clone_model(model), keras.models.load_model(tmp_path / "a.keras")):
        assert "convolution_op" not in vars(other.get_layer("wide"))
    assert "convolution_op" in vars(model.get_layer("wide"))
