"""The frozen networks that may guide a generator beside the discriminator.

A classifier knows the emotions from the first step on, which a discriminator learns on the way; a network that tells
persons apart knows what of a face is to stay. Neither can be the judge of what comes out: a generator learns what
pleases them.
"""

from __future__ import annotations

from pathlib import Path

import keras

from fer_cli import models
from fer_cli.analysis.embedding import Embedding
from fer_cli.analysis.predict import missing_corrections, whole_shape
from fer_cli.errors import InputError
from fer_cli.labels import class_order
from fer_cli.models import LoadedModel
from fer_cli.store.reader import Dataset


def load_guide(path: Path, dataset: Dataset) -> keras.Model:
    """The network of a model file that sees the faces of a dataset as they are, or a crop of them.

    Raises `InputError` for a network of other classes or of another order of them, for one that sees images of another
    size or colour, and for one that wants a correction of the light that the dataset's faces have not had.
    """
    model = models.load_model(path)
    if class_order(dataset.class_names, model.class_names, str(path)) is not None:
        raise InputError(
            f"{path}: expected the classes in the order {', '.join(dataset.class_names)}. "
            f"Received: {', '.join(model.class_names)}"
        )
    _check_faces(model, dataset, "a classifier of")
    return model.network


def load_identity_guide(path: Path, dataset: Dataset) -> keras.Model:
    """The part of a network up to its layer `embedding`, for faces of a dataset as they are, or a crop of them.

    Raises `InputError` for a network without that layer, and for one that sees other faces, as `load_guide` does.
    """
    embedding = Embedding(path)
    _check_faces(embedding.model, dataset, "a network that tells persons apart by")
    return embedding.network


def _check_faces(model: LoadedModel, dataset: Dataset, what: str) -> None:
    seen, shape = whole_shape(model, dataset.image_shape), dataset.image_shape
    if seen != shape:
        wanted, received = ("×".join(map(str, sides)) for sides in (shape, seen))
        raise InputError(f"{model.path}: expected {what} images of {wanted}, as the faces are. Received: {received}")
    missing = missing_corrections(model, dataset.transforms)
    if missing:
        raise InputError(
            f"{model.path}: was trained on faces corrected by {', '.join(missing)}, those of {dataset.path} are not"
        )
