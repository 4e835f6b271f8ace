"""A translator whose doings are known: it moves the bright block of a planted face to the place of the wanted class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli.labels import EMOTIONS
from tests import helpers

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class PlantedTranslator:
    """Fills all blocks with grey and the wanted one with white, where a class is not among those `deaf` to it.

    The mask is 1 on the blocks. strength blends with the face as it was.
    """

    def __init__(self, class_names: tuple[str, ...] = EMOTIONS, deaf: tuple[str, ...] = ()) -> None:
        self.class_names = class_names
        self.input_shape = (helpers.SIDE, helpers.SIDE, 1)
        self._deaf = deaf

    def translate(self, images: Pixels, conditions: Floats, strength: float = 1.0) -> tuple[Pixels, Floats]:
        """As `analysis.translation.base.Translator`."""
        out, masks = images.astype(np.float32), np.zeros((*images.shape[:3], 1), np.float32)
        for face, mask, label in zip(out, masks, conditions.argmax(1), strict=True):
            if self.class_names[label] in self._deaf:
                continue
            before = face.copy()
            for name in EMOTIONS:
                place = helpers.place(EMOTIONS.index(name))
                face[place], mask[place] = 255.0 if name == self.class_names[label] else 40.0, 1.0
            face[...] = before + strength * (face - before)
        return np.rint(np.clip(out, 0, 255)).astype(np.uint8), masks


def write_generator(path: Path, deaf: tuple[str, ...] = (), **metadata: object) -> Path:
    """A generator's file that does the same; its layers spell out a map for each class. metadata: besides the usual."""
    import keras

    from fer_cli.models import save_model

    side, classes = helpers.SIDE, len(EMOTIONS)
    kept, drawn = np.ones((classes, side, side), np.float32), np.zeros((classes, side, side), np.float32)
    for label, name in enumerate(EMOTIONS):
        for other in range(classes) if name not in deaf else ():
            kept[(label, *helpers.place(other))] = 0
            drawn[(label, *helpers.place(other))] = 255 if other == label else 40
    image, condition = keras.Input((side, side, 1), name="image"), keras.Input((classes,), name="condition")
    shape = keras.layers.Reshape((side, side, 1))
    maps = [keras.layers.Dense(side * side, use_bias=False, name=name) for name in ("kept", "drawn")]
    kept_map, drawn_map = (shape(layer(condition)) for layer in maps)
    outputs = {
        "image": keras.layers.Add()([keras.layers.Multiply()([image, kept_map]), drawn_map]),
        "mask": keras.layers.Rescaling(-1, offset=1)(kept_map),
    }
    for layer, values in zip(maps, (kept, drawn), strict=True):
        layer.set_weights([values.reshape(classes, -1)])
    metadata = {"kind": "generator", "class_names": list(EMOTIONS), "input_shape": [side, side, 1], **metadata}
    save_model(keras.Model({"image": image, "condition": condition}, outputs), path, metadata)
    return path
