"""d(output)/d(input): how a function of a network's input changes with that input, on any backend.

This module and three of training (distribute_tf, fused, winograd) are all that know TensorFlow, JAX or PyTorch by name.
What builds on it (attacks, saliency, adversarial training) is written in keras.ops.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

Tensor = Any
#: (inputs (N, ...), anything else) -> (values (N,), anything else).
Function = Callable[..., tuple[Tensor, Any]]
#: The same arguments -> (values, anything else, d(sum of values)/d(inputs), of the shape of the inputs).
Slope = Callable[..., tuple[Tensor, Any, Tensor]]

#: Keeps the logarithm of a probability that underflowed finite.
_SMALLEST_PROBABILITY = 1e-30


def slope(function: Function) -> Slope:
    """The function that also returns the gradient of its values by its first argument.

    Row i of the gradient is that of value i alone, as long as `function` treats rows independently (which networks do
    outside of training). May stand inside `compiled`.
    """
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](function)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of arrays, compiled once for each set of shapes.

    It sees the weights that its networks have when it is called, on TensorFlow and PyTorch; on JAX those that they had
    when it was called first, so that a network in training needs a new one.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Nothing here branches on a tensor, so Python stays as it is written; to rewrite it needs time and the source.
        return tf.function(function, autograph=False)  # type: ignore[no-any-return]
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    return function


def steady(function: Callable[[Tensor], Tensor]) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]:
    """`function` of one array float32, to be called thousands of times with few images; it gives an array.

    On TensorFlow XLA compiles it, which takes a second for each shape and begins the dozens of operations of a small
    network as one, and nothing asks at each call what kind of argument came. For large batches it is slower.
    """
    if keras.backend.backend() != "tensorflow":
        run = compiled(function)
        return lambda array: as_array(run(as_tensor(array)))
    import tensorflow as tf

    whole = tf.function(function, autograph=False, jit_compile=True)

    @functools.cache
    def of_shape(shape: tuple[int, ...]) -> Any:
        return whole.get_concrete_function(tf.TensorSpec(shape, tf.float32))

    return lambda array: of_shape(array.shape)(tf.constant(array)).numpy()


def use_one_thread() -> None:
    """Let TensorFlow do each operation in the thread that asks for it; too late once it has begun to work.

    For one small image after another: other threads that spin for their share cost more time than they save.
    `$TF_NUM_INTRAOP_THREADS`, which TensorFlow reads itself, comes first. Other backends are left alone.
    """
    if keras.backend.backend() != "tensorflow" or "TF_NUM_INTRAOP_THREADS" in os.environ:
        return
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)


def logits_of(network: keras.Model) -> Callable[[Tensor], Tensor]:
    """Inputs (N, H, W, C) to logits float32 (N, K), the network being in inference mode.

    Softmax saturates in float32 long before a network is certain, and its gradient vanishes there; so the logits are
    taken before it: from the layer `logits`, or from the last one without its softmax. Of any other network it is the
    logarithm of the probabilities.
    """
    tensor, finish = _before_softmax(network)
    outputs = _float_outputs(keras.Model(network.input, tensor))
    return lambda x: finish(outputs(x))


def split_at(network: keras.Model, maps: Any) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """`logits_of` in two halves: inputs to the values of the symbolic tensor `maps`, and these to logits.

    Raises `ValueError` where the logits depend on the inputs by another way, too.
    """
    tensor, finish = _before_softmax(network)
    first, second = keras.Model(network.input, maps), keras.Model(maps, tensor)
    outputs = _float_outputs(second)
    return _float_outputs(first), lambda x: finish(outputs(x))


@ops.custom_gradient  # type: ignore[untyped-decorator]
def rising(x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
    """`x` itself; of the gradient that comes back to it only what is above 0 goes on, the rest is 0."""

    # PyTorch hands over the arguments and then the gradient by name, the others the gradient alone.
    def gradient(*received: Tensor, upstream: Tensor = None) -> Tensor:
        return ops.relu(received[0] if upstream is None else upstream)

    return ops.copy(x), gradient


def as_tensor(array: Any) -> Tensor:
    """float32 on the backend's device."""
    return ops.convert_to_tensor(array, "float32")


def as_array(tensor: Tensor) -> npt.NDArray[Any]:
    """A tensor's values on the host."""
    return np.asarray(ops.convert_to_numpy(tensor))


def _before_softmax(network: keras.Model) -> tuple[Any, Callable[[Tensor], Tensor]]:
    """A symbolic tensor of the network, and what makes logits of its values."""
    last = network.layers[-1]
    if any(layer.name == "logits" for layer in network.layers):
        return network.get_layer("logits").output, lambda x: x
    if isinstance(last, keras.layers.Softmax):
        return last.input, lambda x: x
    if getattr(last, "activation", None) is not keras.activations.softmax:
        return network.outputs[0], lambda x: ops.log(ops.maximum(x, _SMALLEST_PROBABILITY))
    if not isinstance(last, keras.layers.Dense):
        return last.input, lambda x: x
    return last.input, lambda x: ops.matmul(x, last.kernel) + (last.bias if last.use_bias else 0.0)


def _float_outputs(network: keras.Model) -> Callable[[Tensor], Tensor]:
    """The outputs in inference mode; a network of reduced precision gives them in its own."""
    return lambda x: ops.cast(network(x, training=False), "float32")


def _tensorflow(function: Function) -> Slope:
    import tensorflow as tf

    def both(inputs: Tensor, *rest: Any) -> tuple[Tensor, Any, Tensor]:
        inputs = tf.convert_to_tensor(inputs)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            values, more = function(inputs, *rest)
        return values, more, tape.gradient(values, inputs, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return both


def _jax(function: Function) -> Slope:
    import jax

    def total(inputs: Tensor, *rest: Any) -> tuple[Tensor, tuple[Tensor, Any]]:
        values, more = function(inputs, *rest)
        return values.sum(), (values, more)

    def both(inputs: Tensor, *rest: Any) -> tuple[Tensor, Any, Tensor]:
        (_, (values, more)), gradient = jax.value_and_grad(total, has_aux=True)(inputs, *rest)
        return values, more, gradient

    return both


def _torch(function: Function) -> Slope:
    import torch

    def both(inputs: Tensor, *rest: Any) -> tuple[Tensor, Any, Tensor]:
        inputs = ops.convert_to_tensor(inputs).detach().requires_grad_()
        with torch.enable_grad():
            values, more = function(inputs, *rest)
        (gradient,) = torch.autograd.grad(values.sum(), inputs)
        return values.detach(), more, gradient

    return both
