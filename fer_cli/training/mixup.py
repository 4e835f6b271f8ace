"""Blending each image of a batch, its target and its weight with those of another one.

Zhang, Cisse, Dauphin and Lopez-Paz: mixup: Beyond Empirical Risk Minimization (ICLR 2018, arXiv:1710.09412); one share
a batch, from Beta(alpha, alpha).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Mixup:
    """How the B images of a batch are blended: `share` of each, the rest of its partner. partner: (B,)."""

    share: np.float32
    partner: Places

    def needed(self, mine: Places) -> Places:
        """Ascending places in the batch of all images that those at `mine` are blended of."""
        return np.union1d(mine, self.partner[mine])

    def images(self, images: npt.NDArray[np.uint8], places: Places, mine: Places) -> npt.NDArray[np.uint8]:
        """The blends at `mine` (n,), uint8 (n, H, W, C), of the images at `places`, ascending, of the batch."""
        own, other = (images[np.searchsorted(places, wanted)] for wanted in (mine, self.partner[mine]))
        return np.rint(self._blend(own, other)).astype(np.uint8)

    def values(self, values: Floats, mine: Places) -> Floats:
        """The blends at `mine` (n,) of the targets or weights (B, …) of the whole batch."""
        return self._blend(values[mine], values[self.partner[mine]])

    def _blend(self, own: npt.NDArray[np.number], other: npt.NDArray[np.number]) -> Floats:
        return np.asarray(self.share * own + (1 - self.share) * other, np.float32)


def draw_mixup(n: int, alpha: float, rng: np.random.Generator) -> Mixup:
    """A share and partners for a batch of `n` images."""
    return Mixup(np.float32(rng.beta(alpha, alpha)), rng.permutation(n))
