"""Superpixels, and how much each of them adds to the probability of the class."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.saliency.base import Images, Maps, absent
from fer_cli.saliency.hiding import Hiding

#: What a step of the whole spacing counts beside a difference in colour, in units of CIE L*a*b* (SLIC's m).
_COMPACTNESS = 10.0
#: Rounds of k-means, which SLIC ends after, too.
_ROUNDS = 10
#: Beyond this cosine distance from the whole face a view counts little (LIME's kernel width).
_NEAR = 0.25


class Lime(Hiding):
    """The weight of each superpixel in a linear model of what the network says when random ones of them are hidden.

    Half of the superpixels of a view are hidden: they show the mean colour of the face, where LIME takes that of the
    superpixel, which hides nothing of an even one, such as a pupil. The model is a ridge regression in which views near
    to the whole face count more.

    Ribeiro, Singh and Guestrin: "Why Should I Trust You?" Explaining the Predictions of Any Classifier (KDD 2016,
    arXiv:1602.04938).
    """

    default_samples = 500

    #: Superpixels of a face: of 48×48 pixels each has about 46.
    count: ClassVar[int] = 49

    def explain_face(self, image: Images, label: int) -> Maps:
        """Probability, the same at each pixel of a superpixel."""
        from sklearn.linear_model import Ridge

        segments = superpixels(image, self.count)
        rng = np.random.default_rng(self.seed)
        shown = rng.integers(0, 2, (self.samples, segments.max() + 1)).astype(np.float32)
        shown[0] = 1
        probabilities = self.seen(image, absent(image[None])[0], shown[:, segments], label)
        model = Ridge(alpha=1.0).fit(shown, probabilities, sample_weight=_nearness(shown))
        found: Maps = model.coef_[segments].astype(np.float32)
        return found


def superpixels(image: Images, count: int) -> npt.NDArray[np.intp]:
    """(H, W): numbers, from 0 without gaps, of about `count` regions of like colour of a face (H, W, C) in 0..255.

    k-means over place and colour from a regular grid, the clustering of SLIC without its limits on how far a region
    reaches and that it be in one piece (Achanta et al.: SLIC Superpixels, TPAMI 2012).
    """
    height, width = image.shape[:2]
    spacing = np.sqrt(height * width / count)
    rows, columns = np.mgrid[:height, :width]
    cells = max(1, round(height / spacing)), max(1, round(width / spacing))
    grid = rows * cells[0] // height * cells[1] + columns * cells[1] // width
    colour = np.repeat(image, 3, -1) if image.shape[-1] == 1 else image
    lab = cv2.cvtColor((colour / 255).astype(np.float32), cv2.COLOR_RGB2LAB)
    points = np.dstack([rows * _COMPACTNESS / spacing, columns * _COMPACTNESS / spacing, lab])
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, _ROUNDS, 0.0)
    _, found, _ = cv2.kmeans(
        points.reshape(-1, 5).astype(np.float32),
        cells[0] * cells[1],
        grid.reshape(-1, 1).astype(np.int32),
        criteria,
        1,
        cv2.KMEANS_USE_INITIAL_LABELS,
    )
    return np.unique(found, return_inverse=True)[1].reshape(height, width)


def _nearness(shown: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(M,): the weight of each view, by its cosine distance from the whole face."""
    distance = 1 - np.sqrt(shown.mean(1))
    weight: npt.NDArray[np.float32] = np.sqrt(np.exp(-np.square(distance) / _NEAR**2))
    return weight
