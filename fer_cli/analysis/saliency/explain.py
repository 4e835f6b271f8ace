"""Several saliency methods on one network."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.analysis.saliency.subjects import Advance, Indices, Pixels
from fer_cli.errors import UsageError
from fer_cli.saliency.base import Maps, Method

#: Rows between two steps of the progress.
_ROWS = 16


class Methods:
    """Methods of the catalog, by name, made for the weights that the network has now.

    layer: for the methods that look at one, see `Method`. lenient: leave out methods that cannot explain this network,
    with a line in `left_out`, as long as one can. Raises `UsageError` for a name that is unknown, for a network that
    a method cannot explain, and for a layer that none of the methods looks at.
    """

    def __init__(
        self,
        network: keras.Model,
        names: Sequence[str],
        seed: int = 0,
        layer: str | None = None,
        lenient: bool = False,
    ) -> None:
        self.found: dict[str, Method] = {}
        self.left_out: list[str] = []
        for name in dict.fromkeys(names):
            kind: type[Method] = catalog.find(catalog.SALIENCY, name, "saliency method")
            try:
                self.found[name] = kind(network, seed, layer)
            except UsageError as reason:
                if not lenient:
                    raise
                self.left_out.append(f"{name} left out: {reason}")
        if not self.found:
            raise UsageError("; ".join(self.left_out))
        if layer and not any(method.looks_at_layer for method in self.found.values()):
            reasons = "".join(f"; {line}" for line in self.left_out)
            raise UsageError(
                f"--layer {layer}: expected a CAM among the methods. Received: {', '.join(self.found)}{reasons}"
            )

    def maps(self, images: Pixels, classes: Indices, advance: Advance = lambda _: None) -> dict[str, Maps]:
        """Name -> float32 (N, H, W), in the units of the method.

        images: uint8 (N, H, W, C). classes: (N,). advance: called with the number of maps just made.
        """
        faces, found = images.astype(np.float32), {}
        for name, method in self.found.items():
            parts = []
            for start in range(0, len(faces), _ROWS):
                part = slice(start, start + _ROWS)
                parts.append(method.maps(faces[part], classes[part]))
                advance(len(parts[-1]))
            found[name] = np.concatenate(parts)
        return found

    def strengths(self, maps: dict[str, Maps]) -> dict[str, Maps]:
        """Of each method's maps how much each pixel speaks for the class; below 0 against it."""
        return {name: self.found[name].strength(found) for name, found in maps.items()}


def masses(strengths: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The part of what speaks for the class that each pixel has: (N, H, W), each map 0 or more with sum 1.

    A map without any is even.
    """
    positive = np.maximum(strengths, 0).astype(np.float64)
    total = positive.sum((1, 2), keepdims=True)
    return np.asarray(np.where(total > 0, positive / np.where(total > 0, total, 1), 1 / positive[0].size))
