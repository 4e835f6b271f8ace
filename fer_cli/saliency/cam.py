"""Class activation maps: the maps of a late layer, weighed by what the score makes of each of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from fer_cli import gradients
from fer_cli.catalog import unknown
from fer_cli.errors import UsageError
from fer_cli.gradients import Tensor
from fer_cli.saliency.base import Images, Labels, Maps, Method, apply, pick

#: Images to maps (N, h, w, F), and these to logits (N, K).
Halves = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]

#: Rows and columns of a map that can still tell a mouth from an eye.
_LEAST_SIDE = 4
#: Layers that only pass on what an earlier one found, often more coarsely.
_PASSING = (
    layers.AveragePooling2D,
    layers.Dropout,
    layers.GaussianNoise,
    layers.MaxPooling2D,
    layers.SpatialDropout2D,
    layers.ZeroPadding2D,
)


class Cam(Method):
    """What the CAMs share: a weight for each map of the layer, the sum's part above 0, enlarged bilinearly."""

    signed = False
    looks_at_layer = True

    def __init__(
        self, network: keras.Model, seed: int = 0, layer: str | None = None, samples: int | None = None
    ) -> None:
        super().__init__(network, seed, layer or map_layer(network), samples)
        self._features, self._head = _split(network, str(self.layer))
        self._slope = gradients.slope(lambda maps, classes: (pick(self._head(maps), classes), None))
        self._compiled = gradients.compiled(self._cam)

    @abstractmethod
    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """(N, 1, 1, F): the weight of each map. maps: (N, h, w, F). gradient: of the logit by them."""

    def explain(self, images: Images, classes: Labels) -> Maps:
        """In no unit that one layer shares with another."""
        return apply(self._compiled, images, classes)

    def _cam(self, images: Tensor, classes: Tensor) -> Tensor:
        maps = self._features(images)
        _, _, gradient = self._slope(maps, classes)
        cam = ops.relu(ops.sum(self.weigh(maps, gradient) * maps, axis=-1, keepdims=True))
        # Named, since Keras would take the order of the axes from the user's settings.
        return ops.image.resize(cam, images.shape[1:3], data_format="channels_last")[..., 0]


class GradCam(Cam):
    """Weights are the mean gradients over each map.

    Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra: Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization (ICCV 2017, arXiv:1610.02391).
    """

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """The mean gradient."""
        return ops.mean(gradient, axis=(1, 2), keepdims=True)


class GradCamPlusPlus(Cam):
    """Weights are means of the gradients above 0, with more weight to those whose map is small there.

    Made for several things of a class in one picture. As in the authors' code, the weights within a map sum to 1.

    Chattopadhay, Sarkar, Howlader and Balasubramanian: Grad-CAM++: Generalized Gradient-based Visual Explanations for
    Deep Convolutional Networks (WACV 2018, arXiv:1710.11063).
    """

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """Equation 19 of the paper, whose exponential of the score is a factor of the whole map and left out."""
        rise = ops.relu(gradient)
        # g² / (2g² + g³ Σ maps), with g² cancelled; nothing where g is not above 0.
        share = ops.where(rise > 0, 1 / (2 + rise * ops.sum(maps, axis=(1, 2), keepdims=True)), 0.0)
        whole = ops.sum(share, axis=(1, 2), keepdims=True)
        weights = ops.sum(share * rise, axis=(1, 2), keepdims=True)
        return ops.where(whole == 0, 0.0, weights / ops.where(whole == 0, 1.0, whole))


def map_layers(network: keras.Model) -> tuple[str, ...]:
    """Names of the layers, from the first convolution on, whose output is maps (N, h, w, F) that show places."""
    names: list[str] = []
    for layer in network.layers:
        convolved = bool(names) or any(len(weight.shape) == 4 for weight in layer.weights)
        if convolved and _shows_places(_output(layer)):
            names.append(layer.name)
    return tuple(names)


def map_layer(network: keras.Model) -> str:
    """The last layer of 4×4 places or more that a CAM can weigh and that finds something of its own: the default.

    Raises `UsageError` for a network that has none.
    """
    for name in reversed(map_layers(network)):
        layer = network.get_layer(name)
        shows = min(_output(layer).shape[1:3]) >= _LEAST_SIDE and not isinstance(layer, _PASSING)
        if shows and _halves(network, layer):
            return name
    raise UsageError(
        f"a class activation map needs a convolution with maps of {_LEAST_SIDE}×{_LEAST_SIDE} places or more; "
        f"the network {network.name!r} has none"
    )


def _split(network: keras.Model, name: str) -> Halves:
    """Images to the maps of a layer, and these to logits. Raises `UsageError` for a layer that cannot be weighed."""
    known = map_layers(network)
    if name not in known:
        raise UsageError(unknown("layer of maps", name, known))
    halves = _halves(network, network.get_layer(name))
    if halves is None:
        raise UsageError(
            f"layer {name!r}: expected one that all which reaches the logits goes through. "
            "Received: one beside a shortcut; take the layer where the block ends"
        )
    return halves


def _halves(network: keras.Model, layer: keras.layers.Layer) -> Halves | None:
    """The network before and after a layer; None where something goes past it."""
    try:
        return gradients.split_at(network, _output(layer))
    except ValueError:
        return None


def _output(layer: keras.layers.Layer) -> Any:
    """The symbolic tensor that a layer puts out in its network."""
    # Of a network that is a layer of another, `output` is the tensor inside; its first call is that of the other.
    return layer._inbound_nodes[0].output_tensors[0] if isinstance(layer, keras.Model) else layer.output


def _shows_places(output: Any) -> bool:
    shape = getattr(output, "shape", ())
    return len(shape) == 4 and None not in shape[1:3] and min(shape[1:3]) > 1
