"""Gradients by the input, against those worked out by hand, and logits of whatever network."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from fer_cli import gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4, 4, 1)).astype(np.float32)


def test_the_slope_is_the_gradient_of_each_value_alone() -> None:
    weights = RNG.normal(size=(1, 4, 4, 1)).astype(np.float32)
    slope = gradients.compiled(gradients.slope(lambda x, w: (ops.sum(w * x**2, axis=(1, 2, 3)), ops.max(x))))
    values, largest, gradient = slope(gradients.as_tensor(X), gradients.as_tensor(weights))
    np.testing.assert_allclose(gradients.as_array(values), (weights * X**2).sum((1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(gradients.as_array(gradient), 2 * weights * X, rtol=1e-5)
    assert float(largest) == X.max()


def test_what_does_not_depend_on_its_input_has_a_gradient_of_0() -> None:
    _, _, gradient = gradients.slope(lambda x: (ops.ones((len(X),)), None))(gradients.as_tensor(X))
    np.testing.assert_array_equal(gradients.as_array(gradient), np.zeros_like(X))


def test_a_function_is_compiled_once_for_each_shape() -> None:
    traced = []

    def double(x: object, factor: object) -> object:
        traced.append(x)
        return x * factor

    function = gradients.compiled(double)
    for rows in (5, 3, 5, 3):
        for factor in (2.0, 3.0):
            doubled = function(gradients.as_tensor(X[:rows]), gradients.as_tensor(factor))
            np.testing.assert_allclose(gradients.as_array(doubled), factor * X[:rows])
    assert len(traced) == 2


def networks() -> dict[str, keras.Model]:
    """Networks of the same weights that end in different ways."""
    inputs = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(inputs)
    logits, plain = keras.layers.Dense(3, name="logits"), keras.layers.Dense(3)
    both = keras.layers.Dense(3, activation="softmax")
    ends = {
        "a layer named logits": keras.layers.Softmax()(logits(flat)),
        "a softmax layer": keras.layers.Softmax()(plain(flat)),
        "an activation layer": keras.layers.Activation("softmax")(plain(flat)),
        "a dense layer with softmax": both(flat),
        "anything else": keras.layers.Rescaling(1.0)(keras.layers.Softmax()(plain(flat))),
    }
    for layer in (logits, plain, both):
        layer.set_weights([np.linspace(-3, 3, 48).reshape(16, 3), np.array([0.1, -0.2, 0.3])])
    return {name: keras.Model(inputs, end) for name, end in ends.items()}


@pytest.mark.parametrize("end", list(networks()))
def test_the_softmax_of_the_logits_is_what_the_network_says(end: str) -> None:
    network = networks()[end]
    logits = gradients.as_array(gradients.logits_of(network)(gradients.as_tensor(X)))
    raised = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(raised / raised.sum(1, keepdims=True), network.predict(X, verbose=0), atol=1e-5)


@pytest.mark.parametrize("end", [name for name in networks() if name != "anything else"])
def test_a_certain_network_still_has_a_gradient(end: str) -> None:
    # 100 times the size: probabilities are 0 and 1 in float32.
    logits, certain = gradients.logits_of(networks()[end]), gradients.as_tensor(20 * X)

    def lead(x: object) -> tuple[object, None]:
        return logits(x)[:, 0] - logits(x)[:, 1], None

    _, _, gradient = gradients.slope(lead)(certain)
    assert (np.abs(gradients.as_array(gradient)) > 0).all()


def test_a_network_of_reduced_precision_gives_float32() -> None:
    inputs = keras.Input((4, 4, 1))
    dense = keras.layers.Dense(3, name="logits", dtype="mixed_bfloat16")
    network = keras.Model(inputs, keras.layers.Softmax()(dense(keras.layers.Flatten()(inputs))))
    assert gradients.as_array(gradients.logits_of(network)(gradients.as_tensor(X))).dtype == np.float32


# Of the dense layer with softmax the second half would be that layer alone, which is no half to split.
@pytest.mark.parametrize("end", [name for name in networks() if name != "a dense layer with softmax"])
def test_a_network_in_two_halves_is_the_network(end: str) -> None:
    network = networks()[end]
    first, second = gradients.split_at(network, network.layers[1].output)
    expected = gradients.as_array(gradients.logits_of(network)(gradients.as_tensor(X)))
    np.testing.assert_allclose(gradients.as_array(second(first(gradients.as_tensor(X)))), expected, rtol=1e-5)


def test_a_network_with_a_way_round_cannot_be_halved() -> None:
    inputs = keras.Input((4, 4, 1))
    inside = keras.layers.Rescaling(2.0)(inputs)
    flat = keras.layers.Flatten()(keras.layers.Add()([inside, inputs]))
    network = keras.Model(inputs, keras.layers.Dense(3, name="logits")(flat))
    with pytest.raises(ValueError, match=r"[Ii]nput"):
        gradients.split_at(network, inside)


def test_only_a_rising_gradient_goes_on() -> None:
    weights = gradients.as_tensor(RNG.normal(size=(1, 4, 4, 1)))
    slope = gradients.slope(lambda x: (ops.sum(weights * gradients.rising(x), axis=(1, 2, 3)), None))
    values, _, gradient = slope(gradients.as_tensor(X))
    plain = gradients.as_array(weights)
    np.testing.assert_allclose(gradients.as_array(values), (plain * X).sum((1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(gradients.as_array(gradient), np.broadcast_to(np.maximum(plain, 0), X.shape), rtol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's threads")
@pytest.mark.parametrize(("environment", "expected"), [(None, [1]), ("2", [])])
def test_one_thread_is_asked_for_unless_the_environment_says_how_many(
    environment: str | None, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    asked: list[int] = []
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    if environment is not None:
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", environment)
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", asked.append)
    gradients.use_one_thread()
    assert asked == expected
