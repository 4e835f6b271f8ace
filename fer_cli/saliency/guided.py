"""Gradients that pass a rectifier only where they are above 0, alone and within a class activation map."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from fer_cli import gradients
from fer_cli.errors import UsageError
from fer_cli.gradients import Tensor
from fer_cli.saliency.base import Images, Labels, Maps, Method
from fer_cli.saliency.cam import GradCam
from fer_cli.saliency.gradient import Gradient

_RECTIFIERS = (keras.activations.relu, keras.activations.relu6)


class GuidedBackprop(Gradient):
    """The gradient, of which each rectifier lets through only what is above 0 and comes to an active unit.

    Sharp, but near to an edge detector: maps change little when the layers above are made random (Adebayo et al.,
    Sanity Checks for Saliency Maps, NeurIPS 2018).

    Springenberg, Dosovitskiy, Brox and Riedmiller: Striving for Simplicity: the All Convolutional Net (ICLR 2015
    workshop, arXiv:1412.6806).
    """

    def __init__(
        self, network: keras.Model, seed: int = 0, layer: str | None = None, samples: int | None = None
    ) -> None:
        super().__init__(guided_twin(network), seed, layer, samples)


class GuidedGradCam(Method):
    """Guided back-propagation times Grad-CAM: the edges that lie where the class is.

    Selvaraju et al.: Grad-CAM (ICCV 2017, arXiv:1610.02391).
    """

    directional = True
    looks_at_layer = True

    def __init__(
        self, network: keras.Model, seed: int = 0, layer: str | None = None, samples: int | None = None
    ) -> None:
        self._cam = GradCam(network, seed, layer)
        super().__init__(network, seed, self._cam.layer, samples)
        self._guided = GuidedBackprop(network, seed)

    def explain(self, images: Images, classes: Labels) -> Maps:
        """The product."""
        found: Maps = self._guided.explain(images, classes) * self._cam.explain(images, classes)
        return found


def guided_twin(network: keras.Model) -> keras.Model:
    """A copy of the network with guided rectifiers: of the same outputs, but not the same gradients.

    Rectifiers are the layers `ReLU` and whatever has the activation relu or relu6. Raises `UsageError` for a network
    without any.
    """
    guided = 0

    def copy(layer: Any) -> Any:
        nonlocal guided
        twin = type(layer).from_config(layer.get_config())
        rectifier = twin if isinstance(twin, layers.ReLU) else getattr(twin, "activation", None)
        if isinstance(twin, layers.ReLU):
            twin = layers.Activation("linear", name=layer.name, dtype=layer.dtype_policy)
        elif not any(rectifier is known for known in _RECTIFIERS):
            return twin
        guided += 1
        twin.activation = _guided(rectifier)
        return twin

    twin = keras.models.clone_model(network, clone_function=copy, recursive=True)
    if not guided:
        raise UsageError(f"guided back-propagation needs rectifiers (ReLU); the network {network.name!r} has none")
    twin.set_weights(network.get_weights())
    return twin


def _guided(rectifier: Any) -> Any:
    def activation(x: Tensor) -> Tensor:
        return gradients.rising(rectifier(x))

    return activation
