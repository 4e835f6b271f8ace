"""Deletion and insertion: does the network lose the class where a map says, and find it there again?

Petsiuk, Das and Saenko, "RISE: randomized input sampling for explanation of black-box models", BMVC 2018
(arXiv:1806.07421), section 4.2. Cells of some pixels are taken rather than single ones (Samek et al., "Evaluating the
visualization of what a deep neural network has learned", 2017, arXiv:1509.06321): holes of one pixel are noise, to
which networks of faces fall in any order. What is deleted is blurred, for the same reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.analysis.saliency.subjects import Advance, Indices, Pixels
from fer_cli.models import LoadedModel

#: Cells along each side of a face: 4×4 pixels each of a face of 48.
CELLS = 12
#: States of a face between whole and blurred.
STEPS = 24
#: Random orders of a face, of which the mean counts.
ORDERS = 5
#: What stands for the order of chance among methods.
RANDOM = "random order"
#: Standard deviation of the blur that deletes, as a part of the side: nothing of an eye or a mouth is left.
BLUR = 0.1

Floats = npt.NDArray[np.float64]
#: Images that the network sees at once, about.
_IMAGES = 512


@dataclass(frozen=True)
class Curves:
    """Probability of the class explained, (N, STEPS + 1), while a growing part of the face is deleted, or inserted."""

    deletion: Floats
    insertion: Floats

    @property
    def deletion_auc(self) -> Floats:
        """(N,) the area below the curve, 0..1: low where the cells deleted first are those that count."""
        return _area(self.deletion)

    @property
    def insertion_auc(self) -> Floats:
        """(N,) the area below the curve, 0..1: high where the cells inserted first are enough to see the class."""
        return _area(self.insertion)


def fractions() -> Floats:
    """(STEPS + 1,) the part of the cells that is deleted, or inserted."""
    return np.linspace(0, 1, STEPS + 1)


def measure(
    model: LoadedModel,
    images: Pixels,
    classes: Indices,
    strengths: Mapping[str, npt.NDArray[np.floating]],
    seed: int,
    advance: Advance = lambda _: None,
) -> dict[str, Curves]:
    """The curves of each method, and of `RANDOM`, the mean of `ORDERS` orders by chance.

    images: uint8 (N, H, W, C) of the network's input. classes: (N,). strengths: name -> (N, H, W). advance: called with
    the number of images that the network has seen, `passes` in all.
    """
    rng, cells = np.random.default_rng(seed), _cells(images.shape[1], images.shape[2])
    found = {
        name: _curves(model, images, classes, ranks(maps, cells, rng), cells, advance)
        for name, maps in strengths.items()
    }
    by_chance = [
        _curves(model, images, classes, ranks(np.zeros(images.shape[:3]), cells, rng), cells, advance)
        for _ in range(ORDERS)
    ]
    sides = (np.mean([getattr(one, side) for one in by_chance], axis=0) for side in ("deletion", "insertion"))
    return {**found, RANDOM: Curves(*sides)}


def passes(faces: int, methods: int) -> int:
    """Images that the network sees in `measure`."""
    return 2 * faces * (STEPS + 1) * (methods + ORDERS)


def ranks(strengths: npt.NDArray[np.floating], cells: Indices, rng: np.random.Generator) -> Indices:
    """(N, cells): the place of each cell when the strongest comes first; cells of equal strength come by chance."""
    count = int(cells.max()) + 1
    sums = np.stack([np.bincount(cells.ravel(), one.ravel().astype(np.float64), count) for one in strengths])
    order = np.lexsort((rng.random(sums.shape), -sums), axis=1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(count), order.shape), axis=1)
    return places


def _cells(height: int, width: int) -> Indices:
    """(H, W): the cell that each pixel is in."""
    rows, columns = (np.arange(side) * min(CELLS, side) // side for side in (height, width))
    return np.asarray(rows[:, None] * (int(columns.max()) + 1) + columns, np.intp)


def _curves(
    model: LoadedModel, images: Pixels, classes: Indices, places: Indices, cells: Indices, advance: Advance
) -> Curves:
    count, faces = places.shape[1], max(1, _IMAGES // (2 * (STEPS + 1)))
    limits = np.rint(fractions() * count)[:, None, None]
    found = []
    for start in range(0, len(images), faces):
        part = slice(start, start + faces)
        clean = images[part].astype(np.float32)
        blurred = np.stack([_blurred(image) for image in clean])
        # (n, STEPS + 1, H, W): whether a cell is among the first so many.
        first = places[part][:, None, cells] < limits
        states = np.stack([np.where(first[..., None], *pair) for pair in _both(clean, blurred)])
        answers = model.probabilities(states.reshape(-1, *images.shape[1:]), _IMAGES)
        answers = answers.reshape(2, len(clean), STEPS + 1, -1)
        found.append(np.take_along_axis(answers, classes[part][None, :, None, None], axis=3)[..., 0])
        advance(2 * len(clean) * (STEPS + 1))
    deletion, insertion = np.concatenate(found, axis=1).astype(np.float64)
    return Curves(deletion, insertion)


def _both(
    clean: npt.NDArray[np.float32], blurred: npt.NDArray[np.float32]
) -> tuple[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]], ...]:
    """What the first cells show and what all others do, of deletion and of insertion."""
    clean, blurred = clean[:, None], blurred[:, None]
    return (blurred, clean), (clean, blurred)


def _blurred(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    soft = cv2.GaussianBlur(image, (0, 0), BLUR * max(image.shape[:2]), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft, np.float32).reshape(image.shape)


def _area(curve: Floats) -> Floats:
    return np.asarray(np.trapezoid(curve, fractions(), axis=1))
