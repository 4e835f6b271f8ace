"""What a student learns from: the answers of one teacher, or of several, to the train rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli import catalog, files
from fer_cli.analysis.predict import predict
from fer_cli.models import load_model
from fer_cli.store.logits import read_logits, write_logits
from fer_cli.store.reader import Dataset

_BATCH = 128


def teacher_logits(
    paths: Sequence[Path | str], dataset: Dataset, folder: Path, advance: Callable[[int], None] = lambda _: None
) -> npt.NDArray[np.float32]:
    """Log-probabilities float32 (N, K) of the train rows: of the mean of the teachers' probabilities.

    Log-probabilities are logits up to a constant a row, which no softmax sees. The teachers see each row once and as it
    is, whatever is done to it for the student. They are loaded one after the other, and their answers kept in `folder`
    in a file that is named and checked by the SHA-256 of teachers and dataset; one that is damaged is made anew.
    Loading a model takes from Keras' random numbers, so seed those of a run later. advance: is called with the number
    of images that a teacher has just done. Raises `InputError` for a teacher that cannot be used or has other classes.
    """
    key = _key([files.sha256(path) for path in (*map(Path, paths), dataset.path)])
    cache = folder / f"teacher-{key[:16]}.h5"
    shape = (dataset.count("train"), len(dataset.class_names))
    known = read_logits(cache, key, shape)
    if known is not None:
        return known
    logits = _ask(paths, dataset, advance)
    write_logits(cache, key, logits)
    return logits


def _ask(paths: Sequence[Path | str], dataset: Dataset, advance: Callable[[int], None]) -> npt.NDArray[np.float32]:
    views = catalog.find(catalog.TEST_TIME, "none", "test-time augmentation")
    images = dataset.images("train")
    total = np.zeros((len(images), len(dataset.class_names)))
    for path in paths:
        teacher = load_model(Path(path))
        total += predict(teacher, images, dataset.transforms, dataset.class_names, views, _BATCH, advance)
    # A probability may be 0 in float32; its logarithm must stay a number.
    return np.log(np.maximum(total / len(paths), np.finfo(np.float32).tiny)).astype(np.float32)


def _key(digests: Sequence[str]) -> str:
    """One SHA-256 for several; the teachers' order does not matter."""
    *teachers, dataset = digests
    return hashlib.sha256("\n".join([*sorted(teachers), dataset]).encode()).hexdigest()
