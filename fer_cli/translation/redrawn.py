"""Drawn faces drawn anew with another expression: what a perfect translator would score.

The persons, poses, lights and backgrounds of `fer prepare synthetic` follow from the file's seed, so the same person
can be drawn in the same moment with another emotion. Judges say of these pictures what they would say of a perfect
generator's.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from fer_cli.analysis.translation.base import Floats, Pixels, mask_of
from fer_cli.datasets.facs.action_units import ActionUnits, sample_units
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.redraw import redraw
from fer_cli.errors import UsageError
from fer_cli.store.reader import Dataset


class Redrawn:
    """A translator for the faces of one split and for no others."""

    def __init__(self, dataset: Dataset, split: str, seed: int = 0) -> None:
        """Draw the split again; seed: of how strongly each action unit moves.

        Raises `InputError` where the faces of the dataset are not drawn, or were changed since.
        """
        dataset.require(split)
        rows = range(dataset.count(split))
        self.class_names, self.input_shape = dataset.class_names, dataset.image_shape
        self._faces, self._seed = redraw(dataset, split, rows), seed
        self._rows = {image.tobytes(): row for row, image in enumerate(dataset.images(split).take(np.array(rows)))}

    def translate(self, images: Pixels, conditions: Floats, strength: float = 1.0) -> tuple[Pixels, Floats]:
        """Faces uint8 (N, H, W, C) of the split with the likeliest emotion of each condition, and where they changed.

        strength: how far each action unit goes from the face's own towards the wanted emotion's, cut to 0..1. Raises
        `UsageError` for other faces.
        """
        drawn = []
        for image, label in zip(images, conditions.argmax(1), strict=True):
            row = self._rows.get(image.tobytes())
            if row is None:
                raise UsageError("a redrawing knows the faces of its own split only")
            rng, face = np.random.default_rng((self._seed, row, int(label))), self._faces[row]
            wanted = sample_units(rng, self.class_names[label])
            drawn.append(replace(face, units=_between(face.units, wanted, strength)))
        made = draw_faces(drawn, images.shape[1], "gray" if images.shape[3] == 1 else "rgb")
        return made, mask_of(made.astype(np.float32) - images)


def _between(own: ActionUnits, wanted: ActionUnits, strength: float) -> ActionUnits:
    ends = asdict(wanted)
    moved = {name: value + strength * (ends[name] - value) for name, value in asdict(own).items()}
    return ActionUnits(**{name: min(1.0, max(0.0, value)) for name, value in moved.items()})
